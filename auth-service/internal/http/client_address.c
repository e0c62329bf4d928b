/* The client's address behind the edge; see client_address.h. Runs on request threads. */

#include "http/client_address.h"

#include <string.h>

#include "app.h"
#include "domain/network_address.h"

static bool is_trusted(const struct cc_setting_list *proxies, const char *peer)
{
    for (size_t i = 0; i < proxies->count; i++)
        if (network_contains(proxies->items[i], peer))
            return true;
    return false;
}

static const char *last_entry(const char *forwarded)
{
    const char *comma = strrchr(forwarded, ',');
    const char *entry = comma != NULL ? comma + 1 : forwarded;
    return entry + strspn(entry, " \t");
}

const char *auth_client_address(struct cc_request *req)
{
    const struct auth_app *app = cc_request_app(req);
    const char *forwarded = cc_request_header(req, "X-Forwarded-For");
    char address[NETWORK_ADDRESS_BYTES];
    if (!network_address_read(cc_request_peer(req), address))
        return "";
    if (forwarded != NULL && is_trusted(&app->settings->trusted_proxies, address))
        (void)network_address_read(last_entry(forwarded), address);
    return cc_arena_strdup(cc_request_arena(req), address);
}
