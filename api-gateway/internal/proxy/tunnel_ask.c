/* From a request to a tunnel: one websocket-gateway after the other is connected to and asked. */

#include "proxy/tunnel_private.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/tcp.h"
#include "proxy/upgrade_answer.h"

#define CONNECT_MS 300
#define ANSWER_MS  5000

/* ---- connecting ---- */

static bool connect_to(struct tunnel *tunnel)
{
    struct sockaddr_storage address;
    socklen_t length;
    int fd;

    if (!gateway_upstream_address(tunnel->tunnels->upstreams, GATEWAY_WEBSOCKET, tunnel->turn.index,
                                  &address, &length))
        return false;
    fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    if (connect(fd, (struct sockaddr *)&address, length) != 0 && errno != EINPROGRESS) {
        close(fd);
        return false;
    }
    cc_tcp_prepare(fd);
    tunnel->server.fd = fd;
    return true;
}

static void write_head(const struct tunnel *tunnel)
{
    struct asking *asking = tunnel->asking;
    struct cc_strbuf head;

    cc_strbuf_init(&head, 32 * 1024);
    cc_strbuf_append_text(&head, asking->request.head_start);
    cc_strbuf_append_text(&head, gateway_upstream_authority(tunnel->tunnels->upstreams,
                                                            GATEWAY_WEBSOCKET, tunnel->turn.index));
    cc_strbuf_append_text(&head, asking->request.head_rest);
    cc_free(asking->head);
    asking->head = cc_strbuf_take(&head, &asking->head_count);
    asking->head_sent = 0;
    cc_strbuf_reset(&asking->answer);
}

void tunnel_connect_next(struct tunnel *tunnel)
{
    struct asking *asking = tunnel->asking;

    tunnel_close_side(&tunnel->server);
    tunnel_leave_instance(tunnel, CC_OUTCOME_NEUTRAL, false); /* unless it was told already */
    while (cc_targets_take(tunnel_targets(tunnel), asking->request.key, &tunnel->turn)) {
        tunnel->reported = false;
        if (connect_to(tunnel)) {
            tunnel->state = CONNECTING;
            asking->deadline_ms = cc_mono_ms(tunnel->tunnels->clock) + CONNECT_MS;
            tunnel_watch(&tunnel->server, EPOLLOUT);
            return;
        }
        tunnel_leave_instance(tunnel, CC_OUTCOME_FAILED, true);
    }
    tunnel_refuse(tunnel, CC_UNAVAILABLE, "no websocket-gateway takes connections");
}

static void finish_connecting(struct tunnel *tunnel)
{
    struct asking *asking = tunnel->asking;
    socklen_t length = sizeof(int);
    int error = 0;

    if (getsockopt(tunnel->server.fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0) {
        tunnel_leave_instance(tunnel, CC_OUTCOME_FAILED, true);
        tunnel_connect_next(tunnel);
        return;
    }
    write_head(tunnel);
    tunnel->state = ASKING;
    asking->deadline_ms = cc_mono_ms(tunnel->tunnels->clock) + ANSWER_MS;
}

/* ---- asking ---- */

/* The 101 goes to the client; what the server sent behind it waits as pending bytes. */
static void accept_upgrade(struct tunnel *tunnel, const struct gateway_upgrade_answer *answer)
{
    struct cc_request *req = tunnel->asking->request.req;
    struct cc_response *res = tunnel->asking->request.res;
    size_t rest_count = tunnel->asking->answer.length - answer->head_count;

    cc_response_header(res, "Sec-WebSocket-Accept", answer->accept);
    if (answer->protocol[0] != '\0')
        cc_response_header(res, "Sec-WebSocket-Protocol", answer->protocol);
    cc_response_upgrade(res, "Upgrade", "websocket", tunnel_take_client, tunnel);
    if (rest_count > 0)
        cc_unsent_keep(&tunnel->client.pending, tunnel->asking->answer.data + answer->head_count,
                       rest_count);
    tunnel_report(tunnel, CC_OUTCOME_GOOD, false);
    tunnel_free_asking(tunnel);
    tunnel_unlink(tunnel);
    tunnel_link(tunnel, &tunnel->tunnels->answered);
    tunnel->state = ANSWERED;
    tunnel_watch(&tunnel->server, 0); /* nothing is read before there is somebody to give it to */
    cc_request_complete(req, CC_OK, NULL);
}

/* The websocket-gateway said no: its answer is the answer. */
static void pass_refusal(struct tunnel *tunnel, const struct gateway_upgrade_answer *answer)
{
    struct cc_request *req = tunnel->asking->request.req;
    struct cc_response *res = tunnel->asking->request.res;

    tunnel_report(tunnel, answer->status == 503 ? CC_OUTCOME_FAILED : CC_OUTCOME_GOOD, false);
    cc_response_status(res, answer->status);
    if (answer->retry_after[0] != '\0')
        cc_response_header(res, "Retry-After", answer->retry_after);
    if (answer->body_count > 0)
        cc_response_body(res, answer->content_type,
                         tunnel->asking->answer.data + answer->head_count, answer->body_count);
    tunnel_end(tunnel);
    cc_request_complete(req, CC_OK, NULL);
}

static bool has_more_turns(const struct tunnel *tunnel)
{
    return tunnel->turn.attempts < (int)cc_targets_count(tunnel_targets(tunnel));
}

static void read_answer(struct tunnel *tunnel, bool at_end)
{
    struct gateway_upgrade_answer answer;

    switch (gateway_upgrade_answer_read(cc_strbuf_text(&tunnel->asking->answer),
                                        tunnel->asking->answer.length, at_end, &answer)) {
    case GATEWAY_UPGRADE_INCOMPLETE:
        if (at_end || tunnel->asking->answer.overflowed)
            tunnel_refuse(tunnel, CC_BAD_GATEWAY, "the websocket-gateway's answer broke off");
        return;
    case GATEWAY_UPGRADE_MALFORMED:
        tunnel_refuse(tunnel, CC_BAD_GATEWAY, "the websocket-gateway's answer is malformed");
        return;
    case GATEWAY_UPGRADE_ACCEPTED:
        accept_upgrade(tunnel, &answer);
        return;
    case GATEWAY_UPGRADE_REFUSED:
        if (answer.status == 503 && has_more_turns(tunnel)) {
            tunnel_report(tunnel, CC_OUTCOME_FAILED, false);
            tunnel_connect_next(tunnel);
        } else {
            pass_refusal(tunnel, &answer);
        }
        return;
    }
}

/* Without a word: nothing was done, so another one may be asked. */
static void hung_up(struct tunnel *tunnel)
{
    tunnel_leave_instance(tunnel, CC_OUTCOME_FAILED, true);
    tunnel_connect_next(tunnel);
}

static void send_head(struct tunnel *tunnel)
{
    struct asking *asking = tunnel->asking;
    ssize_t sent = send(tunnel->server.fd, asking->head + asking->head_sent,
                        asking->head_count - asking->head_sent, MSG_NOSIGNAL);

    if (sent < 0 && !cc_would_block()) {
        hung_up(tunnel);
        return;
    }
    asking->head_sent += sent > 0 ? (size_t)sent : 0;
    tunnel_watch(&tunnel->server, asking->head_sent < asking->head_count ? EPOLLOUT : EPOLLIN);
}

static void receive_answer(struct tunnel *tunnel)
{
    struct gateway_tunnels *tunnels = tunnel->tunnels;
    ssize_t got = recv(tunnel->server.fd, tunnels->scratch, TUNNEL_SCRATCH_BYTES, 0);

    if (got < 0 && cc_would_block())
        return;
    if (got <= 0 && tunnel->asking->answer.length == 0) {
        hung_up(tunnel);
        return;
    }
    if (got > 0)
        cc_strbuf_append(&tunnel->asking->answer, tunnels->scratch, (size_t)got);
    read_answer(tunnel, got <= 0);
}

void tunnel_on_connecting(struct tunnel *tunnel)
{
    finish_connecting(tunnel);
    if (tunnel->state == ASKING)
        send_head(tunnel);
}

void tunnel_on_asking(struct tunnel *tunnel)
{
    if (tunnel->asking->head_sent < tunnel->asking->head_count)
        send_head(tunnel);
    else
        receive_answer(tunnel);
}
