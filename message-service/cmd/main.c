/* message-service: its descriptor. What it consists of is in internal/app.c, what it answers in
 * internal/http/routes.c, what it does with a message in internal/owner.c, its subcommand in
 * internal/dlq_command.c. */

#include "app.h"
#include "dlq_command.h"
#include "http/routes.h"

int main(int argc, char **argv)
{
    static const struct cc_service service = {
        .name = "message-service",
        .summary = "The log of each chat: messages, history, read positions.",
        .settings = message_settings_table,
        .settings_size = sizeof(struct message_settings),
        .app_size = sizeof(struct message_app),
        .routes = message_routes,
        .internal_routes = message_internal_routes,
        .http_hooks = &message_http_hooks,
        .check = message_settings_check,
        .migrate = message_app_migrate,
        .start = message_app_start,
        .drain = message_app_drain,
        .stop = message_app_stop,
        .command = message_dlq_command,
    };
    return cc_service_run(&service, argc, argv);
}
