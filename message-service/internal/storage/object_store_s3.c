/* Objects in S3, by pre-signed requests. Any thread; what asks the store may block as long as
 * CALL_MS. Knows no chat. */

#include "storage/object_store.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "common/alloc.h"
#include "common/metrics.h"

#define CALL_MS         3000
#define CALL_EXPIRES_S  60
#define KNOWN_FOR_MS    2000 /* the readiness probe comes by once a second */
#define RETRY_AFTER_MS  2000
#define SHA256_BYTES    32
#define SHA256_BASE64   45 /* and NUL */
#define NAME_IN_HEADERS "attachment; filename*=UTF-8''%s"

struct s3_store {
    struct object_store base;
    struct cc_http_client *client;
    const struct object_store_settings *settings;
    const struct cc_clock *clock;
    _Atomic int64_t asked_mono_ms; /* 0 = never */
    _Atomic bool answers;
};

static const char *path_of(const struct s3_store *store, const struct media *media,
                           struct cc_arena *arena)
{
    return cc_arena_printf(arena, "/%s/media/%s/%s", store->settings->bucket, media->owner_id,
                           media->media_id);
}

/* Signs for one of the two endpoints. */
static const char *sign(const struct s3_store *store, struct cc_s3_request *request,
                        struct cc_arena *arena)
{
    request->region = store->settings->region;
    request->at_ms = cc_wall_ms(store->clock);
    return cc_s3_presign(&store->settings->keys, request, arena);
}

static int64_t expiry(const struct s3_store *store)
{
    return cc_wall_ms(store->clock) + (int64_t)store->settings->url_ttl_s * 1000;
}

/* Hashes, between our hex and S3's base64 */

static unsigned char hex_value(char digit)
{
    return (unsigned char)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

static const char *base64_of_hex(const char *hex, struct cc_arena *arena)
{
    unsigned char bytes[SHA256_BYTES];
    char *out = cc_arena_alloc(arena, SHA256_BASE64);

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
    EVP_EncodeBlock((unsigned char *)out, bytes, sizeof bytes);
    return out;
}

/* NULL for what is no SHA-256 of one piece: an upload in parts has a hash of hashes. */
static const char *hex_of_base64(const char *base64, struct cc_arena *arena)
{
    unsigned char bytes[SHA256_BYTES + 1]; /* the padding's zero */
    char *out = cc_arena_alloc(arena, MEDIA_SHA256_BYTES);

    if (strlen(base64) != SHA256_BASE64 - 1 ||
        EVP_DecodeBlock(bytes, (const unsigned char *)base64, SHA256_BASE64 - 1) < 0)
        return NULL;
    for (size_t i = 0; i < SHA256_BYTES; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    return out;
}

/* For clients */

static void upload(struct object_store *base, const struct media *media, struct cc_arena *arena,
                   struct object_upload *out)
{
    struct s3_store *store = (struct s3_store *)base;
    const char *length = cc_arena_printf(arena, "%lld", (long long)media->size_bytes);
    const char *checksum = base64_of_hex(media->sha256, arena);
    const struct cc_s3_pair bound[] = {{"content-length", length},
                                       {"content-type", media->content_type},
                                       {"x-amz-checksum-sha256", checksum}};
    struct cc_s3_request request = {.method = "PUT",
                                    .base_url = store->settings->public_endpoint,
                                    .path = path_of(store, media, arena),
                                    .headers = bound,
                                    .header_count = 3,
                                    .expires_s = store->settings->url_ttl_s};

    *out = (struct object_upload){
        .method = "PUT",
        .url = sign(store, &request, arena),
        .headers = {{"Content-Length", length},
                    {"Content-Type", media->content_type},
                    {"x-amz-checksum-sha256", checksum}},
        .header_count = 3,
        .expires_at_ms = expiry(store),
    };
}

/* As a download, never shown in place: what people upload is not to run in the bucket's origin. */
static void download(struct object_store *base, const struct media *media, struct cc_arena *arena,
                     struct object_download *out)
{
    struct s3_store *store = (struct s3_store *)base;
    const struct cc_s3_pair query[] = {
        {"response-content-disposition",
         cc_arena_printf(arena, NAME_IN_HEADERS, cc_s3_encode(media->name, "", arena))}};
    struct cc_s3_request request = {.method = "GET",
                                    .base_url = store->settings->public_endpoint,
                                    .path = path_of(store, media, arena),
                                    .query = query,
                                    .query_count = 1,
                                    .expires_s = store->settings->url_ttl_s};

    *out = (struct object_download){
        .method = "GET", .url = sign(store, &request, arena), .expires_at_ms = expiry(store)};
}

/* For this process */

static void count_call(const char *method, const char *outcome)
{
    cc_counter_add(cc_counter_get("object_store_calls_total", "Calls to the object store", "method",
                                  method, "outcome", outcome, NULL),
                   1);
}

static void remember(struct s3_store *store, bool answers)
{
    atomic_store(&store->answers, answers);
    atomic_store(&store->asked_mono_ms, cc_mono_ms(store->clock));
}

/* One call; headers are signed. *out_status is what the store says of the object. Errors:
 * CC_UNAVAILABLE it is away, or refuses us. */
static enum cc_code ask(struct s3_store *store, struct cc_s3_request *request,
                        struct cc_arena *arena, struct cc_http_answer *out, struct cc_error *err)
{
    struct cc_http_header headers[CC_S3_PAIRS_MAX];

    request->base_url = store->settings->endpoint;
    request->expires_s = CALL_EXPIRES_S;
    for (size_t i = 0; i < request->header_count; i++)
        headers[i] = (struct cc_http_header){request->headers[i].name, request->headers[i].value};
    struct cc_http_call call = {.method = request->method,
                                .url = sign(store, request, arena),
                                .headers = headers,
                                .header_count = request->header_count,
                                .timeout_ms = CALL_MS};
    enum cc_code code = cc_http_do(store->client, &call, arena, out, err);
    bool answered = code == CC_OK && (out->status < 300 || out->status == 404);
    count_call(request->method, answered ? "ok" : "failed");
    remember(store, answered);
    if (answered)
        return CC_OK;
    if (code == CC_OK)
        cc_fail_detail(err, CC_UNAVAILABLE, "object store: %s answered %d", request->method,
                       out->status);
    else if (err != NULL)
        err->code = CC_UNAVAILABLE; /* nothing that can't be asked again */
    return CC_UNAVAILABLE;
}

static enum cc_code look(struct object_store *base, const struct media *media,
                         struct cc_arena *arena, bool *out_found, struct object_facts *out,
                         struct cc_error *err)
{
    struct s3_store *store = (struct s3_store *)base;
    static const struct cc_s3_pair mode[] = {{"x-amz-checksum-mode", "ENABLED"}};
    struct cc_s3_request request = {
        .method = "HEAD", .path = path_of(store, media, arena), .headers = mode, .header_count = 1};
    struct cc_http_answer answer;

    CC_TRY(ask(store, &request, arena, &answer, err));
    *out_found = answer.status != 404;
    if (!*out_found)
        return CC_OK;
    const char *length = cc_http_answer_header(&answer, "Content-Length");
    const char *type = cc_http_answer_header(&answer, "Content-Type");
    const char *checksum = cc_http_answer_header(&answer, "x-amz-checksum-sha256");
    *out = (struct object_facts){
        .size_bytes = length == NULL ? -1 : strtoll(length, NULL, 10),
        .content_type = type == NULL ? "" : type,
        .sha256 = checksum == NULL ? NULL : hex_of_base64(checksum, arena),
    };
    return CC_OK;
}

static enum cc_code remove_object(struct object_store *base, const struct media *media,
                                  struct cc_error *err)
{
    struct s3_store *store = (struct s3_store *)base;
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct cc_s3_request request = {.method = "DELETE", .path = path_of(store, media, arena)};
    struct cc_http_answer answer;

    return ask(store, &request, arena, &answer, err);
}

enum cc_code object_store_probe(void *arg, struct cc_error *err)
{
    struct s3_store *store = arg;
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct cc_s3_request request = {.method = "HEAD",
                                    .path = cc_arena_printf(arena, "/%s", store->settings->bucket)};
    struct cc_http_answer answer;

    CC_TRY(ask(store, &request, arena, &answer, err));
    if (answer.status != 404)
        return CC_OK;
    remember(store, false);
    return cc_fail_detail(err, CC_UNAVAILABLE, "object store: there is no bucket %s",
                          store->settings->bucket);
}

static enum cc_code ready(struct object_store *base, struct cc_error *err)
{
    struct s3_store *store = (struct s3_store *)base;
    int64_t asked_ms = atomic_load(&store->asked_mono_ms);
    bool known = asked_ms != 0 && cc_mono_ms(store->clock) - asked_ms < KNOWN_FOR_MS;

    if (!known)
        (void)object_store_probe(base, NULL);
    if (atomic_load(&store->answers))
        return CC_OK;
    cc_fail(err, CC_UNAVAILABLE, NULL, "files can't be stored or fetched at the moment");
    return cc_fail_retry_after(err, RETRY_AFTER_MS);
}

static void destroy(struct object_store *store)
{
    cc_free(store);
}

static const struct object_store_ops s3_ops = {
    .upload = upload,
    .download = download,
    .look = look,
    .remove = remove_object,
    .ready = ready,
    .destroy = destroy,
};

struct object_store *object_store_s3_create(struct cc_http_client *client,
                                            const struct object_store_settings *settings,
                                            const struct cc_clock *clock)
{
    struct s3_store *store = cc_calloc(1, sizeof *store);

    store->base.ops = &s3_ops;
    store->client = client;
    store->settings = settings;
    store->clock = clock;
    return &store->base;
}
