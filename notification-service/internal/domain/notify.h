#ifndef NOTIFICATION_DOMAIN_NOTIFY_H
#define NOTIFICATION_DOMAIN_NOTIFY_H

/* Who is told of a message, and what they are told. Pure: no clock, no store, no driver. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/events/message_persisted.h"
#include "common/events/notification_new.h"

/* In a chat with more active members than this, only those who are mentioned are told. */
#define NOTIFY_EVERYBODY_MAX 200
/* A message older than this is no news: what a long outage or a replay brings up is not told. */
#define NOTIFY_NEWS_MS           (INT64_C(24) * 60 * 60 * 1000)
#define NOTIFY_PREVIEW_MAX_BYTES 120

enum notify_level {
    NOTIFY_LEVEL_DEFAULT, /* all; only mentions in a chat of more than NOTIFY_EVERYBODY_MAX */
    NOTIFY_LEVEL_ALL,
    NOTIFY_LEVEL_MENTIONS,
    NOTIFY_LEVEL_NONE,
};
/* Wire names, NULL-terminated, by the enum. */
extern const char *const notify_level_names[];

/* What a person says of a chat. */
struct notify_wish {
    enum notify_level level;
    int64_t mute_until_ms; /* nothing is told before, mentions neither; 0 = not muted */
};

enum notify_kind { NOTIFY_NOT, NOTIFY_MESSAGE, NOTIFY_MENTION };

/* Whether anybody is told at all: a stored, audible, recent message of a person. */
bool notify_is_news(const struct ev_message_persisted *event, int64_t now_ms);

/* Whether what was told of its message is to be taken back: it was deleted, or has expired. */
bool notify_is_retraction(const struct ev_message_persisted *event);

/* What one member is told. member_count: active members of the chat. wish: NULL = the person said
 * nothing of the chat. */
enum notify_kind notify_kind_for(const struct ev_message_persisted *event, const char *user_id,
                                 size_t member_count, const struct notify_wish *wish,
                                 int64_t now_ms);

/* The longest prefix of at most NOTIFY_PREVIEW_MAX_BYTES bytes that does not cut a character. */
size_t notify_preview_length(const char *body);

/* The notification, without event_id and occurred_at of its envelope. Texts are in the arena or
 * borrowed from `event`. kind: not NOTIFY_NOT. The same arguments give the same notification_id. */
void notify_compose(const struct ev_message_persisted *event, const char *user_id,
                    enum notify_kind kind, struct cc_arena *arena, struct ev_notification_new *out);

/* Whether it is too late to deliver: expired, or read meanwhile. read_seq: -1 = not known. */
bool notify_is_stale(const struct ev_notification_new *notification, int64_t read_seq,
                     int64_t now_ms);

#endif
