/* Which chats this process listens to, and since when. Runs on the loop thread. Heads are read by
 * heads.c, holes filled by repair.c, events delivered by ws/fanout.c. */

#include "chats/subscriptions.h"

#include <string.h>

#include "common/alloc.h"
#include "common/metrics.h"
#include "common/topics.h"

#include "app.h"
#include "chats/heads.h"
#include "chats/listing.h"
#include "chats/members.h"
#include "chats/repair.h"
#include "chats/unread.h"
#include "people.h"
#include "ws/auth.h"
#include "ws/fanout.h"

#define RETRY_FIRST_MS  250
#define RETRY_DOUBLINGS 5 /* 250 ms to 8 s */

struct ws_chat *ws_chat_find(struct ws_app *app, const char *chat_id)
{
    struct ws_node *node = ws_table_find(&app->hub.chats, chat_id);

    return node == NULL ? NULL : WS_CONTAINER(node, struct ws_chat, node);
}

struct ws_membership *ws_membership_find(struct ws_app *app, const struct ws_person *person,
                                         const char *chat_id)
{
    struct ws_chat *chat = ws_chat_find(app, chat_id);

    if (chat == NULL)
        return NULL;
    if (chat->member_count < person->chat_count) {
        WS_LIST_EACH(link, &chat->members)
        {
            struct ws_membership *membership = WS_CONTAINER(link, struct ws_membership, of_chat);

            if (membership->person == person)
                return membership;
        }
        return NULL;
    }
    WS_LIST_EACH(link, &person->memberships)
    {
        struct ws_membership *membership = WS_CONTAINER(link, struct ws_membership, of_person);

        if (membership->chat == chat)
            return membership;
    }
    return NULL;
}

void ws_membership_begin(struct ws_app *app, const struct ws_person *person, const char *chat_id,
                         int64_t joined_seq, int64_t cleared_seq)
{
    struct ws_membership *membership = ws_membership_find(app, person, chat_id);

    if (membership == NULL)
        return;
    if (joined_seq > 0)
        membership->joined_seq = joined_seq;
    if (cleared_seq > membership->cleared_seq)
        membership->cleared_seq = cleared_seq;
    membership->personal = membership->personal || cleared_seq > 0;
}

static struct ws_chat *open_chat(struct ws_app *app, const char *chat_id)
{
    struct ws_chat *chat = ws_chat_find(app, chat_id);
    char channel[CC_REDIS_NAME_BYTES];

    if (chat != NULL)
        return chat;
    chat = cc_calloc(1, sizeof *chat);
    memcpy(chat->chat_id, chat_id, sizeof chat->chat_id);
    chat->wait = WS_WAIT_FOR_LIFE;
    ws_list_init(&chat->members);
    ws_list_init(&chat->waiting);
    ws_backlog_init(&chat->backlog);
    ws_table_add(&app->hub.chats, &chat->node, chat->chat_id);
    cc_redis_name_chat(chat_id, channel);
    cc_redis_subscribe(app->subscriber, channel);
    cc_gauge_set(app->hub.metrics.subscriptions, (int64_t)app->hub.chats.count);
    return chat;
}

static void close_chat(struct ws_app *app, struct ws_chat *chat)
{
    char channel[CC_REDIS_NAME_BYTES];

    cc_redis_name_chat(chat->chat_id, channel);
    cc_redis_unsubscribe(app->subscriber, channel);
    ws_list_remove(&chat->waiting);
    ws_backlog_finish(&chat->backlog);
    ws_table_remove(&app->hub.chats, &chat->node);
    cc_gauge_set(app->hub.metrics.subscriptions, (int64_t)app->hub.chats.count);
    cc_free(chat);
}

struct ws_chat *ws_chat_join(struct ws_app *app, struct ws_person *person, const char *chat_id,
                             int64_t member_version)
{
    struct ws_membership *membership = ws_membership_find(app, person, chat_id);
    struct ws_chat *chat;

    if (membership == NULL) {
        membership = cc_calloc(1, sizeof *membership);
        membership->chat = open_chat(app, chat_id);
        membership->person = person;
        ws_list_append(&membership->chat->members, &membership->of_chat);
        ws_list_append(&person->memberships, &membership->of_person);
        membership->chat->member_count++;
        person->chat_count++;
        person->membership_turn++;
        person->hides_known_ms = 0; /* what was said of the others says nothing of this one */
        if (!ws_chat_live(membership->chat))
            person->not_live++;
    }
    chat = membership->chat;
    if (member_version > chat->member_version)
        chat->member_version = member_version;
    return chat;
}

void ws_chat_leave(struct ws_app *app, struct ws_membership *membership)
{
    struct ws_chat *chat = membership->chat;

    if (!ws_chat_live(chat))
        membership->person->not_live--;
    chat->member_count--;
    membership->person->chat_count--;
    membership->person->membership_turn++;
    ws_list_remove(&membership->of_chat);
    ws_list_remove(&membership->of_person);
    ws_unread_forget(membership);
    cc_free(membership);
    if (ws_list_empty(&chat->members))
        close_chat(app, chat);
}

void ws_chat_leave_all(struct ws_app *app, struct ws_person *person)
{
    while (!ws_list_empty(&person->memberships))
        ws_chat_leave(app, WS_CONTAINER(person->memberships.next, struct ws_membership, of_person));
}

void ws_chat_subscribed(struct ws_app *app, const char *chat_id)
{
    struct ws_chat *chat = ws_chat_find(app, chat_id);

    if (chat == NULL || (chat->wait & WS_WAIT_SUBSCRIBE) == 0)
        return; /* a reconnect: the heads are compared then */
    chat->wait &= (uint8_t)~WS_WAIT_SUBSCRIBE;
    ws_list_append(&app->hub.no_baseline, &chat->waiting);
}

void ws_chat_baseline(struct ws_app *app, struct ws_chat *chat, int64_t rev, int64_t seq)
{
    chat->backlog.last_rev = rev;
    chat->head_seq = seq;
    chat->wait &= (uint8_t)~WS_WAIT_BASELINE;
    chat->retry_ms = 0;
    chat->failures = 0;
    WS_LIST_EACH(link, &chat->members)
    {
        struct ws_membership *membership = WS_CONTAINER(link, struct ws_membership, of_chat);

        if (membership->introduce)
            ws_listing_introduce(app, membership);
        membership->introduce = false;
        if (--membership->person->not_live == 0)
            ws_auth_person_changed(membership->person);
    }
    ws_fanout_go_on(app, chat);
}

void ws_chat_resume(struct ws_app *app, struct ws_chat *chat, enum ws_chat_wait reason)
{
    chat->wait &= (uint8_t)~reason;
    chat->retry_ms = 0;
    chat->failures = 0;
    if (chat->wait & WS_WAIT_REPAIR)
        ws_repair(app, chat); /* it was given up for the members */
    else
        ws_fanout_go_on(app, chat);
}

void ws_chat_retry_later(struct ws_app *app, struct ws_chat *chat)
{
    chat->retry_ms = ws_now_ms(app) + ((int64_t)RETRY_FIRST_MS << chat->failures);
    if (chat->failures < RETRY_DOUBLINGS)
        chat->failures++;
}

void ws_chat_tick(struct ws_app *app, struct ws_chat *chat, int64_t now_ms)
{
    if (chat->retry_ms == 0 || now_ms < chat->retry_ms)
        return;
    chat->retry_ms = 0;
    if (chat->wait & WS_WAIT_BASELINE) {
        ws_list_remove(&chat->waiting);
        ws_list_append(&app->hub.no_baseline, &chat->waiting);
    } else if (chat->wait & WS_WAIT_MEMBERS) {
        ws_members_reload(app, chat);
    } else if (chat->wait & WS_WAIT_REPAIR) {
        ws_repair(app, chat);
    }
}
