/* AWS Signature Version 4 in the query string. Pure functions, any thread. Sends nothing, and does
 * not know what is in a bucket. */

#include "common/s3_sign.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/id.h"

#define ALGORITHM        "AWS4-HMAC-SHA256"
#define DIGEST_BYTES     32
#define OWN_PARAMETERS   6 /* X-Amz-Algorithm ... X-Amz-Security-Token */
#define PARAMETERS_MAX   (CC_S3_PAIRS_MAX + OWN_PARAMETERS)
#define TIME_BYTES       17 /* "20261126T080000Z" and NUL */
#define DATE_LENGTH      8
#define UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"

struct signing { /* one URL in the making; all texts in the arena */
    const struct cc_s3_keys *keys;
    const struct cc_s3_request *request;
    struct cc_arena *arena;
    char time[TIME_BYTES];
    const char *scope;          /* date/region/service/aws4_request */
    const char *signed_headers; /* "content-type;host" */
    const char *headers;        /* canonical */
    const char *path, *query;   /* encoded, the query canonical */
};

const char *cc_s3_encode(const char *text, const char *kept, struct cc_arena *arena)
{
    static const char hex[] = "0123456789ABCDEF";
    char *out = cc_arena_alloc(arena, strlen(text) * 3 + 1), *at = out;

    for (const unsigned char *byte = (const unsigned char *)text; *byte != '\0'; byte++) {
        if (isalnum(*byte) || strchr("-_.~", *byte) != NULL || strchr(kept, *byte) != NULL) {
            *at++ = (char)*byte;
            continue;
        }
        *at++ = '%';
        *at++ = hex[*byte >> 4];
        *at++ = hex[*byte & 15];
    }
    *at = '\0';
    return out;
}

static int by_name(const void *a, const void *b)
{
    const struct cc_s3_pair *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order != 0 ? order : strcmp(left->value, right->value);
}

/* "name=value&..." */
static const char *join(const struct cc_s3_pair *pairs, size_t count, struct cc_arena *arena)
{
    const char *joined = "";

    for (size_t i = 0; i < count; i++)
        joined = cc_arena_printf(arena, "%s%s%s=%s", joined, i == 0 ? "" : "&", pairs[i].name,
                                 pairs[i].value);
    return joined;
}

static void canonical_query(struct signing *s)
{
    const struct cc_s3_request *request = s->request;
    const char *credential = cc_arena_printf(s->arena, "%s/%s", s->keys->access_key, s->scope);
    const char *token = s->keys->session_token;
    bool has_token = token != NULL && token[0] != '\0';
    struct cc_s3_pair all[PARAMETERS_MAX] = {
        {"X-Amz-Algorithm", ALGORITHM},
        {"X-Amz-Credential", credential},
        {"X-Amz-Date", s->time},
        {"X-Amz-Expires", cc_arena_printf(s->arena, "%d", request->expires_s)},
        {"X-Amz-SignedHeaders", s->signed_headers},
        {"X-Amz-Security-Token", has_token ? token : ""},
    };
    size_t count = has_token ? OWN_PARAMETERS : OWN_PARAMETERS - 1;

    for (size_t i = 0; i < request->query_count; i++)
        all[count++] = request->query[i];
    for (size_t i = 0; i < count; i++) {
        all[i].name = cc_s3_encode(all[i].name, "", s->arena);
        all[i].value = cc_s3_encode(all[i].value, "", s->arena);
    }
    qsort(all, count, sizeof *all, by_name);
    s->query = join(all, count, s->arena);
}

static void canonical_headers(struct signing *s)
{
    const struct cc_s3_request *request = s->request;
    const char *host = strstr(request->base_url, "://");
    struct cc_s3_pair all[CC_S3_PAIRS_MAX + 1] = {
        {"host", host == NULL ? request->base_url : host + 3}};
    size_t count = 1;

    for (size_t i = 0; i < request->header_count; i++)
        all[count++] = request->headers[i];
    qsort(all, count, sizeof *all, by_name);
    s->headers = s->signed_headers = "";
    for (size_t i = 0; i < count; i++) {
        s->headers = cc_arena_printf(s->arena, "%s%s:%s\n", s->headers, all[i].name, all[i].value);
        s->signed_headers =
            cc_arena_printf(s->arena, "%s%s%s", s->signed_headers, i == 0 ? "" : ";", all[i].name);
    }
}

static void hmac(const void *key, size_t key_count, const char *text,
                 unsigned char out[DIGEST_BYTES])
{
    (void)HMAC(EVP_sha256(), key, (int)key_count, (const unsigned char *)text, strlen(text), out,
               NULL);
}

/* The key of one day, region and service: each part of the scope goes through one more HMAC. */
static void signing_key(const struct signing *s, unsigned char out[DIGEST_BYTES])
{
    char *first = cc_arena_printf(s->arena, "AWS4%s", s->keys->secret_key);
    char *scope = cc_arena_strdup(s->arena, s->scope), *rest = NULL;
    const void *key = first;
    size_t key_count = strlen(first);

    for (char *part = strtok_r(scope, "/", &rest); part != NULL;
         part = strtok_r(NULL, "/", &rest)) {
        unsigned char next[DIGEST_BYTES];
        hmac(key, key_count, part, next);
        memcpy(out, next, sizeof next);
        key = out;
        key_count = DIGEST_BYTES;
    }
    OPENSSL_cleanse(first, strlen(first));
}

static const char *signature(const struct signing *s)
{
    const struct cc_s3_request *request = s->request;
    const char *payload =
        request->payload_sha256 == NULL ? UNSIGNED_PAYLOAD : request->payload_sha256;
    unsigned char key[DIGEST_BYTES], mac[DIGEST_BYTES];
    char hash[65];
    char *hex = cc_arena_calloc(s->arena, DIGEST_BYTES * 2 + 1, 1);

    const char *canonical =
        cc_arena_printf(s->arena, "%s\n%s\n%s\n%s\n%s\n%s", request->method, s->path, s->query,
                        s->headers, s->signed_headers, payload);
    cc_sha256_hex(canonical, strlen(canonical), hash);
    signing_key(s, key);
    hmac(key, sizeof key,
         cc_arena_printf(s->arena, ALGORITHM "\n%s\n%s\n%s", s->time, s->scope, hash), mac);
    for (size_t i = 0; i < sizeof mac; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", mac[i]);
    OPENSSL_cleanse(key, sizeof key);
    return hex;
}

static void write_time(int64_t at_ms, char out[TIME_BYTES])
{
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm parts;

    gmtime_r(&seconds, &parts);
    (void)strftime(out, TIME_BYTES, "%Y%m%dT%H%M%SZ", &parts);
}

const char *cc_s3_presign(const struct cc_s3_keys *keys, const struct cc_s3_request *request,
                          struct cc_arena *arena)
{
    struct signing s = {.keys = keys, .request = request, .arena = arena};

    assert(request->query_count <= CC_S3_PAIRS_MAX && request->header_count <= CC_S3_PAIRS_MAX);
    assert(request->expires_s > 0 && request->expires_s <= CC_S3_EXPIRES_MAX_S);
    write_time(request->at_ms, s.time);
    s.scope = cc_arena_printf(arena, "%.*s/%s/%s/aws4_request", DATE_LENGTH, s.time,
                              request->region, request->service == NULL ? "s3" : request->service);
    s.path = cc_s3_encode(request->path, "/", arena);
    canonical_headers(&s);
    canonical_query(&s);
    return cc_arena_printf(arena, "%s%s?%s&X-Amz-Signature=%s", request->base_url, s.path, s.query,
                           signature(&s));
}
