/* websocket-gateway: what the skeleton needs to know. Runs on the main thread; no logic here. Its
 * service listener is the WebSocket, which ws/server.c opens on host:port. */

#include "common/service.h"

#include "app.h"
#include "settings.h"

int main(int argc, char **argv)
{
    static const struct cc_service service = {
        .name = "websocket-gateway",
        .summary = "live connections: messages, typing, presence, read marks",
        .settings = ws_settings_table,
        .settings_size = sizeof(struct ws_settings),
        .app_size = sizeof(struct ws_app),
        .check = ws_settings_check,
        .start = ws_app_start,
        .reload = ws_app_reload,
        .drain = ws_app_drain,
        .stop = ws_app_stop,
    };

    return cc_service_run(&service, argc, argv);
}
