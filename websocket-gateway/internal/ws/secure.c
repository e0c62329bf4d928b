/* The TLS listener. Its thread hands sockets to the loop through app->queue; everything else runs
 * on the main thread. It knows nothing of WebSockets. */

#include "ws/secure.h"

#include <unistd.h>

#include "common/alloc.h"
#include "common/log.h"
#include "common/tls_front.h"

#include "app.h"

struct ws_secure {
    struct ws_app *app;
    void (*adopt)(struct ws_app *app, int fd);
    int listen_fd;
    struct cc_tls *tls;
};

struct handed { /* the plain side of a connection, on its way to the loop */
    struct ws_item item;
    struct ws_secure *secure;
    int fd;
};

static void handed_run(struct ws_item *item)
{
    struct handed *handed = WS_CONTAINER(item, struct handed, item);

    handed->secure->adopt(handed->secure->app, handed->fd);
    cc_free(handed);
}

static void handed_drop(struct ws_item *item)
{
    struct handed *handed = WS_CONTAINER(item, struct handed, item);

    close(handed->fd);
    cc_free(handed);
}

static bool hand_over(void *arg, int fd, const struct sockaddr *peer, socklen_t peer_length)
{
    struct ws_secure *secure = arg;
    struct handed *handed = cc_calloc(1, sizeof *handed);

    (void)peer, (void)peer_length; /* nobody asks who it is before a token says so */
    handed->item.run = handed_run;
    handed->item.drop = handed_drop;
    handed->secure = secure;
    handed->fd = fd;
    ws_loop_queue_push(secure->app->queue, &handed->item); /* bounded by the TLS listener */
    return true;
}

bool ws_secure_wanted(const struct ws_app *app)
{
    const char *path = app->settings->common.tls_certificate_path;

    return path != NULL && path[0] != '\0';
}

enum cc_code ws_secure_start(struct ws_app *app, int listen_fd,
                             void (*adopt)(struct ws_app *app, int fd), struct ws_secure **out,
                             struct cc_error *err)
{
    const struct cc_common_settings *common = &app->settings->common;
    struct cc_tls_options options = {
        .files = {common->tls_certificate_path, common->tls_key_path},
        .clock = app->runtime.clock,
        .hand_over = hand_over,
    };
    struct ws_secure *secure = cc_calloc(1, sizeof *secure);
    enum cc_code code;

    *secure = (struct ws_secure){.app = app, .adopt = adopt, .listen_fd = listen_fd};
    options.listen_fd = listen_fd;
    options.arg = secure;
    code = cc_tls_start(&options, &secure->tls, err);
    if (code != CC_OK)
        ws_secure_stop(secure);
    else
        *out = secure;
    return code;
}

void ws_secure_reload(struct ws_secure *secure)
{
    struct cc_error err = {0};

    if (secure != NULL && cc_tls_reload(secure->tls, &err) != CC_OK)
        cc_log_error(CC_LOG_ERROR, "certificate not reloaded, the old one holds", &err, NULL);
}

void ws_secure_quiesce(struct ws_secure *secure)
{
    if (secure == NULL)
        return;
    cc_tls_quiesce(secure->tls);
    shutdown(secure->listen_fd, SHUT_RDWR);
}

void ws_secure_stop(struct ws_secure *secure)
{
    if (secure == NULL)
        return;
    cc_tls_stop(secure->tls);
    close(secure->listen_fd);
    cc_free(secure);
}
