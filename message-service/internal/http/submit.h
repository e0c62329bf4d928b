#ifndef MESSAGE_HTTP_SUBMIT_H
#define MESSAGE_HTTP_SUBMIT_H

/* An operation of a REST request into the pipeline, and its outcome. */

#include "app.h"

enum submit_state {
    SUBMIT_DONE,
    SUBMIT_REPEATED, /* done by an earlier request of the same key */
    SUBMIT_UNKNOWN   /* accepted, but its outcome did not come in time */
};
struct submitted {
    enum submit_state state;
    char op_id[CC_UUID_BYTES];
    struct cc_message message; /* in the request's arena; not when SUBMIT_UNKNOWN */
};

/* The client's id of the operation, from Idempotency-Key (1-128 bytes): it must be there. */
CC_MUST_CHECK enum cc_code submit_key(struct cc_request *req, const char **out,
                                      struct cc_error *err);
/* The same; a new one where the request brings none, so that a repeat is another operation. */
CC_MUST_CHECK enum cc_code submit_key_or_new(struct cc_request *req, const char **out,
                                             struct cc_error *err);
/* 202: accepted, but nobody knows yet what became of it. */
void submit_answer_unknown(struct cc_response *res, const char *message_id);

/* `operation`: op, chat, sender, device, client_msg_id and content are filled; the rest is filled
 * here. Errors: the refusal's code; CC_UNAVAILABLE when Kafka did not take it. */
CC_MUST_CHECK enum cc_code submit_operation(struct message_app *app, struct cc_request *req,
                                            struct ev_message_created *operation,
                                            struct submitted *out, struct cc_error *err);

#endif
