/* One notification, all devices of a person: claim, send, settle. On the consumer's thread. Repeats
 * nothing by itself: the consumer comes again, later and later. */

#include "push.h"

#include "common/log.h"
#include "common/metrics.h"

static const char *const outcome_names[] = {
    [PUSH_SENT] = "delivered", [PUSH_UNREGISTERED] = "unregistered", [PUSH_REFUSED] = "refused",
    [PUSH_LATER] = "later",    [PUSH_UNKNOWN] = "unknown",
};

static void count(enum push_result result)
{
    cc_counter_add(cc_counter_get("notification_push_total", "Pushes by what became of them.",
                                  "outcome", outcome_names[result], NULL),
                   1);
}

static enum cc_code settle(struct push_store *store, const struct push_claim *claim,
                           const struct push_token *token, enum push_result result,
                           struct cc_error *err)
{
    if (result == PUSH_UNREGISTERED)
        CC_TRY(store->ops->drop_token(store, token->token, err));
    return store->ops->settle(store, claim, result == PUSH_LATER ? NULL : outcome_names[result],
                              err);
}

static enum cc_code push_one(struct push_store *store, struct push_provider *provider,
                             const struct push_token *token, const struct push_message *message,
                             int64_t now_ms, const struct cc_trace *trace, struct cc_arena *arena,
                             bool *out_later, struct cc_error *err)
{
    const struct push_claim claim = {message->notification_id, token->user_id, token->device_id,
                                     now_ms};
    struct cc_error why = {0};
    bool first = false;

    CC_TRY(store->ops->claim(store, &claim, &first, err));
    if (!first)
        return CC_OK;
    enum push_result result =
        provider->ops->send(provider, token->token, message, trace, arena, &why);
    count(result);
    if (result == PUSH_REFUSED || result == PUSH_UNKNOWN)
        cc_log_error(CC_LOG_WARN, "a notification was not pushed", &why, "notification_id",
                     message->notification_id, NULL);
    *out_later |= result == PUSH_LATER;
    return settle(store, &claim, token, result, err);
}

enum cc_code notification_push(struct push_store *store, struct push_provider *provider,
                               const char *user_id, const struct push_message *message,
                               int64_t now_ms, const struct cc_trace *trace, struct cc_arena *arena,
                               struct cc_error *err)
{
    struct push_token_list devices;
    bool later = false;

    CC_TRY(store->ops->tokens_of(store, user_id, arena, &devices, err));
    for (size_t i = 0; i < devices.count; i++)
        CC_TRY(push_one(store, provider, &devices.items[i], message, now_ms, trace, arena, &later,
                        err));
    return later ? cc_fail_detail(err, CC_UNAVAILABLE, "the push provider takes nothing now")
                 : CC_OK;
}
