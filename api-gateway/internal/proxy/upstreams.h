#ifndef GATEWAY_UPSTREAMS_H
#define GATEWAY_UPSTREAMS_H

/*
 * The services behind the gateway and their instances: addresses, readiness, and for each service
 * the targets (common/http_targets.h) that choose among them. Thread-safe.
 */

#include <sys/socket.h>

#include "common/clock.h"
#include "common/health.h"
#include "common/http_client.h"
#include "settings.h"

enum gateway_upstream {
    GATEWAY_AUTH,
    GATEWAY_USER,
    GATEWAY_CHAT,
    GATEWAY_MESSAGE,
    GATEWAY_NOTIFICATION,
    GATEWAY_WEBSOCKET,
    GATEWAY_UPSTREAM_COUNT
};

struct gateway_upstreams;

/* Errors: CC_INVALID, naming the setting, for a URL that is not http://host:port or more than
 * CC_TARGETS_MAX. */
CC_MUST_CHECK enum cc_code gateway_upstreams_create(const struct gateway_settings *settings,
                                                    const struct cc_clock *clock,
                                                    struct gateway_upstreams **out,
                                                    struct cc_error *err);
/* After the health thread and the client have stopped. */
void gateway_upstreams_destroy(struct gateway_upstreams *upstreams);
/* One optional health item per upstream: some instance is ready. The probe asks /readyz of every
 * instance (its port + ready_port_distance; 0 = only connects), which also feeds the targets, and
 * refreshes the addresses behind the names. */
void gateway_upstreams_watch(struct gateway_upstreams *upstreams, struct cc_http_client *client,
                             struct cc_health *health);

/* What the watch does for one of them, once a second: asks its instances, does not wait, tells of
 * the last answers. CC_UNAVAILABLE: none is ready. */
CC_MUST_CHECK enum cc_code gateway_upstreams_probe(struct gateway_upstreams *upstreams,
                                                   enum gateway_upstream which,
                                                   struct cc_error *err);

struct cc_targets *gateway_upstream_targets(struct gateway_upstreams *upstreams,
                                            enum gateway_upstream which);
/* Host and port of an instance as they go into a Host field. */
const char *gateway_upstream_authority(const struct gateway_upstreams *upstreams,
                                       enum gateway_upstream which, size_t index);
/* False while the name has not been resolved. */
bool gateway_upstream_address(struct gateway_upstreams *upstreams, enum gateway_upstream which,
                              size_t index, struct sockaddr_storage *out, socklen_t *out_length);

#endif
