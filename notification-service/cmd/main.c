/* notification-service: tells people what they missed. The descriptor; everything else is behind
 * it. */

#include "app.h"
#include "common/service.h"
#include "http/routes.h"

int main(int argc, char **argv)
{
    static const struct cc_service service = {
        .name = "notification-service",
        .summary = "tells people of messages that they did not see",
        .settings = notification_settings_table,
        .settings_size = sizeof(struct notification_settings),
        .app_size = sizeof(struct notification_app),
        .routes = notification_routes,
        .http_hooks = &notification_http_hooks,
        .migrate = notification_app_migrate,
        .start = notification_app_start,
        .drain = notification_app_drain,
        .stop = notification_app_stop,
    };

    return cc_service_run(&service, argc, argv);
}
