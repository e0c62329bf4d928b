#ifndef TLS_CONNECTION_H
#define TLS_CONNECTION_H

/*
 * One TLS connection: a pair of sockets, the client's and the plain one that the server holds the
 * other end of. Its life: shaking hands -> open -> lingering (our end was said, the client's is
 * awaited) -> gone. One TLS record a turn, so that nobody starves the rest and nothing waits unseen
 * inside OpenSSL. Private to tls_front.c, on whose thread everything here runs.
 */

#include <pthread.h>
#include <stdint.h>
#include <sys/socket.h>

#include <openssl/ssl.h>

#include "common/metrics.h"
#include "common/tls_front.h"
#include "common/unsent.h"

#define TLS_RECORD_BYTES 16384

enum tls_state { TLS_SHAKING, TLS_OPEN, TLS_LINGERING, TLS_GONE };

struct tls_connection;
struct tls_end { /* what epoll knows of a socket */
    struct tls_connection *connection;
    int fd;
    uint32_t watched;
};
struct tls_connection {
    struct cc_tls *tls;
    struct tls_connection *previous, *next;
    enum tls_state state;
    SSL *ssl;
    struct tls_end client, inside;
    struct cc_unsent to_client, to_inside;
    bool client_ended, inside_ended, inside_told;
    bool inside_deaf;    /* it reads no more; what it has answered still goes out */
    bool read_wants_out; /* TLS has to write before it can read on */
    int64_t deadline_ms; /* monotonic; INT64_MAX = none runs; while open: to catch up */
    struct sockaddr_storage peer;
    socklen_t peer_length;
};

struct cc_tls {
    struct cc_tls_options options;
    char *certificate, *key;
    int epoll_fd, event_fd;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; /* context, quiesced, stopping */
    SSL_CTX *context;
    bool quiesced, stopping;
    /* The thread's own. */
    struct tls_connection *connections, *gone;
    size_t count;
    bool listening;
    int64_t next_tick_ms;
    size_t crowd; /* handshakes since memory was given back */
    int64_t last_handshake_ms;
    struct cc_counter *failed_counter, *accepted_counter, *behind_counter;
    struct cc_gauge *open_gauge;
    char scratch[TLS_RECORD_BYTES];
};

int64_t tls_now_ms(const struct cc_tls *tls);
/* Takes the descriptor; closes it where there is no room, or the options refuse the peer. */
void tls_connection_add(struct cc_tls *tls, int fd, const struct sockaddr_storage *peer,
                        socklen_t peer_length);
void tls_connection_on_event(struct tls_end *end, uint32_t events);
/* Only between batches of events: in between the server may just not have refilled what was taken.
 */
bool tls_connection_has_caught_up(const struct tls_connection *connection);
/* The memory lives until tls_free_gone, so that no event of this batch can mention what is not
 * there. */
void tls_connection_end(struct tls_connection *connection);
void tls_free_gone(struct cc_tls *tls);

#endif
