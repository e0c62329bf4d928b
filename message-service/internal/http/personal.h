#ifndef MESSAGE_HTTP_PERSONAL_H
#define MESSAGE_HTTP_PERSONAL_H

/* Messages as one person sees them: without those that he deleted for himself, and with which of
 * the reactions are his own. Worker threads. */

#include "storage/message_store.h"

/* The messages are of one chat; hidden ones are taken out, reactions are written anew. */
CC_MUST_CHECK enum cc_code personal_view(struct message_store *store, const char *user_id,
                                         struct message_list *messages, struct cc_arena *arena,
                                         struct cc_error *err);
/* Whether that person still sees one message of a chat that begins for him after floor_seq. */
CC_MUST_CHECK enum cc_code personal_sees(struct message_store *store, const char *user_id,
                                         int64_t floor_seq, const struct cc_message *message,
                                         struct cc_arena *arena, bool *out, struct cc_error *err);
/* Which of the changes concern a message that he does not see: out_hidden, one for each. They are
 * told by their rev alone, so that nobody sees a hole. */
CC_MUST_CHECK enum cc_code personal_changes(struct message_store *store, const char *user_id,
                                            int64_t floor_seq, const struct change_list *changes,
                                            struct cc_arena *arena, bool *out_hidden,
                                            struct cc_error *err);

#endif
