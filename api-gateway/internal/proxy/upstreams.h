#ifndef GATEWAY_UPSTREAMS_H
#define GATEWAY_UPSTREAMS_H

/*
 * The services behind the gateway and their instances. An instance that could not be connected, or
 * did not answer in time, is left out for one second, and for twice as long after each further
 * failure, up to 16 s; then a single request tries it again. When all are left out they are tried
 * all the same. Thread-safe.
 */

#include <sys/socket.h>

#include "common/clock.h"
#include "common/health.h"
#include "settings.h"

#define GATEWAY_INSTANCES_MAX 16

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
struct gateway_instance;

/* Errors: CC_INVALID, naming the setting, for a URL that is not http://host:port or too many. */
CC_MUST_CHECK enum cc_code gateway_upstreams_create(const struct gateway_settings *settings,
                                                    const struct cc_clock *clock,
                                                    struct gateway_upstreams **out,
                                                    struct cc_error *err);
void gateway_upstreams_destroy(struct gateway_upstreams *upstreams);
/* One health item per upstream: some instance takes connections. The probe also refreshes the
 * addresses behind the names. */
void gateway_upstreams_watch(struct gateway_upstreams *upstreams, struct cc_health *health);

/* The order in which to try the instances for one request. */
struct gateway_turns {
    struct gateway_instance *order[GATEWAY_INSTANCES_MAX];
    size_t count, next;
};
/* Round robin when key is NULL, else rendezvous on the key; instances left out come last. */
void gateway_turns_begin(struct gateway_upstreams *upstreams, enum gateway_upstream which,
                         const char *key, struct gateway_turns *out);
/* NULL when all were tried. */
struct gateway_instance *gateway_turns_next(struct gateway_turns *turns);

const char *gateway_instance_url(const struct gateway_instance *instance);
/* Host and port as they go into a Host field. */
const char *gateway_instance_authority(const struct gateway_instance *instance);
/* False while the name has not been resolved. */
bool gateway_instance_address(struct gateway_instance *instance, struct sockaddr_storage *out,
                              socklen_t *out_length);
/* well: it answered, whatever it said. */
void gateway_instance_report(struct gateway_instance *instance, bool well);

#endif
