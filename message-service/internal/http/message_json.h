#ifndef MESSAGE_HTTP_MESSAGE_JSON_H
#define MESSAGE_HTTP_MESSAGE_JSON_H

/* JSON of this service's REST bodies, both ways. Pure; strings read live in the request's arena. */

#include "domain/change.h"

#define MESSAGE_ATTACHMENTS_MAX 10

/* The body of a send into `out` (type, body, reply_to, mentions, attachments, ttl_s, silent).
 * False: the reader holds the fault. */
bool message_json_read_send(struct cc_json_reader *reader, struct ev_message_created *out);

/* The whole object. */
void message_json_put_message(struct cc_json_writer *writer, const char *key,
                              const struct cc_message *message);
void message_json_put_change(struct cc_json_writer *writer, const struct change *change);

#endif
