#ifndef MESSAGE_HTTP_MESSAGE_JSON_H
#define MESSAGE_HTTP_MESSAGE_JSON_H

/* JSON of this service's REST bodies, both ways. Pure; strings read live in the request's arena. */

#include "domain/change.h"

/* The body of a send into `out` (type, body, reply_to, mentions, mention_all, attachments, ttl_s,
 * silent), or of an edit (body, mentions, mention_all, expected_version). False: the reader holds
 * the fault. */
bool message_json_read_send(struct cc_json_reader *reader, struct ev_message_created *out);
bool message_json_read_edit(struct cc_json_reader *reader, struct ev_message_created *out);

/* The whole object, as it is at now_ms: what has expired says nothing, swept or not. */
void message_json_put_message(struct cc_json_writer *writer, const char *key,
                              const struct cc_message *message, int64_t now_ms);
/* What a message said in one of its versions. */
void message_json_put_version(struct cc_json_writer *writer, const struct cc_message *message);
/* hidden: by its rev alone. now_ms: as for a message. */
void message_json_put_change(struct cc_json_writer *writer, const struct change *change,
                             bool hidden, int64_t now_ms);

#endif
