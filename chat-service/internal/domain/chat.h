#ifndef CHAT_DOMAIN_CHAT_H
#define CHAT_DOMAIN_CHAT_H

/*
 * What a chat is, and the ids that come out the same on every node. Pure: no driver, no clock.
 * Strings are borrowed from whoever made the struct, normally the arena of a request.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/chat_terms.h"
#include "common/id.h"

#define CHAT_TITLE_MAX_BYTES       100
#define CHAT_DESCRIPTION_MAX_BYTES 1000
#define CHAT_FOUNDERS_MAX          199   /* people named at creation, the creator not counted */
#define CHAT_MEMBERS_MAX           10000 /* active members of a group */
#define CHAT_ADD_MAX               100   /* people added by one request */
#define CHAT_RETENTION_MAX_S       (INT64_C(366) * 24 * 60 * 60)

enum chat_type { CHAT_DIRECT, CHAT_GROUP };

/* Wire names, NULL-terminated, indexed by the enum. */
extern const char *const chat_type_names[];
/* Of enum cc_chat_posting, what people may choose. */
extern const char *const chat_posting_choices[];

/* What owners and admins decide about a group. Of a direct chat: its defaults, and CC_POST_NOBODY
 * while one of the two blocks the other. */
struct chat_rules {
    enum cc_chat_posting post;
    enum cc_chat_history history; /* what members see from before they came */
    int64_t retention_s;          /* messages expire after this long; 0 = never */
};

struct chat {
    const char *chat_id;
    enum chat_type type;
    const char *title;           /* "" for a direct chat */
    const char *description;     /* "" = none */
    const char *avatar_media_id; /* NULL = none */
    const char *created_by;
    int64_t created_at_ms;
    int64_t version;        /* 1 at creation, +1 per change */
    int64_t member_version; /* version at the last change of members, roles or posting */
    int64_t member_count;   /* active members */
    int64_t owner_count;    /* of these, owners; a group that has members has one */
    int64_t place_count;    /* places given, to members and former ones */
    struct chat_rules rules;
    bool deleted;
};

/* The one chat of two people: the order of the two makes no difference. */
void chat_direct_id(const char *user_id, const char *other_id, char out[CC_UUID_BYTES]);
/* The chat that this person makes with this idempotency key, however often the request comes. */
void chat_keyed_id(const char *user_id, const char *idempotency_key, char out[CC_UUID_BYTES]);

#endif
