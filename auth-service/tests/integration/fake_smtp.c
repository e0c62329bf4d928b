/* See fake_smtp.h. */

#include "testing.h"

#include "fake_smtp.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "common/alloc.h"

#define LINE_BYTES 1024
#define OWN        "127.0.0.1"

struct fake_smtp {
    int listener;
    char url[64], certificate[TEST_FOLDER_SIZE + 32];
    EVP_PKEY *key;
    pthread_t thread;
    atomic_bool stopping;
    pthread_mutex_t lock;
    struct fake_smtp_answers answers;
    struct fake_smtp_seen seen;
};

struct conversation {
    struct fake_smtp *server;
    struct fake_smtp_answers answers;
    int fd;
    SSL *tls; /* NULL before STARTTLS */
};

static X509 *make_certificate(EVP_PKEY *key, const char *address)
{
    X509 *made = X509_new();
    char names[64];
    (void)snprintf(names, sizeof names, "IP:%s", address);
    ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
    X509_set_version(made, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(made), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made), 3600);
    X509_set_pubkey(made, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
                               (const unsigned char *)address, -1, -1, 0);
    X509_set_issuer_name(made, X509_get_subject_name(made));
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    X509_add_ext(made, extension, -1);
    X509_EXTENSION_free(extension);
    X509_sign(made, key, EVP_sha256());
    return made;
}

static void store_certificate(struct fake_smtp *server, const char *address)
{
    FILE *file = fopen(server->certificate, "w");
    X509 *certificate = make_certificate(server->key, address != NULL ? address : OWN);
    assert_non_null(file);
    PEM_write_X509(file, certificate);
    X509_free(certificate);
    (void)fclose(file);
}

/* The certificate is the one that clients trust, as it was stored last. */
static bool begin_tls(struct conversation *with)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate_chain_file(context, with->server->certificate);
    SSL_CTX_use_PrivateKey(context, with->server->key);
    with->tls = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_fd(with->tls, with->fd);
    return SSL_accept(with->tls) == 1;
}

static bool read_line(struct conversation *with, char line[LINE_BYTES])
{
    size_t length = 0;
    char byte;
    while (length < LINE_BYTES - 1) {
        long count =
            with->tls != NULL ? SSL_read(with->tls, &byte, 1) : recv(with->fd, &byte, 1, 0);
        if (count != 1)
            return false;
        if (byte == '\n')
            break;
        line[length++] = byte;
    }
    line[length] = '\0';
    return true;
}

static void reply(struct conversation *with, const char *text)
{
    char line[LINE_BYTES];
    int length = snprintf(line, sizeof line, "%s\r\n", text);
    if (with->tls != NULL)
        (void)SSL_write(with->tls, line, length);
    else
        (void)send(with->fd, line, (size_t)length, MSG_NOSIGNAL);
}

static void take_recipient(struct conversation *with)
{
    pthread_mutex_lock(&with->server->lock);
    with->server->seen.recipients++;
    with->server->seen.recipients_in_clear += with->tls == NULL;
    pthread_mutex_unlock(&with->server->lock);
    reply(with, with->answers.to_recipient != NULL ? with->answers.to_recipient : "250 ok");
}

static void take_mail(struct conversation *with)
{
    char line[LINE_BYTES];
    reply(with, "354 go on");
    while (read_line(with, line) && strcmp(line, ".\r") != 0)
        ;
    if (with->answers.to_mail == NULL) {
        pthread_mutex_lock(&with->server->lock);
        with->server->seen.mails++;
        pthread_mutex_unlock(&with->server->lock);
    }
    reply(with, with->answers.to_mail != NULL ? with->answers.to_mail : "250 taken");
}

static void greet_back(struct conversation *with)
{
    reply(with,
          with->answers.starttls && with->tls == NULL ? "250-fake\r\n250 STARTTLS" : "250 fake");
}

/* False at the end of the conversation. */
static bool answer(struct conversation *with, const char *line)
{
    if (strncmp(line, "EHLO", 4) == 0) {
        greet_back(with);
    } else if (strncmp(line, "STARTTLS", 8) == 0) {
        reply(with, "220 go on");
        return begin_tls(with);
    } else if (strncmp(line, "RCPT", 4) == 0) {
        take_recipient(with);
    } else if (strncmp(line, "DATA", 4) == 0) {
        take_mail(with);
    } else {
        reply(with, "250 ok");
    }
    return strncmp(line, "QUIT", 4) != 0;
}

static void converse(struct fake_smtp *server, int fd)
{
    struct conversation with = {.server = server, .fd = fd};
    char line[LINE_BYTES];
    pthread_mutex_lock(&server->lock);
    with.answers = server->answers;
    server->seen.conversations++;
    pthread_mutex_unlock(&server->lock);
    reply(&with, with.answers.greeting != NULL ? with.answers.greeting : "220 fake");
    while (read_line(&with, line) && answer(&with, line))
        ;
    SSL_free(with.tls);
    close(fd);
}

static void *serve(void *arg)
{
    struct fake_smtp *server = arg;
    while (!server->stopping) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd >= 0)
            converse(server, fd);
    }
    return NULL;
}

struct fake_smtp *fake_smtp_start(const struct fake_smtp_answers *answers)
{
    struct fake_smtp *server = cc_calloc(1, sizeof *server);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&at, size), 0);
    assert_int_equal(listen(server->listener, 8), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&at, &size), 0);
    (void)snprintf(server->url, sizeof server->url, "smtp://" OWN ":%d", ntohs(at.sin_port));
    (void)snprintf(server->certificate, sizeof server->certificate, "%s/smtp.pem", test_folder());
    server->key = EVP_EC_gen("P-256");
    pthread_mutex_init(&server->lock, NULL);
    fake_smtp_answer(server, answers);
    pthread_create(&server->thread, NULL, serve, server);
    return server;
}

void fake_smtp_stop(struct fake_smtp *server)
{
    server->stopping = true;
    (void)shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    EVP_PKEY_free(server->key);
    pthread_mutex_destroy(&server->lock);
    cc_free(server);
}

void fake_smtp_answer(struct fake_smtp *server, const struct fake_smtp_answers *answers)
{
    pthread_mutex_lock(&server->lock);
    server->answers = *answers;
    store_certificate(server, answers->address);
    pthread_mutex_unlock(&server->lock);
}

struct fake_smtp_seen fake_smtp_seen(struct fake_smtp *server)
{
    pthread_mutex_lock(&server->lock);
    struct fake_smtp_seen seen = server->seen;
    pthread_mutex_unlock(&server->lock);
    return seen;
}

const char *fake_smtp_url(const struct fake_smtp *server)
{
    return server->url;
}

const char *fake_smtp_certificate(const struct fake_smtp *server)
{
    return server->certificate;
}
