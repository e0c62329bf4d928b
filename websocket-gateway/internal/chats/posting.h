#ifndef CHATS_POSTING_H
#define CHATS_POSTING_H

/* Whether a chat is closed: nobody may post there, as in a direct chat of two of whom one blocks
 * the other. chat-service is asked when somebody wants to know first, and its changes are followed.
 * It decides about hints alone; of what is sent the owner of the log judges. Loop thread. */

#include <stdbool.h>

struct ws_app;
struct ws_buffer;
struct ws_chat;

enum ws_posting { WS_POSTING_UNKNOWN, WS_POSTING_OPEN, WS_POSTING_CLOSED };

/* Unknown also: what was known before events were lost. Then chat-service is asked, at most once a
 * second. */
enum ws_posting ws_posting_of(struct ws_app *app, struct ws_chat *chat);
/* A `chat` frame has come by the chat's channel. */
void ws_posting_changed(struct ws_app *app, struct ws_chat *chat, const struct ws_buffer *frame);

#endif
