/* How other threads reach the tunnels': new requests, and the clients' sockets after the 101. */

#include "proxy/tunnel_private.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/log.h"
#include "common/tcp.h"
#include "proxy/upgrade_answer.h"

void tunnels_post(struct gateway_tunnels *tunnels, struct mail *mail)
{
    const uint64_t one = 1;

    pthread_mutex_lock(&tunnels->lock);
    if (tunnels->mail_last != NULL)
        tunnels->mail_last->next = mail;
    else
        tunnels->mail_first = mail;
    tunnels->mail_last = mail;
    pthread_mutex_unlock(&tunnels->lock);
    if (write(tunnels->event_fd, &one, sizeof(one)) < 0)
        cc_log(CC_LOG_ERROR, "the tunnels' thread could not be woken", NULL);
}

/* On a listener thread, after the 101 was written; fd -1 when it could not be. */
void tunnel_take_client(int fd, const void *extra, size_t extra_count, void *arg)
{
    struct tunnel *tunnel = arg;
    struct mail *mail = cc_calloc(1, sizeof(*mail) + extra_count);

    mail->tunnel = tunnel;
    mail->fd = fd;
    mail->extra_count = extra_count;
    if (extra_count > 0)
        memcpy(mail->extra, extra, extra_count);
    tunnels_post(tunnel->tunnels, mail);
}

static void begin_pumping(struct tunnel *tunnel, const struct mail *mail)
{
    if (mail->fd < 0) {
        tunnel_end(tunnel);
        return;
    }
    fcntl(mail->fd, F_SETFL, fcntl(mail->fd, F_GETFL) | O_NONBLOCK);
    cc_tcp_prepare(mail->fd);
    tunnel->client.fd = mail->fd;
    tunnel->state = PUMPING;
    cc_gauge_add(tunnel->tunnels->open_gauge, 1);
    if (mail->extra_count > 0)
        cc_unsent_keep(&tunnel->server.pending, mail->extra, mail->extra_count);
    tunnel_settle(tunnel);
}

static void begin_asking(struct gateway_tunnels *tunnels, const struct mail *mail)
{
    struct tunnel *tunnel = tunnel_create(tunnels);

    tunnel->address = mail->address;
    tunnel->asking = cc_calloc(1, sizeof(*tunnel->asking));
    tunnel->asking->request = mail->request;
    cc_strbuf_init(&tunnel->asking->answer, GATEWAY_UPGRADE_ANSWER_MAX_BYTES);
    tunnel_connect_next(tunnel);
}

void tunnels_read_mail(struct gateway_tunnels *tunnels)
{
    struct mail *mail;

    pthread_mutex_lock(&tunnels->lock);
    mail = tunnels->mail_first;
    tunnels->mail_first = tunnels->mail_last = NULL;
    pthread_mutex_unlock(&tunnels->lock);
    while (mail != NULL) {
        struct mail *next = mail->next;

        if (mail->tunnel != NULL)
            begin_pumping(mail->tunnel, mail);
        else
            begin_asking(tunnels, mail);
        cc_free(mail);
        mail = next;
    }
}
