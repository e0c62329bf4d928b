#ifndef CHATS_HEADS_H
#define CHATS_HEADS_H

/*
 * Where chats stand: head:{chat} in Redis, or message-service where the key is missing. Used for
 * the baseline of a new subscription, and to find what pub/sub lost: a chat that is still behind on
 * a second look, a second later, is repaired. Loop thread.
 */

#include <stdint.h>

struct ws_app;

/* Asks for the baselines of all chats in hub.no_baseline, many at once. */
void ws_heads_ask_baselines(struct ws_app *app);
/* Asks for the heads of all live chats. */
void ws_heads_compare(struct ws_app *app);
/* The second look. */
void ws_heads_look_again(struct ws_app *app);

#endif
