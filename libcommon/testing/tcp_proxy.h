#ifndef TESTING_TCP_PROXY_H
#define TESTING_TCP_PROXY_H

/*
 * A TCP proxy inside the test's process, in front of a real server, for the faults that a server
 * does not show by itself: it goes away, refuses, falls silent. One thread; up to 32 connections.
 */

struct tcp_proxy;

/* uri: any scheme://[user@]host:port...; the test fails when it can't start. */
struct tcp_proxy *tcp_proxy_start(const char *uri);
void tcp_proxy_stop(struct tcp_proxy *proxy);
/* The uri with the proxy's port in place of the server's; valid until tcp_proxy_stop. */
const char *tcp_proxy_uri(const struct tcp_proxy *proxy);

/* Each returns when the proxy's thread has obeyed. */
void tcp_proxy_cut(struct tcp_proxy *proxy);     /* closes everything, closes what comes at once */
void tcp_proxy_silence(struct tcp_proxy *proxy); /* keeps everything, forwards nothing */
void tcp_proxy_resume(struct tcp_proxy *proxy);

#endif
