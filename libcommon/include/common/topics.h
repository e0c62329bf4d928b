#ifndef COMMON_TOPICS_H
#define COMMON_TOPICS_H

/* Names that are wire contracts between daemons: topics, consumer groups, Redis keys and channels.
 * No other file spells them. Source: docs/contracts.md. */

#include "common/kafka_producer.h"

#define CC_TOPIC_MESSAGE_CREATED   "message.created"
#define CC_TOPIC_MESSAGE_PERSISTED "message.persisted"
#define CC_TOPIC_MESSAGE_READ      "message.read"
#define CC_TOPIC_CHAT_UPDATED      "chat.updated"
#define CC_TOPIC_NOTIFICATION_NEW  "notification.new"
#define CC_TOPIC_SESSION_REVOKED   "session.revoked"
#define CC_TOPIC_USER_UPDATED      "user.updated"

extern const struct cc_topic cc_topics[]; /* all of the above and their .dlq */
extern const size_t cc_topic_count;

/* Redis key and channel builders: buffer of CC_REDIS_NAME_BYTES. */
#define CC_REDIS_NAME_BYTES      64
#define CC_REDIS_READ_NAME_BYTES 80 /* two ids */
void cc_redis_name_chat(
    const char *chat_id,
    char out[CC_REDIS_NAME_BYTES]); /* channel chat:{id}: everything of a chat */
void cc_redis_name_user(
    const char *user_id,
    char out[CC_REDIS_NAME_BYTES]); /* channel user:{id}: what one person gets */
void cc_redis_name_node(
    const char *node_id,
    char out[CC_REDIS_NAME_BYTES]); /* channel node:{id}: outcomes for a node's waiters */
void cc_redis_name_head(const char *chat_id,
                        char out[CC_REDIS_NAME_BYTES]); /* key head:{id} = "rev seq" (decimal) */
void cc_redis_name_read(const char *chat_id, const char *user_id,
                        char out[CC_REDIS_READ_NAME_BYTES]); /* key read:{chat}/{user} = seq */
void cc_redis_name_members(
    const char *chat_id,
    char out[CC_REDIS_NAME_BYTES]); /* key members:{id}: JSON, see docs/contracts.md */
void cc_redis_name_mver(const char *chat_id,
                        char out[CC_REDIS_NAME_BYTES]); /* key mver:{id} = membership version */
void cc_redis_name_presence(
    const char *user_id,
    char out[CC_REDIS_NAME_BYTES]); /* zset presence:{id}: member node/conn, score expiry ms */
void cc_redis_name_presence_away(
    const char *user_id,
    char out[CC_REDIS_NAME_BYTES]); /* zset presence-away:{id}: those of them that are away */
void cc_redis_name_last_seen(
    const char *user_id,
    char out[CC_REDIS_NAME_BYTES]); /* key last_seen:{id}: when the last socket left, epoch ms */
void cc_redis_name_revoked(const char *session_id,
                           char out[CC_REDIS_NAME_BYTES]); /* key revoked:{id} = "1", with expiry */

/* auth-service publishes the id of each session that ends. */
#define CC_CHANNEL_SESSION_REVOKED "session-revoked"

#endif
