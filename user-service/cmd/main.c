/* user-service: profiles, handles, presence. Only the descriptor; the order of things is in
 * libcommon's service.c, what is made in internal/app.c. */

#include "app.h"
#include "http/routes.h"

int main(int argc, char **argv)
{
    static const struct cc_service service = {
        .name = "user-service",
        .summary = "profiles, handles and presence",
        .settings = user_settings_table,
        .settings_size = sizeof(struct user_settings),
        .app_size = sizeof(struct user_app),
        .routes = user_routes,
        .internal_routes = user_internal_routes,
        .http_hooks = &user_http_hooks,
        .migrate = user_app_migrate,
        .start = user_app_start,
        .drain = user_app_drain,
        .stop = user_app_stop,
    };
    return cc_service_run(&service, argc, argv);
}
