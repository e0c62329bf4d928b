#ifndef FAKE_UPSTREAMS_H
#define FAKE_UPSTREAMS_H

/* Small servers in the place of the services: five that tell what reached them, one raw socket
 * server in the place of a websocket-gateway. */

#include <pthread.h>
#include <stdatomic.h>

#include "testing.h"

#include "common/http_server.h"
#include "common/jwt.h"

enum { FAKE_AUTH, FAKE_USER, FAKE_CHAT, FAKE_MESSAGE, FAKE_NOTIFICATION, FAKE_COUNT };

struct fake_service {
    const char *name;
    struct fake_upstreams *all;
    struct cc_http_server *server;
    _Atomic int requests, canaries; /* of these, for a path with "canary" in it */
    _Atomic int refuse_status;      /* 0 = answer as usual */
};
struct fake_websocket {
    int listen_fd, port;
    pthread_t thread;
    char head[8192];      /* of the last upgrade request */
    _Atomic int upgrades; /* requests that were answered with 101 */
    _Atomic int ended;    /* connections whose client hung up */
    _Atomic int fd;       /* of the connection now served; -1 = none */
};
struct fake_upstreams {
    struct fake_service services[FAKE_COUNT];
    struct cc_http_server *internal; /* key set, revocations, heads */
    _Atomic bool heads_fail, revocations_fail;
    char revoked_session[CC_UUID_BYTES]; /* in the list; "" = none */
    _Atomic bool revocation_hidden;      /* not yet */
    _Atomic int lists;                   /* how often the list was read */
    struct fake_websocket websocket;
    struct cc_jwt_signer *signer;
    struct cc_ids *ids;
};

void fake_upstreams_start(struct fake_upstreams *fakes);
void fake_upstreams_stop(struct fake_upstreams *fakes);
int fake_upstream_port(const struct fake_upstreams *fakes, int which);
/* One more websocket-gateway; `websocket` above is started and stopped with the rest. */
void fake_websocket_start(struct fake_websocket *websocket);
/* From here on it refuses connections; it still has to be stopped. */
void fake_websocket_leave(struct fake_websocket *websocket);
void fake_websocket_stop(struct fake_websocket *websocket);
/* A port on which nobody listens. */
int fake_dead_port(void);

#endif
