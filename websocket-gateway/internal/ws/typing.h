#ifndef WS_TYPING_H
#define WS_TYPING_H

/* "Somebody is typing": of the moment only, through Redis; ends by itself after 6 s, with a send
 * and with the connection. Loop thread. */

#include <stdint.h>

struct ws_session;

void ws_typing_end(struct ws_session *session); /* when it is on */
void ws_typing_tick(struct ws_session *session, int64_t now_ms);

#endif
