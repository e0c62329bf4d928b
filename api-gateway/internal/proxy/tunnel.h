#ifndef GATEWAY_TUNNEL_H
#define GATEWAY_TUNNEL_H

/*
 * WebSocket tunnels. The gateway repeats the upgrade request to a websocket-gateway, passes its
 * answer on, and after 101 pumps bytes both ways without looking at them. One epoll thread for all
 * tunnels; an idle tunnel holds two descriptors and about 200 bytes, buffers exist only while one
 * side can't take what the other sent.
 */

#include "common/clock.h"
#include "common/http_route.h"
#include "proxy/upstreams.h"

struct gateway_tunnels;
/* Of the settings: tunnels_max of all, tunnels_per_address_max of those of one client address (/64
 * for IPv6), tunnel_behind_ms. Clock and upstreams are borrowed. */
CC_MUST_CHECK enum cc_code gateway_tunnels_create(const struct cc_clock *clock,
                                                  struct gateway_upstreams *upstreams,
                                                  const struct gateway_settings *settings,
                                                  struct gateway_tunnels **out,
                                                  struct cc_error *err);
/* Opens no more and closes what is open one after the other, spread evenly until then, so that the
 * people do not come back all at once. Blocks until the last is closed. */
void gateway_tunnels_drain(struct gateway_tunnels *tunnels, int64_t until_mono_ms);
/* Closes every tunnel; requests whose upgrade is not answered yet get 503. Accepts NULL. */
void gateway_tunnels_destroy(struct gateway_tunnels *tunnels);

/* GET /v1/ws. */
enum cc_code gateway_http_open_tunnel(struct cc_request *req, struct cc_response *res,
                                      struct cc_error *err);

/* What the handler hands over (tunnel_request.c -> tunnel.c): lives in the request's arena. */
struct gateway_tunnel_request {
    struct cc_request *req;
    struct cc_response *res;
    const char *key;        /* prefers one websocket-gateway; NULL = the least busy */
    const char *head_start; /* request line and, up to the Host field's value ... */
    const char *head_rest;  /* ... and everything behind it; the authority differs by instance */
};
/* Thread-safe. Errors: CC_UNAVAILABLE too many tunnels or draining; CC_RATE_LIMITED too many of
 * this address. */
CC_MUST_CHECK enum cc_code gateway_tunnels_open(struct gateway_tunnels *tunnels,
                                                const struct gateway_tunnel_request *request,
                                                struct cc_error *err);

#endif
