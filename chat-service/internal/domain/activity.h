#ifndef CHAT_DOMAIN_ACTIVITY_H
#define CHAT_DOMAIN_ACTIVITY_H

/*
 * What the list of chats shows of a chat's timeline: the last message and when it came. Judged by
 * rev: a fact that is not newer than what is known changes nothing, so replays are harmless.
 */

#include <stdbool.h>
#include <stdint.h>

struct chat_activity {
    const char *chat_id;
    int64_t rev; /* newest change that is included; 0 = none yet */
    int64_t seq; /* head of the chat at that rev */
    int64_t last_activity_at_ms;
    const char *last_message_id;   /* NULL = no message yet */
    const char *last_message_json; /* the public message, compact JSON; NULL = no message yet */
};

/* One stored change of the timeline, as far as this service cares. */
struct activity_fact {
    int64_t rev;
    int64_t head_seq;
    bool is_new_message; /* else an earlier message changed, or nothing that people see */
    const char *message_id;
    const char *message_json;
    int64_t created_at_ms;
};

/* False when the fact is old. Strings are borrowed from the fact. */
bool activity_apply(struct chat_activity *activity, const struct activity_fact *fact);

#endif
