#ifndef NOTIFICATION_PUSH_H
#define NOTIFICATION_PUSH_H

/* Pushing a notification to devices through a provider. On the consumer's thread. */

#include "common/http_client.h"
#include "common/trace.h"
#include "storage/push_store.h"

/* Whoever is told so late looks anyway. Also bounds how long one device holds up the others. */
#define PUSH_LATE_MS (INT64_C(10) * 60 * 1000)

enum push_result {
    PUSH_SENT,
    PUSH_UNREGISTERED, /* the provider does not know that device any more */
    PUSH_REFUSED,      /* it will not take this one, however often it is asked */
    PUSH_LATER,        /* nothing was sent; it may be asked again */
    PUSH_UNKNOWN,      /* it may have been sent: it is not asked again */
};
struct push_message {
    const char *notification_id, *kind, *chat_id;
    const char *message_id; /* NULL = none */
    int64_t seq;
    const char *title;
    const char *preview;      /* NULL = what was said is not told */
    const char *collapse_key; /* a device shows the newest of a key */
};

struct push_provider;
struct push_provider_ops {
    /* err: why, of everything but PUSH_SENT. Blocks up to its timeout. */
    enum push_result (*send)(struct push_provider *provider, const char *token,
                             const struct push_message *message, const struct cc_trace *trace,
                             struct cc_arena *arena, struct cc_error *err);
    void (*destroy)(struct push_provider *provider);
};
struct push_provider {
    const struct push_provider_ops *ops;
};
static inline void push_provider_destroy(struct push_provider *provider) /* accepts NULL */
{
    if (provider != NULL)
        provider->ops->destroy(provider);
}

/* POSTs {"message":{"token","notification","data","android","apns"}} (the shape of FCM's HTTP v1
 * API) to `url`. client and texts are borrowed. credential "" = none.
 * Source: https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages. */
struct push_provider *push_http_create(struct cc_http_client *client, const char *url,
                                       const char *credential, int timeout_ms);

/* Pushes to every device of the person to which this notification was not pushed yet. Devices that
 * the provider does not know are forgotten. Errors: those of the store; CC_UNAVAILABLE a device has
 * to be tried again: repeat, those that were pushed to are left alone. */
CC_MUST_CHECK enum cc_code notification_push(struct push_store *store,
                                             struct push_provider *provider, const char *user_id,
                                             const struct push_message *message, int64_t now_ms,
                                             const struct cc_trace *trace, struct cc_arena *arena,
                                             struct cc_error *err);

#endif
