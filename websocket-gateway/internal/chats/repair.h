#ifndef CHATS_REPAIR_H
#define CHATS_REPAIR_H

/* Fills a hole: fetches what comes after the last rev delivered and delivers it, while the chat's
 * events wait. Once per chat and process, whatever the number of members. Loop thread. */

struct ws_app;
struct ws_chat;

void ws_repair(struct ws_app *app, struct ws_chat *chat);

#endif
