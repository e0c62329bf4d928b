/* chat-service: chats and who is in them. The descriptor; everything else is behind it. */

#include "app.h"
#include "common/service.h"
#include "deletions_command.h"
#include "http/routes.h"

int main(int argc, char **argv)
{
    static const struct cc_service service = {
        .name = "chat-service",
        .summary = "chats, their members, and the list of a person's chats",
        .settings = chat_settings_table,
        .settings_size = sizeof(struct chat_settings),
        .app_size = sizeof(struct chat_app),
        .routes = chat_routes,
        .internal_routes = chat_internal_routes,
        .http_hooks = &chat_http_hooks,
        .migrate = chat_app_migrate,
        .start = chat_app_start,
        .drain = chat_app_drain,
        .stop = chat_app_stop,
        .command = chat_deletions_command,
    };

    return cc_service_run(&service, argc, argv);
}
