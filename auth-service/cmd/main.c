/* auth-service: its descriptor. What it consists of is in internal/app.c, what it answers in
 * internal/http/routes.c. */

#include "app.h"
#include "command.h"
#include "http/handlers.h"

int main(int argc, char **argv)
{
    static const struct cc_service service = {
        .name = "auth-service",
        .summary = "Accounts, one-time codes by mail, sessions and access tokens.",
        .settings = auth_settings_table,
        .settings_size = sizeof(struct auth_settings),
        .app_size = sizeof(struct auth_app),
        .routes = auth_routes,
        .internal_routes = auth_internal_routes,
        .http_hooks = &auth_http_hooks,
        .check = auth_settings_check,
        .migrate = auth_migrate,
        .start = auth_app_start,
        .stop = auth_app_stop,
        .command = auth_command,
    };
    return cc_service_run(&service, argc, argv);
}
