/* Bytes from one side of a tunnel to the other. */

#include "proxy/tunnel_private.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define HUNG_UP_MS 5000

static struct side *other(struct side *side)
{
    struct tunnel *tunnel = side->tunnel;

    return side == &tunnel->client ? &tunnel->server : &tunnel->client;
}

static void watch_pumping(struct side *side)
{
    uint32_t events = 0;

    if (!side->ended && other(side)->pending.bytes == NULL)
        events |= EPOLLIN;
    else if (!side->ended && !side->hung_up)
        events |= EPOLLRDHUP;
    if (side->pending.bytes != NULL)
        events |= EPOLLOUT;
    tunnel_watch(side, events);
}

static bool has_unread(const struct side *side)
{
    int count = 0;

    return side->fd >= 0 && ioctl(side->fd, FIONREAD, &count) == 0 && count > 0;
}

/* A side is behind from the first byte that it could not take until it has taken all there is. */
static void judge(struct side *side)
{
    const struct gateway_tunnels *tunnels = side->tunnel->tunnels;

    if (side->pending.bytes != NULL && side->behind_until_ms == 0)
        side->behind_until_ms = cc_mono_ms(tunnels->clock) + tunnels->behind_ms;
    else if (side->pending.bytes == NULL && side->behind_until_ms != 0 && !has_unread(other(side)))
        side->behind_until_ms = 0;
}

/* Whoever is behind has less time once the one it listens to has closed. */
static void notice_hang_up(struct side *side)
{
    const struct gateway_tunnels *tunnels = side->tunnel->tunnels;
    int64_t until_ms = cc_mono_ms(tunnels->clock) + HUNG_UP_MS;

    side->hung_up = true;
    if (other(side)->behind_until_ms > until_ms)
        other(side)->behind_until_ms = until_ms;
}

static void keep_in_list(struct tunnel *tunnel)
{
    struct gateway_tunnels *tunnels = tunnel->tunnels;
    bool is_behind = tunnel->client.behind_until_ms != 0 || tunnel->server.behind_until_ms != 0;
    struct tunnel **list = is_behind ? &tunnels->behind : &tunnels->answered;

    if (tunnel->list == list)
        return;
    tunnel_unlink(tunnel);
    tunnel_link(tunnel, list);
}

/* Passes an end of stream on, once everything before it is through; ends the tunnel after both. */
void tunnel_settle(struct tunnel *tunnel)
{
    struct side *sides[] = {&tunnel->client, &tunnel->server};

    for (size_t i = 0; i < 2; i++)
        if (other(sides[i])->ended && sides[i]->pending.bytes == NULL && !sides[i]->shut) {
            shutdown(sides[i]->fd, SHUT_WR);
            sides[i]->shut = true;
        }
    if (tunnel->client.shut && tunnel->server.shut) {
        tunnel_end(tunnel);
        return;
    }
    judge(&tunnel->client);
    judge(&tunnel->server);
    keep_in_list(tunnel);
    watch_pumping(&tunnel->client);
    watch_pumping(&tunnel->server);
}

/* From one side to the other, at most one scratch buffer a turn so that no tunnel starves the rest.
 * False when nothing more can be read. */
static bool pump(struct side *from)
{
    struct side *to = other(from);
    char *scratch = from->tunnel->tunnels->scratch;
    ssize_t got = recv(from->fd, scratch, TUNNEL_SCRATCH_BYTES, 0);

    if (got < 0)
        return cc_would_block();
    if (got == 0) {
        from->ended = true;
        return true;
    }
    if (to->deaf)
        return true;
    to->deaf = !cc_unsent_send(&to->pending, to->fd, scratch, (size_t)got);
    return true;
}

/* After a reset the kernel still holds what came before it, the close frame above all: an error is
 * read like anything else, and ends the tunnel when nothing is left to read. */
void tunnel_on_pumping(struct side *side, uint32_t events)
{
    struct tunnel *tunnel = side->tunnel;
    bool alive = true;

    if (side->pending.bytes != NULL && (events & EPOLLOUT) != 0)
        side->deaf = !cc_unsent_flush(&side->pending, side->fd);
    if (!side->ended && other(side)->pending.bytes == NULL &&
        (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        alive = pump(side);
    else if (!side->ended && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        notice_hang_up(side);
    if (alive)
        tunnel_settle(tunnel);
    else
        tunnel_end(tunnel);
}
