/* The topics of the platform and the names of Redis keys and channels. Pure, any thread. Creates
 * nothing: kafka_topics.c does. */

#include "common/topics.h"

#include <stdio.h>

#define PARTITIONS     12
#define BROKER_DEFAULT 0
#define SEVEN_DAYS_MS  (INT64_C(7) * 24 * 60 * 60 * 1000)

/* What a deleted message said stays in the topics that carry it until their retention ends: hence
 * the week, whatever the broker's own default is. For so long a consumer of message.read may be
 * away, too. */
/* Columns are the point. */
/* clang-format off */
const struct cc_topic cc_topics[] = {
    {CC_TOPIC_MESSAGE_CREATED,            PARTITIONS, SEVEN_DAYS_MS},
    {CC_TOPIC_MESSAGE_PERSISTED,          PARTITIONS, SEVEN_DAYS_MS},
    {CC_TOPIC_MESSAGE_READ,               PARTITIONS, SEVEN_DAYS_MS},
    {CC_TOPIC_CHAT_UPDATED,               PARTITIONS, BROKER_DEFAULT},
    {CC_TOPIC_NOTIFICATION_NEW,           PARTITIONS, SEVEN_DAYS_MS},
    {CC_TOPIC_SESSION_REVOKED,            PARTITIONS, BROKER_DEFAULT},
    {CC_TOPIC_USER_UPDATED,               PARTITIONS, BROKER_DEFAULT},
    {CC_TOPIC_MESSAGE_CREATED ".dlq",     PARTITIONS, SEVEN_DAYS_MS},
    {CC_TOPIC_MESSAGE_PERSISTED ".dlq",   PARTITIONS, SEVEN_DAYS_MS},
    {CC_TOPIC_MESSAGE_READ ".dlq",        PARTITIONS, SEVEN_DAYS_MS},
    {CC_TOPIC_CHAT_UPDATED ".dlq",        PARTITIONS, BROKER_DEFAULT},
    {CC_TOPIC_NOTIFICATION_NEW ".dlq",    PARTITIONS, SEVEN_DAYS_MS},
    {CC_TOPIC_SESSION_REVOKED ".dlq",     PARTITIONS, BROKER_DEFAULT},
    {CC_TOPIC_USER_UPDATED ".dlq",        PARTITIONS, BROKER_DEFAULT},
};
/* clang-format on */
const size_t cc_topic_count = sizeof cc_topics / sizeof cc_topics[0];

/* Ids are UUIDs, node ids at most 64 bytes: an over-long one is cut, and so addresses nobody. */
static void make_name(const char *prefix, const char *id, char out[CC_REDIS_NAME_BYTES])
{
    (void)snprintf(out, CC_REDIS_NAME_BYTES, "%s:%s", prefix, id);
}

void cc_redis_name_chat(const char *chat_id, char out[CC_REDIS_NAME_BYTES])
{
    make_name("chat", chat_id, out);
}

void cc_redis_name_user(const char *user_id, char out[CC_REDIS_NAME_BYTES])
{
    make_name("user", user_id, out);
}

void cc_redis_name_node(const char *node_id, char out[CC_REDIS_NAME_BYTES])
{
    make_name("node", node_id, out);
}

void cc_redis_name_head(const char *chat_id, char out[CC_REDIS_NAME_BYTES])
{
    make_name("head", chat_id, out);
}

void cc_redis_name_read(const char *chat_id, const char *user_id,
                        char out[CC_REDIS_READ_NAME_BYTES])
{
    (void)snprintf(out, CC_REDIS_READ_NAME_BYTES, "read:%s/%s", chat_id, user_id);
}

void cc_redis_name_members(const char *chat_id, char out[CC_REDIS_NAME_BYTES])
{
    make_name("members", chat_id, out);
}

void cc_redis_name_mver(const char *chat_id, char out[CC_REDIS_NAME_BYTES])
{
    make_name("mver", chat_id, out);
}

void cc_redis_name_presence(const char *user_id, char out[CC_REDIS_NAME_BYTES])
{
    make_name("presence", user_id, out);
}

void cc_redis_name_revoked(const char *session_id, char out[CC_REDIS_NAME_BYTES])
{
    make_name("revoked", session_id, out);
}

void cc_redis_name_presence_away(const char *user_id, char out[CC_REDIS_NAME_BYTES])
{
    make_name("presence-away", user_id, out);
}

void cc_redis_name_last_seen(const char *user_id, char out[CC_REDIS_NAME_BYTES])
{
    make_name("last_seen", user_id, out);
}
