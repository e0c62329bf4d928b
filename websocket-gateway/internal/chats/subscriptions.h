#ifndef CHATS_SUBSCRIPTIONS_H
#define CHATS_SUBSCRIPTIONS_H

/*
 * One record per chat in which a person connected here is a member: one Redis subscription, the
 * last rev delivered, and the local members. A chat is live when its channel is subscribed and its
 * head known; until then, and while a hole is repaired or membership re-read, its events wait.
 * Loop thread only.
 */

#include <stdint.h>

#include "common/id.h"

#include "table.h"
#include "ws/backlog.h"

struct ws_app;
struct ws_person;
struct ws_unread;

enum ws_chat_wait { /* why events wait, as a set */
                    WS_WAIT_SUBSCRIBE = 1,
                    WS_WAIT_BASELINE = 2,
                    WS_WAIT_REPAIR = 4,
                    WS_WAIT_MEMBERS = 8,
};
#define WS_WAIT_FOR_LIFE (WS_WAIT_SUBSCRIBE | WS_WAIT_BASELINE)

struct ws_chat {
    struct ws_node node;
    struct ws_link members; /* struct ws_membership.of_chat */
    struct ws_link waiting; /* in hub.no_baseline */
    struct ws_backlog backlog;
    unsigned member_count;
    int64_t head_seq;
    int64_t member_version;
    int64_t asked_version;   /* the newest membership version heard of */
    uint8_t wait;            /* enum ws_chat_wait */
    bool crowd;              /* too many members for their unread counts to be followed */
    uint8_t posting;         /* enum ws_posting: posting.h */
    unsigned posting_losses; /* of events, when it was known */
    int64_t posting_asked_ms;
    uint8_t failures;    /* of the request that it waits for; slows down the next one */
    int64_t retry_ms;    /* when to ask again; 0 = nothing to retry */
    int64_t suspect_rev; /* a head above ours seen by the last comparison; 0 = none */
    char chat_id[CC_UUID_BYTES];
};
struct ws_membership {
    struct ws_link of_chat, of_person;
    struct ws_chat *chat;
    struct ws_person *person;
    struct ws_unread *unread; /* owned: unread.h; NULL = nothing has happened yet */
    int64_t joined_seq; /* where the chat ended when the person came; 0 = not known, or a founder */
    int64_t cleared_seq; /* the person deleted the chat for themselves up to here */
    bool confirmed;      /* scratch of a membership reload */
    bool listed;         /* scratch of whoever goes through a person's chats */
    bool introduce;      /* told nothing of yet: when the chat is live */
    bool personal;       /* the person may not see all that the others do: hides.h */
};

/* A message that something is about, as far as it decides who sees it. */
struct ws_about {
    int64_t seq;        /* 0 = about no message */
    bool since_joining; /* the chat shows nobody what was before they came */
};
/* Whether this member's view of the chat begins after that message. */
static inline bool ws_membership_is_past(const struct ws_membership *membership,
                                         const struct ws_about *about)
{
    bool before = about->since_joining && about->seq <= membership->joined_seq;
    return about->seq > 0 && (before || about->seq <= membership->cleared_seq);
}

struct ws_chat *ws_chat_find(struct ws_app *app, const char *chat_id);
/* NULL = not a member. Walks the shorter of the chat's local members and the person's chats. */
struct ws_membership *ws_membership_find(struct ws_app *app, const struct ws_person *person,
                                         const char *chat_id);

/* Where the chat begins for its member; 0 = not said. Of somebody who is no member here: nothing.
 */
void ws_membership_begin(struct ws_app *app, const struct ws_person *person, const char *chat_id,
                         int64_t joined_seq, int64_t cleared_seq);

/* Idempotent. Subscribes the chat when this is its first local member. */
struct ws_chat *ws_chat_join(struct ws_app *app, struct ws_person *person, const char *chat_id,
                             int64_t member_version);
void ws_chat_leave(struct ws_app *app, struct ws_membership *membership);
void ws_chat_leave_all(struct ws_app *app, struct ws_person *person);

void ws_chat_subscribed(struct ws_app *app, const char *chat_id);
/* The head as it was after the subscription: what is at or below it comes from `sync`. */
void ws_chat_baseline(struct ws_app *app, struct ws_chat *chat, int64_t rev, int64_t seq);
static inline bool ws_chat_live(const struct ws_chat *chat)
{
    return (chat->wait & WS_WAIT_FOR_LIFE) == 0;
}
/* Ends one reason to wait and delivers what waited, unless there is another. */
void ws_chat_resume(struct ws_app *app, struct ws_chat *chat, enum ws_chat_wait reason);
/* Asks again after a failure: 250 ms, doubling to 8 s. */
void ws_chat_retry_later(struct ws_app *app, struct ws_chat *chat);
void ws_chat_tick(struct ws_app *app, struct ws_chat *chat, int64_t now_ms);

#endif
