#ifndef NOTIFICATION_READ_MARKS_H
#define NOTIFICATION_READ_MARKS_H

/* How far a person has read a chat, as message-service knows it. */

#include "common/arena.h"
#include "common/http_client.h"

/* -1 when message-service does not say: then the person is told, rather than not. */
int64_t notification_read_seq(struct cc_peer *message_service, const char *user_id,
                              const char *chat_id, const struct cc_trace *trace,
                              struct cc_arena *arena);

#endif
