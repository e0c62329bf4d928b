#ifndef MESSAGE_STORAGE_OBJECT_STORE_H
#define MESSAGE_STORAGE_OBJECT_STORE_H

/*
 * Where the bytes of media are: S3, or what speaks its protocol. Clients upload and download by
 * pre-signed URLs; this process only looks at objects and removes them. Thread-safe. URLs are
 * secrets as long as they live: they belong into no log.
 */

#include "common/clock.h"
#include "common/http_client.h"
#include "common/s3_sign.h"
#include "domain/media.h"

struct object_store;

struct object_facts { /* as the store tells them, in an arena */
    int64_t size_bytes;
    const char *content_type;
    const char *sha256; /* lower-case hex; NULL = it doesn't tell */
};
struct object_store_settings {   /* borrowed */
    const char *endpoint;        /* scheme://host[:port], as this process reaches it */
    const char *public_endpoint; /* the same, as clients do */
    const char *region, *bucket;
    struct cc_s3_keys keys;
    int url_ttl_s; /* of the URLs for clients */
};

struct object_upload { /* what a client must send, exactly so */
    const char *method, *url;
    struct cc_http_header headers[3];
    size_t header_count;
    int64_t expires_at_ms;
};
struct object_download {
    const char *method, *url;
    int64_t expires_at_ms;
};

struct object_store_ops {
    /* Signed here, without asking anybody: key, type, length and content are bound. */
    void (*upload)(struct object_store *store, const struct media *media, struct cc_arena *arena,
                   struct object_upload *out);
    void (*download)(struct object_store *store, const struct media *media, struct cc_arena *arena,
                     struct object_download *out);
    /* *out_found false: there is none. */
    enum cc_code (*look)(struct object_store *store, const struct media *media,
                         struct cc_arena *arena, bool *out_found, struct object_facts *out,
                         struct cc_error *err);
    /* Repeatable. */
    enum cc_code (*remove)(struct object_store *store, const struct media *media,
                           struct cc_error *err);
    /* CC_OK while it answers; known from a moment ago, else it is asked. */
    enum cc_code (*ready)(struct object_store *store, struct cc_error *err);
    void (*destroy)(struct object_store *store);
};
struct object_store {
    const struct object_store_ops *ops;
};

/* client, settings and clock are borrowed. */
struct object_store *object_store_s3_create(struct cc_http_client *client,
                                            const struct object_store_settings *settings,
                                            const struct cc_clock *clock);
static inline void object_store_destroy(struct object_store *store)
{
    if (store != NULL)
        store->ops->destroy(store);
}
/* A readiness probe: asks in any case. */
enum cc_code object_store_probe(void *store, struct cc_error *err);

#endif
