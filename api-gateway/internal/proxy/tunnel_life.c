/* How a tunnel begins and ends, and what its websocket-gateway is said to have done. */

#include "proxy/tunnel_private.h"

#include "common/alloc.h"

/* ---- tunnels ---- */

void tunnel_link(struct tunnel *tunnel, struct tunnel **list)
{
    tunnel->list = list;
    tunnel->previous = NULL;
    tunnel->next = *list;
    if (tunnel->next != NULL)
        tunnel->next->previous = tunnel;
    *list = tunnel;
}

void tunnel_unlink(struct tunnel *tunnel)
{
    if (tunnel->previous != NULL)
        tunnel->previous->next = tunnel->next;
    else
        *tunnel->list = tunnel->next;
    if (tunnel->next != NULL)
        tunnel->next->previous = tunnel->previous;
}

struct tunnel *tunnel_create(struct gateway_tunnels *tunnels)
{
    struct tunnel *tunnel = cc_calloc(1, sizeof(*tunnel));

    tunnel->tunnels = tunnels;
    tunnel->client = (struct side){.tunnel = tunnel, .fd = -1};
    tunnel->server = (struct side){.tunnel = tunnel, .fd = -1};
    tunnel_link(tunnel, &tunnels->asking);
    return tunnel;
}

void tunnel_free_asking(struct tunnel *tunnel)
{
    if (tunnel->asking == NULL)
        return;
    cc_free(tunnel->asking->head);
    cc_strbuf_finish(&tunnel->asking->answer);
    cc_free(tunnel->asking);
    tunnel->asking = NULL;
}

/* ---- the websocket-gateway of a tunnel ---- */

struct cc_targets *tunnel_targets(const struct tunnel *tunnel)
{
    return gateway_upstream_targets(tunnel->tunnels->upstreams, GATEWAY_WEBSOCKET);
}

void tunnel_report(struct tunnel *tunnel, enum cc_outcome outcome, bool unreachable)
{
    if (tunnel->turn.taken && !tunnel->reported)
        cc_targets_report(tunnel_targets(tunnel), &tunnel->turn, outcome, unreachable);
    tunnel->reported = true;
}

void tunnel_leave_instance(struct tunnel *tunnel, enum cc_outcome outcome, bool unreachable)
{
    tunnel_report(tunnel, outcome, unreachable);
    cc_targets_release(tunnel_targets(tunnel), &tunnel->turn);
}

/* Closes both sides; the memory lives until no event of this batch can mention it. */
void tunnel_end(struct tunnel *tunnel)
{
    struct gateway_tunnels *tunnels = tunnel->tunnels;

    if (tunnel->state == GONE)
        return;
    if (tunnel->state == PUMPING)
        cc_gauge_add(tunnels->open_gauge, -1);
    tunnel->state = GONE;
    tunnel_leave_instance(tunnel, CC_OUTCOME_NEUTRAL, false);
    gateway_address_release(tunnels->addresses, tunnel->address);
    tunnel_close_side(&tunnel->client);
    tunnel_close_side(&tunnel->server);
    tunnel_free_asking(tunnel);
    tunnel_unlink(tunnel);
    tunnel->next = tunnels->gone;
    tunnels->gone = tunnel;
    atomic_fetch_sub(&tunnels->count, 1);
}

void tunnels_free_gone(struct gateway_tunnels *tunnels)
{
    while (tunnels->gone != NULL) {
        struct tunnel *next = tunnels->gone->next;

        cc_free(tunnels->gone);
        tunnels->gone = next;
    }
}

/* Ends the request and the tunnel. */
void tunnel_refuse(struct tunnel *tunnel, enum cc_code code, const char *reason)
{
    struct cc_request *req = tunnel->asking->request.req;
    struct cc_error err = {0};

    cc_counter_add(tunnel->tunnels->failed_counter, 1);
    cc_fail_detail(&err, code, "%s", reason);
    tunnel_report(tunnel, code == CC_UNAVAILABLE ? CC_OUTCOME_NEUTRAL : CC_OUTCOME_FAILED, false);
    tunnel_end(tunnel);
    cc_request_complete(req, code, &err);
}
