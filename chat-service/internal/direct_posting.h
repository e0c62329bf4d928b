#ifndef CHAT_DIRECT_POSTING_H
#define CHAT_DIRECT_POSTING_H

/*
 * Who may post in a direct chat: both, and neither while one of them blocks the other. That is
 * user-service's to know; here it becomes a change of the chat like any other, so that
 * message-service judges by it in the order of the timeline and asks nobody.
 *
 * Why what is stored last is true, however many settle the same chat at once: this is called after
 * every block, every end of one and the making of every chat, and whoever stores a change looks and
 * asks once more before it returns. Let C be the change that is stored last, E the last block or
 * end of one. If C's author asked again after E, it heard the truth, and C was it, or another
 * change would have followed. If before, whoever was called because of E looked after C, and the
 * same holds. Who dies before asking again has committed no offset: its record comes again. (Only
 * one that was frozen first, until others had its partition, leaves C unasked.) A chat that is made
 * while a block begins: either the call that follows the block finds it, or it became visible
 * later, and chat.updated `created`, told later still, brings a question that sees the block. The
 * question before the founding can't: the block may begin between it and the insert.
 */

#include "app.h"

/* Brings the direct chats among these in line with who blocks whom now; the others, and those that
 * one of the two has left for good, stay as they are. Repeatable. Blocks. Errors: those of
 * cc_relations_ask and of the store; CC_UNAVAILABLE the chats are being changed by many at once. */
CC_MUST_CHECK enum cc_code chat_direct_posting_settle(struct chat_app *app,
                                                      const char *const *chat_ids, size_t count,
                                                      struct cc_arena *arena, struct cc_error *err);

#endif
