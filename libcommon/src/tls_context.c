/*
 * OpenSSL's settings for a listener. Reads the files each time it is called; on the main thread.
 * Source: RFC 9325 (recommendations for TLS), RFC 7301 (ALPN).
 */
#include <string.h>

#include <openssl/err.h>

#include "tls_context.h"

static const unsigned char protocol[] = "\x08http/1.1";

/* Who offers protocols must offer ours: an HTTP/2 client shall fail here, not in a parser. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_length,
                           const unsigned char *offered, unsigned offered_length, void *arg)
{
    (void)ssl, (void)arg;
    return SSL_select_next_proto((unsigned char **)out, out_length, protocol, sizeof(protocol) - 1,
                                 offered, offered_length) == OPENSSL_NPN_NEGOTIATED
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static enum cc_code fail(struct cc_error *err, const char *field, const char *path)
{
    char reason[120];

    ERR_error_string_n(ERR_peek_last_error(), reason, sizeof(reason));
    ERR_clear_error();
    return cc_fail(err, CC_INVALID, field, "%s '%.60s' can't be used: %.60s", field, path, reason);
}

static enum cc_code read_files(SSL_CTX *context, const struct cc_tls_files *files,
                               struct cc_error *err)
{
    if (SSL_CTX_use_certificate_chain_file(context, files->certificate) != 1)
        return fail(err, "tls_certificate_path", files->certificate);
    if (SSL_CTX_use_PrivateKey_file(context, files->key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        return fail(err, "tls_key_path", files->key);
    return CC_OK;
}

static bool configure(SSL_CTX *context)
{
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1;
}

enum cc_code cc_tls_context_create(const struct cc_tls_files *files, SSL_CTX **out,
                                   struct cc_error *err)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    enum cc_code code;

    if (context == NULL || !configure(context)) {
        SSL_CTX_free(context);
        return cc_fail_detail(err, CC_INTERNAL, "OpenSSL can't be set up");
    }
    code = read_files(context, files, err);
    if (code != CC_OK)
        SSL_CTX_free(context);
    else
        *out = context;
    return code;
}
