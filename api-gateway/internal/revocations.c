/* Revoked sessions. Callbacks run on the Redis subscriber's thread and on the HTTP client's; they
 * only hand on to the verifier, which is thread-safe. */

#include "revocations.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "common/alloc.h"
#include "common/json_reader.h"
#include "common/log.h"
#include "common/redis_pool.h"
#include "common/topics.h"

#define TOKEN_LIFE_MAX_MS 900000 /* no access token lives longer than this */
#define LIST_TIMEOUT_MS   2000
#define REVOCATIONS_MAX   100000

struct gateway_revocations {
    struct cc_jwt_verifier *verifier;
    const struct cc_clock *clock;
    struct cc_peer *auth_service;
    struct cc_redis_subscriber *subscriber;
    _Atomic int fetching; /* lists under way */
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

static void take_list(struct gateway_revocations *revocations, const struct cc_http_answer *answer)
{
    struct cc_arena *arena = cc_arena_create(0);
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, answer->body, answer->body_count, CC_IGNORE_UNKNOWN);

    read_list(revocations, reader);
    cc_json_reader_destroy(reader);
    cc_arena_destroy(arena);
}

static void on_list(void *arg, enum cc_code code, const struct cc_http_answer *answer,
                    const struct cc_error *err)
{
    struct gateway_revocations *revocations = arg;

    if (code == CC_OK)
        take_list(revocations, answer);
    else
        cc_log_error(CC_LOG_WARN, "the list of revoked sessions could not be fetched", err, NULL);
    atomic_fetch_sub(&revocations->fetching, 1); /* the last touch: a stop waits for it */
}

static void fetch_list(void *arg)
{
    struct gateway_revocations *revocations = arg;

    atomic_fetch_add(&revocations->fetching, 1);
    cc_peer_send(revocations->auth_service, "GET", "/internal/revocations", NULL, 0, NULL,
                 LIST_TIMEOUT_MS, on_list, revocations);
}

/* The list is asked for only once the channel is heard, so that nothing falls in between. */
static void on_subscribed(void *arg, const char *channel)
{
    (void)channel;
    fetch_list(arg);
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
    static const struct cc_redis_subscriber_events events = {
        .on_message = on_message, .on_subscribed = on_subscribed, .on_reconnect = on_reconnect};
    struct gateway_revocations *revocations = cc_calloc(1, sizeof(*revocations));
    enum cc_code code;

    revocations->verifier = verifier;
    revocations->clock = clock;
    revocations->auth_service = cc_peer_create(client, &settings->auth_service_internal_urls);
    code = cc_redis_subscriber_create(settings->redis_url, &events, revocations,
                                      &revocations->subscriber, err);
    if (code != CC_OK) {
        gateway_revocations_destroy(revocations);
        return code;
    }
    cc_redis_subscribe(revocations->subscriber, CC_CHANNEL_SESSION_REVOKED);
    *out = revocations;
    return CC_OK;
}

/* A list under way ends by itself, within LIST_TIMEOUT_MS. */
static void wait_for_list(const struct gateway_revocations *revocations)
{
    const struct timespec pause = {.tv_nsec = 2000000};

    while (atomic_load(&revocations->fetching) > 0)
        nanosleep(&pause, NULL);
}

void gateway_revocations_destroy(struct gateway_revocations *revocations)
{
    if (revocations == NULL)
        return;
    if (revocations->subscriber != NULL)
        cc_redis_subscriber_destroy(revocations->subscriber);
    wait_for_list(revocations);
    cc_peer_destroy(revocations->auth_service);
    cc_free(revocations);
}
