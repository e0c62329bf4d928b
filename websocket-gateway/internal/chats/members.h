#ifndef CHATS_MEMBERS_H
#define CHATS_MEMBERS_H

/* Who of the people here is still a member: read again from chat-service as soon as anything
 * carries a newer membership version, before anything more is delivered. Loop thread. */

#include <stdbool.h>
#include <stdint.h>

struct ws_app;
struct ws_chat;

void ws_members_reload(struct ws_app *app, struct ws_chat *chat);
/* True: the members known here are older than that version. The chat waits, they are read. */
bool ws_members_outdated(struct ws_app *app, struct ws_chat *chat, int64_t version);

#endif
