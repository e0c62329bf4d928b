/* The ops listener: /livez, /readyz, /metrics and the service's internal routes. The three run on
 * the listener's thread, so that they answer when every worker is busy; internal routes run as
 * their rows say, once start() is done. Public routes are not its business. */

#include "service_private.h"

#include <string.h>

#include "common/alloc.h"
#include "common/metrics.h"

#define OPS_WORKERS_MAX   4
#define METRICS_MAX_BYTES (8 * 1024 * 1024)

static struct cc_service_block *block_of(const struct cc_request *req)
{
    unsigned char *app = cc_request_app(req);
    return (struct cc_service_block *)(void *)(app - offsetof(struct cc_service_block, app));
}

static enum cc_code answer_now(struct cc_request *req)
{
    cc_request_complete(req, CC_OK, NULL);
    return CC_OK;
}

static enum cc_code livez(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    (void)err;
    cc_response_body(res, "text/plain", "ok\n", 3);
    return answer_now(req);
}

static enum cc_code readyz(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    (void)err;
    struct cc_json_writer *writer = cc_response_json(res);
    cc_json_open_object(writer, NULL);
    bool ready = cc_health_write(block_of(req)->health, writer);
    cc_json_close_object(writer);
    if (!ready)
        cc_response_status(res, cc_code_http_status(CC_UNAVAILABLE));
    return answer_now(req);
}

static enum cc_code metrics(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    (void)err;
    struct cc_strbuf text;
    cc_strbuf_init(&text, METRICS_MAX_BYTES);
    cc_metrics_render(&text);
    cc_response_body(res, "text/plain; version=0.0.4; charset=utf-8", cc_strbuf_text(&text),
                     text.length);
    cc_strbuf_finish(&text);
    return answer_now(req);
}

static bool method_matches(const char *row, const char *method)
{
    return strcmp(row, "*") == 0 || strcmp(row, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(row, "GET") == 0);
}

/* In place of every internal handler: the listener is open before the app is built. */
static enum cc_code internal_when_started(struct cc_request *req, struct cc_response *res,
                                          struct cc_error *err)
{
    struct cc_service_block *block = block_of(req);
    if (!atomic_load_explicit(&block->started, memory_order_acquire))
        return cc_fail(err, CC_UNAVAILABLE, NULL, "the service is starting");
    for (const struct cc_route *row = block->service->internal_routes; row->method != NULL; row++)
        if (method_matches(row->method, cc_request_method(req)) &&
            strcmp(row->pattern, cc_request_pattern(req)) == 0)
            return row->handler(req, res, err);
    return cc_fail_detail(err, CC_INTERNAL, "no internal route for %s %s", cc_request_method(req),
                          cc_request_pattern(req));
}

static const struct cc_route own_routes[] = {
    {"GET", "/livez", CC_AUTH_NONE, CC_RATE_NONE, 0, livez, CC_ASYNC},
    {"GET", "/readyz", CC_AUTH_NONE, CC_RATE_NONE, 0, readyz, CC_ASYNC},
    {"GET", "/metrics", CC_AUTH_NONE, CC_RATE_NONE, 0, metrics, CC_ASYNC},
};
#define OWN_ROUTES (sizeof own_routes / sizeof *own_routes)

static struct cc_route *join_routes(const struct cc_route *internal)
{
    size_t count = 0;
    while (internal != NULL && internal[count].method != NULL)
        count++;
    struct cc_route *all = cc_calloc(OWN_ROUTES + count + 1, sizeof *all);
    memcpy(all, own_routes, sizeof own_routes);
    for (size_t i = 0; i < count; i++) {
        all[OWN_ROUTES + i] = internal[i];
        all[OWN_ROUTES + i].handler = internal_when_started;
    }
    return all;
}

struct cc_service_block *cc_service_block_create(const struct cc_service *service,
                                                 struct cc_health *health)
{
    struct cc_service_block *block = cc_calloc(1, sizeof *block + service->app_size);
    block->service = service;
    block->health = health;
    block->ops_routes = join_routes(service->internal_routes);
    return block;
}

void cc_service_block_destroy(struct cc_service_block *block)
{
    if (block == NULL)
        return;
    cc_free(block->ops_routes);
    cc_free(block);
}

enum cc_code cc_service_ops_start(struct cc_service_block *block, const struct cc_runtime *runtime,
                                  struct cc_http_server **out, struct cc_error *err)
{
    const struct cc_common_settings *common = runtime->settings;
    /* The others may use what start() has yet to make. */
    const struct cc_http_hooks hooks = {
        .authenticate =
            block->service->http_hooks != NULL ? block->service->http_hooks->authenticate : NULL};
    int workers =
        common->http_workers < OPS_WORKERS_MAX ? (int)common->http_workers : OPS_WORKERS_MAX;
    struct cc_http_options options = {
        .host = common->host,
        .port = (int)common->ops_port,
        .routes = block->ops_routes,
        .hooks = &hooks,
        .app = block->app,
        .workers = block->service->internal_routes != NULL ? workers : 1,
        .queue = (int)common->http_queue,
        .clock = runtime->clock,
        .ids = runtime->ids,
        .internal = true,
    };
    return cc_http_server_start(&options, out, err);
}
