#ifndef SERVICE_PRIVATE_H
#define SERVICE_PRIVATE_H

/* Between service.c and its ops listener. Nothing outside libcommon/src includes this. */

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>

#include "common/http_server.h"
#include "common/service.h"
#include "health_private.h"

/* A service's app with what the ops handlers need in front of it. Handlers, the skeleton's and the
 * service's, get a pointer to `app`. */
struct cc_service_block {
    const struct cc_service *service;
    struct cc_health *health;
    struct cc_route *ops_routes; /* the skeleton's rows, then the service's; owned */
    atomic_bool started;         /* start() has returned: `app` may be used */
    alignas(max_align_t) unsigned char app[];
};

struct cc_service_block *cc_service_block_create(const struct cc_service *service,
                                                 struct cc_health *health);
void cc_service_block_destroy(struct cc_service_block *block); /* accepts NULL */

CC_MUST_CHECK enum cc_code cc_service_ops_start(struct cc_service_block *block,
                                                const struct cc_runtime *runtime,
                                                struct cc_http_server **out, struct cc_error *err);

#endif
