/* api-gateway: the one public door. The descriptor; everything else is behind it. */

#include "app.h"
#include "common/service.h"
#include "http/routes.h"

int main(int argc, char **argv)
{
    static const struct cc_service service = {
        .name = "api-gateway",
        .summary = "the public API: authentication, rate limits, forwarding, WebSocket tunnels",
        .settings = gateway_settings_table,
        .settings_size = sizeof(struct gateway_settings),
        .app_size = sizeof(struct gateway_app),
        .routes = gateway_routes,
        .http_hooks = &gateway_http_hooks,
        .open_to_clients = true,
        .check = gateway_app_check,
        .start = gateway_app_start,
        .drain = gateway_app_drain,
        .stop = gateway_app_stop,
    };

    return cc_service_run(&service, argc, argv);
}
