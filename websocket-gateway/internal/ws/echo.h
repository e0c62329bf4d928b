#ifndef WS_ECHO_H
#define WS_ECHO_H

/* The counterpart of the conformance cases (tests/conformance): a connection on which every message
 * comes back as it was, with the same libwebsockets, options and callbacks as the chat's. Off
 * unless the setting echo_endpoint says so, which production refuses. Loop thread. Source: RFC
 * 6455. */

#include <stdbool.h>
#include <stddef.h>

struct lws;
struct ws_echo;

struct ws_echo *ws_echo_open(void);
void ws_echo_close(struct ws_echo *echo); /* accepts NULL */
/* A piece of a message. While one is on its way back the socket is not read. Not 0: end the
 * connection, the reason is said. */
int ws_echo_receive(struct ws_echo *echo, struct lws *wsi, const void *bytes, size_t count);
int ws_echo_write(struct ws_echo *echo, struct lws *wsi); /* when the socket takes more */

#endif
