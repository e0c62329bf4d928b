/* Revoked sessions. Callbacks run on the Redis subscriber's thread and on the HTTP client's; they
 * only hand on to the verifier, which is thread-safe. A ticker's thread asks for the list. */

#include "revocations.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "common/alloc.h"
#include "common/json_reader.h"
#include "common/log.h"
#include "common/redis_pool.h"
#include "common/ticker.h"
#include "common/topics.h"

#define TOKEN_LIFE_MAX_MS 900000 /* no access token lives longer than this */
#define LIST_TIMEOUT_MS   2000
#define REVOCATIONS_MAX   100000
#define TICK_MS           100
#define ALONE_MS          500 /* between two readings while the channel is not heard */

struct gateway_revocations {
    struct cc_jwt_verifier *verifier;
    const struct cc_clock *clock;
    struct cc_peer *auth_service;
    struct cc_redis_subscriber *subscriber;
    struct cc_ticker *ticker;
    int64_t poll_ms;        /* between two readings while the channel is heard */
    _Atomic bool is_heard;  /* the channel */
    _Atomic int64_t due_ms; /* monotonic: when to read the list next */
    _Atomic bool asking, read_once, is_failing;
};

static void on_message(void *arg, const char *channel, const char *payload, size_t length)
{
    struct gateway_revocations *revocations = arg;
    char session_id[CC_UUID_BYTES];

    (void)channel;
    if (!cc_uuid_valid(payload, length))
        return;
    memcpy(session_id, payload, length);
    session_id[length] = '\0';
    cc_jwt_revoke_session(revocations->verifier, session_id,
                          cc_wall_ms(revocations->clock) + TOKEN_LIFE_MAX_MS);
}

static void read_list(struct gateway_revocations *revocations, struct cc_json_reader *reader)
{
    size_t count = cc_json_array_count(reader, "items", CC_REQUIRED, REVOCATIONS_MAX);

    for (size_t i = 0; i < count; i++) {
        if (!cc_json_enter_element(reader, "items", i))
            return;
        const char *session_id = cc_json_uuid(reader, "session_id", CC_REQUIRED);
        int64_t until_ms = cc_json_time(reader, "until", CC_REQUIRED);

        if (session_id != NULL && until_ms > 0)
            cc_jwt_revoke_session(revocations->verifier, session_id, until_ms);
        cc_json_leave(reader);
    }
}

static enum cc_code take_list(struct gateway_revocations *revocations,
                              const struct cc_http_answer *answer, struct cc_error *err)
{
    struct cc_arena *arena = cc_arena_create(0);
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, answer->body, answer->body_count, CC_IGNORE_UNKNOWN);
    bool is_readable;

    read_list(revocations, reader);
    is_readable = cc_json_reader_done(reader);
    cc_json_reader_destroy(reader);
    cc_arena_destroy(arena);
    return is_readable ? CC_OK : cc_fail_detail(err, CC_BAD_GATEWAY, "it can't be read");
}

/* A failure is logged once, and asked again like anything that is not known. */
static void note_failure(struct gateway_revocations *revocations, const struct cc_error *err)
{
    if (!atomic_exchange(&revocations->is_failing, true))
        cc_log_error(CC_LOG_WARN, "the list of revoked sessions could not be fetched", err, NULL);
    atomic_store(&revocations->due_ms, cc_mono_ms(revocations->clock) + ALONE_MS);
}

static void on_list(void *arg, enum cc_code code, const struct cc_http_answer *answer,
                    const struct cc_error *err)
{
    struct gateway_revocations *revocations = arg;
    struct cc_error unreadable = {0};

    if (code == CC_OK) {
        code = take_list(revocations, answer, &unreadable);
        err = &unreadable;
    }
    if (code == CC_OK) {
        atomic_store(&revocations->read_once, true);
        atomic_store(&revocations->is_failing, false);
    } else {
        note_failure(revocations, err);
    }
    atomic_store(&revocations->asking, false);
}

static void ask_for_list(struct gateway_revocations *revocations)
{
    bool is_heard = atomic_load(&revocations->is_heard);

    if (atomic_exchange(&revocations->asking, true))
        return;
    atomic_store(&revocations->due_ms,
                 cc_mono_ms(revocations->clock) + (is_heard ? revocations->poll_ms : ALONE_MS));
    cc_peer_send(revocations->auth_service, "GET", "/internal/revocations", NULL, 0, NULL,
                 LIST_TIMEOUT_MS, on_list, revocations);
}

static void tick(void *arg)
{
    struct gateway_revocations *revocations = arg;

    if (cc_mono_ms(revocations->clock) >= atomic_load(&revocations->due_ms))
        ask_for_list(revocations);
}

/* The list is read again once the channel is heard, so that nothing falls in between. */
static void on_subscribed(void *arg, const char *channel)
{
    struct gateway_revocations *revocations = arg;

    (void)channel;
    atomic_store(&revocations->is_heard, true);
    atomic_store(&revocations->due_ms, 0);
}

static void on_lost(void *arg)
{
    struct gateway_revocations *revocations = arg;

    atomic_store(&revocations->is_heard, false);
    atomic_store(&revocations->due_ms, 0);
}

enum cc_code gateway_revocations_probe(void *revocations, struct cc_error *err)
{
    if (atomic_load(&((struct gateway_revocations *)revocations)->read_once))
        return CC_OK;
    return cc_fail_detail(err, CC_UNAVAILABLE, "the list has not been read yet");
}

static void on_reconnect(void *arg)
{
    (void)arg; /* on_subscribed runs again as well */
}

enum cc_code gateway_revocations_create(const struct gateway_settings *settings,
                                        struct cc_http_client *client,
                                        struct cc_jwt_verifier *verifier,
                                        const struct cc_clock *clock,
                                        struct gateway_revocations **out, struct cc_error *err)
{
    static const struct cc_redis_subscriber_events events = {.on_message = on_message,
                                                             .on_subscribed = on_subscribed,
                                                             .on_reconnect = on_reconnect,
                                                             .on_lost = on_lost};
    struct gateway_revocations *revocations = cc_calloc(1, sizeof(*revocations));
    enum cc_code code;

    revocations->verifier = verifier;
    revocations->clock = clock;
    revocations->poll_ms = settings->revocations_poll_ms;
    revocations->auth_service = cc_peer_create(client, &settings->auth_service_internal_urls);
    code = cc_redis_subscriber_create(settings->redis_url, &events, revocations,
                                      &revocations->subscriber, err);
    if (code != CC_OK) {
        gateway_revocations_destroy(revocations);
        return code;
    }
    cc_redis_subscribe(revocations->subscriber, CC_CHANNEL_SESSION_REVOKED);
    revocations->ticker = cc_ticker_start(TICK_MS, tick, revocations);
    *out = revocations;
    return CC_OK;
}

/* The answer to a question that is under way comes within LIST_TIMEOUT_MS an instance. */
static void wait_for_answer(const struct gateway_revocations *revocations)
{
    const struct timespec pause = {.tv_nsec = 2000000};

    while (atomic_load(&revocations->asking))
        nanosleep(&pause, NULL);
}

void gateway_revocations_destroy(struct gateway_revocations *revocations)
{
    if (revocations == NULL)
        return;
    cc_ticker_stop(revocations->ticker);
    if (revocations->subscriber != NULL)
        cc_redis_subscriber_destroy(revocations->subscriber);
    wait_for_answer(revocations);
    cc_peer_destroy(revocations->auth_service);
    cc_free(revocations);
}
