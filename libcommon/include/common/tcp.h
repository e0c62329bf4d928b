#ifndef COMMON_TCP_H
#define COMMON_TCP_H

/* What every TCP connection with a client or an upstream is told, in one place. */

/* A peer that acknowledges nothing of what was sent to it for so long is gone. */
#define CC_TCP_USER_TIMEOUT_MS 20000

/* fd: a connection, accepted or under way. Sends at once (TCP_NODELAY), asks silent peers whether
 * they are there (SO_KEEPALIVE), gives up those that acknowledge nothing (TCP_USER_TIMEOUT, RFC
 * 5482). What a socket does not know, as one that is no TCP, is left out. Thread-safe. */
void cc_tcp_prepare(int fd);

#endif
