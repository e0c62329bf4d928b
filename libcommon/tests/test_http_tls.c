/* The HTTP server behind TLS, asked by an OpenSSL client over loopback. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "testing.h"

#include "common/alloc.h"
#include "common/http_server.h"

#define BIG_BYTES ((size_t)3 * 1024 * 1024)
#define DIALS_MAX 16

struct fixture {
    struct cc_http_server *server;
    struct fake_clock clock;
    struct cc_ids *ids;
    char certificate[96], key[96];
};

/* ---- a certificate ---- */

static void write_pem(struct fixture *f, long serial)
{
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    FILE *file;

    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_set_pubkey(certificate, pair);
    assert_true(X509_sign(certificate, pair, EVP_sha256()) > 0);
    file = fopen(f->certificate, "w");
    assert_non_null(file);
    PEM_write_X509(file, certificate);
    fclose(file);
    file = fopen(f->key, "w");
    assert_non_null(file);
    PEM_write_PrivateKey(file, pair, NULL, NULL, 0, NULL, NULL);
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(pair);
}

/* ---- the server ---- */

static enum cc_code echo(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct cc_json_writer *json = cc_response_json(res);
    size_t count;
    const char *body = cc_request_body(req, &count);

    (void)err;
    cc_json_open_object(json, NULL);
    cc_json_put_text(json, "peer", cc_request_peer(req));
    cc_json_put_text_n(json, "body", body, count);
    cc_json_close_object(json);
    return CC_OK;
}

static enum cc_code big(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    char *bytes = cc_arena_alloc(cc_request_arena(req), BIG_BYTES);

    (void)err;
    memset(bytes, 'b', BIG_BYTES);
    cc_response_body(res, "text/plain", bytes, BIG_BYTES);
    return CC_OK;
}

static void greet(int fd, const void *extra, size_t extra_count, void *arg)
{
    (void)extra, (void)extra_count, (void)arg;
    if (fd < 0)
        return;
    assert_int_equal(send(fd, "greetings", 9, MSG_NOSIGNAL), 9);
    shutdown(fd, SHUT_RDWR);
    close(fd);
}

static enum cc_code upgrade(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    (void)req, (void)err;
    cc_response_upgrade(res, "Upgrade", "test", greet, NULL);
    return CC_OK;
}

static _Atomic int held = -1; /* the server's side of a connection that the test writes to */

static void hold(int fd, const void *extra, size_t extra_count, void *arg)
{
    (void)extra, (void)extra_count, (void)arg;
    atomic_store(&held, fd);
}

static enum cc_code upgrade_and_hold(struct cc_request *req, struct cc_response *res,
                                     struct cc_error *err)
{
    (void)req, (void)err;
    cc_response_upgrade(res, "Upgrade", "test", hold, NULL);
    return CC_OK;
}

static const struct cc_route routes[] = {
    {"*", "/echo", CC_AUTH_NONE, CC_RATE_NONE, 1 << 20, echo, CC_BLOCKING},
    {"GET", "/big", CC_AUTH_NONE, CC_RATE_NONE, 0, big, CC_BLOCKING},
    {"GET", "/upgrade", CC_AUTH_NONE, CC_RATE_NONE, 0, upgrade, CC_BLOCKING},
    {"GET", "/hold", CC_AUTH_NONE, CC_RATE_NONE, 0, upgrade_and_hold, CC_BLOCKING},
    {NULL},
};

/* ---- who comes ---- */

#define PEERS_MAX 8

static _Atomic int peers;

static bool peer_came(void *app, const char *tcp_peer)
{
    (void)app;
    assert_string_equal(tcp_peer, "127.0.0.1");
    return atomic_fetch_add(&peers, 1) < PEERS_MAX;
}

static void peer_left(void *app, const char *tcp_peer)
{
    (void)app, (void)tcp_peer;
    atomic_fetch_sub(&peers, 1);
}

static const struct cc_http_hooks hooks = {.peer_came = peer_came, .peer_left = peer_left};

static struct cc_http_options options_of(struct fixture *f)
{
    return (struct cc_http_options){.host = "127.0.0.1",
                                    .routes = routes,
                                    .hooks = &hooks,
                                    .workers = 2,
                                    .clock = &f->clock.clock,
                                    .ids = f->ids,
                                    .tls_certificate_path = f->certificate,
                                    .tls_key_path = f->key};
}

static int set_up(void **state)
{
    struct fixture *f = cc_calloc(1, sizeof(*f));
    struct cc_http_options options;
    struct cc_error err = {0};
    const char *folder = test_folder();

    snprintf(f->certificate, sizeof(f->certificate), "%s/cert.pem", folder);
    snprintf(f->key, sizeof(f->key), "%s/key.pem", folder);
    write_pem(f, 1);
    fake_clock_init(&f->clock);
    f->ids = cc_ids_create(&f->clock.clock, cc_random_system());
    options = options_of(f);
    if (cc_http_server_start(&options, &f->server, &err) != CC_OK)
        fail_msg("%s %s", err.public_text, err.detail);
    *state = f;
    return 0;
}

/* ---- sockets of clients ---- */

static int dialled[DIALS_MAX]; /* fd + 1; 0 = free */

static void note_dialled(int fd)
{
    for (size_t i = 0; i < DIALS_MAX; i++)
        if (dialled[i] == 0) {
            dialled[i] = fd + 1;
            return;
        }
    fail_msg("more than %d clients", DIALS_MAX);
}

static void hang_up(int fd)
{
    for (size_t i = 0; i < DIALS_MAX; i++)
        if (dialled[i] == fd + 1)
            dialled[i] = 0;
    close(fd);
}

/* A test that fails leaves clients behind, for whose end the server would wait: time stands still.
 */
static void hang_up_all(void)
{
    int fd = atomic_exchange(&held, -1);

    for (size_t i = 0; i < DIALS_MAX; i++)
        if (dialled[i] != 0)
            hang_up(dialled[i] - 1);
    if (fd >= 0) {
        shutdown(fd, SHUT_RDWR);
        close(fd);
    }
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    hang_up_all();
    cc_http_server_stop(f->server);
    cc_ids_destroy(f->ids);
    cc_free(f);
    return 0;
}

/* ---- a client ---- */

struct client {
    SSL_CTX *context;
    SSL *ssl;
    int fd;
};

/* receive_bytes 0 = as usual; else a window, and packets, so small that little is on its way. */
static int dial_with_window(const struct fixture *f, int receive_bytes)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)cc_http_server_port(f->server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval timeout = {.tv_sec = 10};
    const int segment_bytes = 536;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    note_dialled(fd);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    if (receive_bytes > 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
        setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment_bytes, sizeof(segment_bytes));
    }
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static int dial(const struct fixture *f)
{
    return dial_with_window(f, 0);
}

static bool shake_hands(int fd, struct client *client, int max_version, const char *alpn)
{
    client->context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_cipher_list(client->context, "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(client->context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(client->context, max_version);
    client->ssl = SSL_new(client->context);
    if (alpn != NULL)
        SSL_set_alpn_protos(client->ssl, (const unsigned char *)alpn, (unsigned)strlen(alpn));
    client->fd = fd;
    SSL_set_fd(client->ssl, client->fd);
    return SSL_connect(client->ssl) == 1;
}

/* max_version 0 = any; alpn NULL = none. True when the handshake succeeded. */
static bool connect_tls(const struct fixture *f, struct client *client, int max_version,
                        const char *alpn)
{
    return shake_hands(dial(f), client, max_version, alpn);
}

static void disconnect(struct client *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    hang_up(client->fd);
}

static void say(struct client *client, const char *text)
{
    assert_int_equal(SSL_write(client->ssl, text, (int)strlen(text)), strlen(text));
}

/* Reads until `end` is in it, or the end of the stream when that is NULL. */
static size_t hear(struct client *client, char *out, size_t size, const char *end)
{
    size_t used = 0;
    int got;

    out[0] = '\0';
    while (used < size - 1 && (end == NULL || strstr(out, end) == NULL) &&
           (got = SSL_read(client->ssl, out + used, (int)(size - 1 - used))) > 0) {
        used += (size_t)got;
        out[used] = '\0';
    }
    return used;
}

static long serial_of(struct client *client)
{
    X509 *certificate = SSL_get1_peer_certificate(client->ssl);
    long serial = ASN1_INTEGER_get(X509_get_serialNumber(certificate));

    X509_free(certificate);
    return serial;
}

/* ---- tests ---- */

static void requests_are_served_on_a_kept_connection(void **state)
{
    struct client client;
    char text[4096];

    assert_true(connect_tls(*state, &client, 0, "\x08http/1.1"));
    for (int i = 0; i < 3; i++) {
        say(&client, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
        hear(&client, text, sizeof(text), "}");
        assert_non_null(strstr(text, "HTTP/1.1 200 OK\r\n"));
        assert_non_null(strstr(text, "\"peer\":\"127.0.0.1\""));
        assert_non_null(strstr(text, "\"body\":\"hello\""));
    }
    disconnect(&client);
}

static void a_peer_that_acknowledges_nothing_for_20_s_is_given_up(void **state)
{
    struct client client;
    int timeout_ms = 0;
    socklen_t length = sizeof(timeout_ms);

    assert_true(connect_tls(*state, &client, 0, NULL));

    assert_int_equal(
        getsockopt(test_other_end(client.fd), IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, &length),
        0);
    assert_int_equal(timeout_ms, 20000);
    disconnect(&client);
}

static void tls_1_2_is_spoken_and_nothing_older_nor_http_2(void **state)
{
    struct client client;

    assert_true(connect_tls(*state, &client, TLS1_2_VERSION, NULL));
    assert_string_equal(SSL_get_version(client.ssl), "TLSv1.2");
    disconnect(&client);
    assert_false(connect_tls(*state, &client, TLS1_1_VERSION, NULL));
    disconnect(&client);
    assert_false(connect_tls(*state, &client, 0, "\x02h2"));
    disconnect(&client);
}

static void plain_http_gets_no_answer(void **state)
{
    int fd = dial(*state);
    char text[256];
    ssize_t got;

    assert_true(send(fd, "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n", 31, MSG_NOSIGNAL) > 0);
    got = recv(fd, text, sizeof(text) - 1, 0);
    assert_true(got <= 0 || memcmp(text, "HTTP", 4) != 0);
    hang_up(fd);
}

static void a_big_answer_arrives_whole_at_a_slow_reader(void **state)
{
    struct client client;
    char *text = cc_alloc(BIG_BYTES + 4096);
    size_t got;

    assert_true(connect_tls(*state, &client, 0, NULL));
    say(&client, "GET /big HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    usleep(200000); /* lets every buffer fill up; nothing depends on how much */
    got = hear(&client, text, BIG_BYTES + 4096, NULL);
    assert_non_null(strstr(text, "\r\n\r\n"));
    assert_int_equal(got - (size_t)(strstr(text, "\r\n\r\n") + 4 - text), BIG_BYTES);
    assert_int_equal(SSL_get_shutdown(client.ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
    disconnect(&client);
    cc_free(text);
}

/* The server answers and closes while the client still sends: the answer must arrive. */
static void a_refusal_reaches_a_client_that_still_sends(void **state)
{
    struct client client;
    char text[4096];
    static char block[16384];

    assert_true(connect_tls(*state, &client, 0, NULL));
    say(&client, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n");
    for (int i = 0; i < 64; i++)
        if (SSL_write(client.ssl, block, sizeof(block)) <= 0)
            break;
    hear(&client, text, sizeof(text), "\r\n\r\n");
    assert_non_null(strstr(text, "HTTP/1.1 413 "));
    disconnect(&client);
}

static void an_upgraded_connection_stays_behind_tls(void **state)
{
    struct client client;
    char text[4096];

    assert_true(connect_tls(*state, &client, 0, NULL));
    say(&client,
        "GET /upgrade HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n");
    hear(&client, text, sizeof(text), NULL);
    assert_non_null(strstr(text, "HTTP/1.1 101 "));
    assert_non_null(strstr(text, "\r\n\r\ngreetings"));
    disconnect(&client);
}

static bool nobody_is_there(void *arg)
{
    (void)arg;
    return atomic_load(&peers) == 0;
}

static void whoever_may_not_come_gets_no_handshake(void **state)
{
    struct client clients[PEERS_MAX + 1];

    for (int i = 0; i < PEERS_MAX; i++)
        assert_true(connect_tls(*state, &clients[i], 0, NULL));
    assert_false(connect_tls(*state, &clients[PEERS_MAX], 0, NULL));
    for (int i = 0; i <= PEERS_MAX; i++)
        disconnect(&clients[i]);
    test_wait_for(nobody_is_there, NULL, 5000);
}

static void a_new_certificate_is_for_new_connections(void **state)
{
    struct fixture *f = *state;
    struct client old, fresh;
    struct cc_error err = {0};
    char text[4096];

    assert_true(connect_tls(f, &old, 0, NULL));
    assert_int_equal(serial_of(&old), 1);
    write_pem(f, 2);
    assert_int_equal(cc_http_server_reload_tls(f->server, &err), CC_OK);
    assert_true(connect_tls(f, &fresh, 0, NULL));
    assert_int_equal(serial_of(&fresh), 2);
    say(&old, "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
    hear(&old, text, sizeof(text), "}");
    assert_non_null(strstr(text, "200 OK"));
    disconnect(&old);
    disconnect(&fresh);
}

static void a_bad_file_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct client client;
    struct cc_error err = {0};
    FILE *file = fopen(f->certificate, "w");

    fputs("half a certificate", file);
    fclose(file);
    assert_int_equal(cc_http_server_reload_tls(f->server, &err), CC_INVALID);
    assert_string_equal(err.field, "tls_certificate_path");
    write_pem(f, 3);
    file = fopen(f->key, "w");
    fclose(file);
    assert_int_equal(cc_http_server_reload_tls(f->server, &err), CC_INVALID);
    assert_string_equal(err.field, "tls_key_path");
    assert_true(connect_tls(f, &client, 0, NULL));
    assert_int_equal(serial_of(&client), 1);
    disconnect(&client);
}

static void a_server_without_its_files_does_not_start(void **state)
{
    struct fixture *f = *state;
    struct cc_http_options options = options_of(f);
    struct cc_http_server *server = NULL;
    struct cc_error err = {0};

    options.tls_key_path = "/nowhere/key.pem";
    assert_int_equal(cc_http_server_start(&options, &server, &err), CC_INVALID);
    assert_null(server);
}

struct silent {
    struct fixture *f;
    int fd;
};

/* Time passes at each look, so that it does not matter when the connection was accepted. */
static bool is_cut(void *arg)
{
    const struct silent *silent = arg;
    char byte;

    fake_clock_advance_ms(&silent->f->clock, 1000);
    return recv(silent->fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void who_does_not_finish_its_handshake_is_cut(void **state)
{
    struct silent silent = {.f = *state, .fd = dial(*state)};

    assert_int_equal(send(silent.fd, "\x16\x03\x01", 3, MSG_NOSIGNAL), 3);
    test_wait_for(is_cut, &silent, 5000);
    hang_up(silent.fd);
}

/* ---- readers that fall behind ---- */

#define FLOOD_STEP       4096
#define DRIP_MS          500
#define DRIP_RECORDS     4
#define SMALL_WINDOW     16384
#define SECONDS(f)       ((f)->clock.mono_us / 1000000)
#define TIME_TO_CATCH_UP 30

struct reader {
    struct fixture *f;
    struct client client;
    size_t sent, received; /* by the server, by the client */
    int quiet_turns;       /* in a row in which nothing went */
};

static bool is_held(void *arg)
{
    (void)arg;
    return atomic_load(&held) >= 0;
}

static void open_reader(struct fixture *f, struct reader *reader)
{
    static const char request[] =
        "GET /hold HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n";
    char text[4096];

    *reader = (struct reader){.f = f};
    assert_true(shake_hands(dial_with_window(f, SMALL_WINDOW), &reader->client, 0, NULL));
    say(&reader->client, request);
    hear(&reader->client, text, sizeof(text), "\r\n\r\n");
    assert_non_null(strstr(text, "HTTP/1.1 101 "));
    test_wait_for(is_held, NULL, 5000);
}

static _Atomic bool sending_ended;

/* What the server can send now. */
static bool flood(struct reader *reader)
{
    static const char block[FLOOD_STEP];
    bool any = false;
    ssize_t step;

    while ((step = send(held, block, sizeof(block), MSG_NOSIGNAL | MSG_DONTWAIT)) > 0) {
        reader->sent += (size_t)step;
        any = true;
    }
    assert_int_equal(errno, EAGAIN);
    return any;
}

static bool all_is_full(void *arg)
{
    struct reader *reader = arg;

    reader->quiet_turns = flood(reader) ? 0 : reader->quiet_turns + 1;
    return reader->quiet_turns > 10;
}

static bool read_some(struct reader *reader)
{
    static char bytes[16384];
    int got = SSL_read(reader->client.ssl, bytes, sizeof(bytes));

    reader->received += got > 0 ? (size_t)got : 0;
    return got > 0;
}

/* A server always has more. */
static void *send_for_ever(void *arg)
{
    static const char block[FLOOD_STEP];
    int fd = atomic_load(&held);

    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    while (send(fd, block, sizeof(block), MSG_NOSIGNAL) > 0)
        ;
    (void)arg;
    atomic_store(&sending_ended, true);
    return NULL;
}

static bool is_cut_while_dripping(void *arg)
{
    struct reader *reader = arg;

    fake_clock_advance_ms(&reader->f->clock, DRIP_MS);
    for (int i = 0; i < DRIP_RECORDS; i++)
        read_some(reader);
    return atomic_load(&sending_ended);
}

static void drips_do_not_keep_a_connection_open(void **state)
{
    struct reader reader;
    pthread_t sender;
    int64_t began_s;

    open_reader(*state, &reader);
    test_wait_for(all_is_full, &reader, 10000);
    began_s = SECONDS(reader.f);
    atomic_store(&sending_ended, false);
    assert_int_equal(pthread_create(&sender, NULL, send_for_ever, NULL), 0);
    test_wait_for(is_cut_while_dripping, &reader, 10000);
    assert_in_range(SECONDS(reader.f) - began_s, TIME_TO_CATCH_UP - 1, TIME_TO_CATCH_UP * 3);
    pthread_join(sender, NULL);
    disconnect(&reader.client);
}

/* For longer than the server takes to look. */
static bool has_taken_everything(void *arg)
{
    struct reader *reader = arg;

    while (reader->received < reader->sent)
        assert_true(read_some(reader));
    fake_clock_advance_ms(&reader->f->clock, 10);
    return ++reader->quiet_turns > 100;
}

static void who_catches_up_in_time_stays(void **state)
{
    struct reader reader;

    open_reader(*state, &reader);
    for (int i = 0; i < 4; i++) {
        reader.quiet_turns = 0;
        test_wait_for(all_is_full, &reader, 10000);
        fake_clock_advance_ms(&reader.f->clock, (TIME_TO_CATCH_UP - 10) * 1000);
        reader.quiet_turns = 0;
        test_wait_for(has_taken_everything, &reader, 10000);
    }
    assert_true(flood(&reader));
    disconnect(&reader.client);
}

int main(void)
{
#define SERVED(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        SERVED(requests_are_served_on_a_kept_connection),
        SERVED(a_peer_that_acknowledges_nothing_for_20_s_is_given_up),
        SERVED(tls_1_2_is_spoken_and_nothing_older_nor_http_2),
        SERVED(plain_http_gets_no_answer),
        SERVED(a_big_answer_arrives_whole_at_a_slow_reader),
        SERVED(a_refusal_reaches_a_client_that_still_sends),
        SERVED(an_upgraded_connection_stays_behind_tls),
        SERVED(a_new_certificate_is_for_new_connections),
        SERVED(whoever_may_not_come_gets_no_handshake),
        SERVED(a_bad_file_changes_nothing),
        SERVED(a_server_without_its_files_does_not_start),
        SERVED(who_does_not_finish_its_handshake_is_cut),
        SERVED(drips_do_not_keep_a_connection_open),
        SERVED(who_catches_up_in_time_stays),
    };

    signal(SIGPIPE, SIG_IGN); /* as the skeleton does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
