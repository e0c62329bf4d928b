/* Instances of the services behind the gateway. Turns are taken on listener threads, reports come
 * from the HTTP client's and the tunnels' thread, names are resolved on the health thread. */

#include "proxy/upstreams.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"

#define EJECTED_MS       1000 /* after the first failure; twice as long after each further one */
#define EJECTED_MOST_MS  16000
#define TRIAL_MS         2000 /* how long the one request that tries it again has to tell */
#define PROBE_TIMEOUT_MS 300

struct gateway_instance {
    const struct cc_clock *clock;
    char *url, *authority;
    char host[256], port[8];
    _Atomic int64_t left_out_until_ms; /* 0 = its last request went well */
    _Atomic int64_t left_out_for_ms;
    pthread_mutex_t lock; /* address */
    struct sockaddr_storage address;
    socklen_t address_length; /* 0 = not resolved yet */
};

struct group {
    const char *name;
    struct gateway_instance *instances[GATEWAY_INSTANCES_MAX];
    size_t count;
    _Atomic unsigned turn;
};

struct gateway_upstreams {
    const struct cc_clock *clock;
    struct group groups[GATEWAY_UPSTREAM_COUNT];
};

/* ---- creation ---- */

/* "http://host:port" or "http://[v6]:port", an optional "/" behind it. */
static bool split_url(const char *url, struct gateway_instance *instance)
{
    static const char scheme[] = "http://";
    const char *authority = url + sizeof(scheme) - 1, *colon, *host;
    size_t length, host_length, port_length;

    if (strncmp(url, scheme, sizeof(scheme) - 1) != 0)
        return false;
    length = strcspn(authority, "/");
    if (authority[length] == '/' && authority[length + 1] != '\0')
        return false;
    colon = memrchr(authority, ':', length);
    if (colon == NULL)
        return false;
    host = *authority == '[' ? authority + 1 : authority;
    host_length = (size_t)(colon - host) - (*authority == '[' ? 1 : 0);
    port_length = length - (size_t)(colon - authority) - 1;
    if (colon <= host || host_length >= sizeof(instance->host) || port_length == 0 ||
        port_length >= sizeof(instance->port))
        return false;
    memcpy(instance->host, host, host_length);
    memcpy(instance->port, colon + 1, port_length);
    instance->authority = cc_strndup(authority, length);
    instance->url = cc_strndup(url, sizeof(scheme) - 1 + length);
    return true;
}

/* flags: AI_NUMERICHOST never blocks. */
static bool resolve(struct gateway_instance *instance, int flags)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
    struct addrinfo *found = NULL;

    if (getaddrinfo(instance->host, instance->port, &hints, &found) != 0)
        return false;
    pthread_mutex_lock(&instance->lock);
    memcpy(&instance->address, found->ai_addr, found->ai_addrlen);
    instance->address_length = found->ai_addrlen;
    pthread_mutex_unlock(&instance->lock);
    freeaddrinfo(found);
    return true;
}

static enum cc_code add_instance(struct group *group, const struct cc_clock *clock, const char *url,
                                 struct cc_error *err)
{
    struct gateway_instance *instance = cc_calloc(1, sizeof(*instance));

    instance->clock = clock;
    pthread_mutex_init(&instance->lock, NULL);
    group->instances[group->count++] = instance;
    if (!split_url(url, instance))
        return cc_fail(err, CC_INVALID, group->name, "%s: '%s' is not http://host:port",
                       group->name, url);
    resolve(instance, AI_NUMERICHOST); /* other names wait for the first probe */
    return CC_OK;
}

static enum cc_code fill_group(struct group *group, const char *name,
                               const struct cc_setting_list *urls, const struct cc_clock *clock,
                               struct cc_error *err)
{
    group->name = name;
    if (urls->count > GATEWAY_INSTANCES_MAX)
        return cc_fail(err, CC_INVALID, name, "%s: at most %d instances", name,
                       GATEWAY_INSTANCES_MAX);
    for (size_t i = 0; i < urls->count; i++)
        CC_TRY(add_instance(group, clock, urls->items[i], err));
    return CC_OK;
}

static enum cc_code fill_groups(struct gateway_upstreams *upstreams,
                                const struct gateway_settings *s, struct cc_error *err)
{
    const struct {
        const char *name;
        const struct cc_setting_list *urls;
    } rows[GATEWAY_UPSTREAM_COUNT] = {
        [GATEWAY_AUTH] = {"auth_service_urls", &s->auth_service_urls},
        [GATEWAY_USER] = {"user_service_urls", &s->user_service_urls},
        [GATEWAY_CHAT] = {"chat_service_urls", &s->chat_service_urls},
        [GATEWAY_MESSAGE] = {"message_service_urls", &s->message_service_urls},
        [GATEWAY_NOTIFICATION] = {"notification_service_urls", &s->notification_service_urls},
        [GATEWAY_WEBSOCKET] = {"websocket_gateway_urls", &s->websocket_gateway_urls},
    };

    for (size_t i = 0; i < GATEWAY_UPSTREAM_COUNT; i++)
        CC_TRY(
            fill_group(&upstreams->groups[i], rows[i].name, rows[i].urls, upstreams->clock, err));
    return CC_OK;
}

enum cc_code gateway_upstreams_create(const struct gateway_settings *settings,
                                      const struct cc_clock *clock, struct gateway_upstreams **out,
                                      struct cc_error *err)
{
    struct gateway_upstreams *upstreams = cc_calloc(1, sizeof(*upstreams));
    enum cc_code code;

    upstreams->clock = clock;
    code = fill_groups(upstreams, settings, err);
    if (code != CC_OK)
        gateway_upstreams_destroy(upstreams);
    else
        *out = upstreams;
    return code;
}

static void destroy_instance(struct gateway_instance *instance)
{
    pthread_mutex_destroy(&instance->lock);
    cc_free(instance->url);
    cc_free(instance->authority);
    cc_free(instance);
}

void gateway_upstreams_destroy(struct gateway_upstreams *upstreams)
{
    if (upstreams == NULL)
        return;
    for (size_t i = 0; i < GATEWAY_UPSTREAM_COUNT; i++)
        for (size_t k = 0; k < upstreams->groups[i].count; k++)
            destroy_instance(upstreams->groups[i].instances[k]);
    cc_free(upstreams);
}

/* ---- health ---- */

static bool connects(struct gateway_instance *instance)
{
    struct sockaddr_storage address;
    socklen_t length, error_length = sizeof(int);
    struct pollfd wait = {.events = POLLOUT};
    int error = 0;

    if (!gateway_instance_address(instance, &address, &length))
        return false;
    wait.fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (wait.fd < 0)
        return false;
    if (connect(wait.fd, (struct sockaddr *)&address, length) != 0 &&
        (errno != EINPROGRESS || poll(&wait, 1, PROBE_TIMEOUT_MS) != 1 ||
         getsockopt(wait.fd, SOL_SOCKET, SO_ERROR, &error, &error_length) != 0))
        error = ETIMEDOUT;
    close(wait.fd);
    return error == 0;
}

static enum cc_code probe(void *subject, struct cc_error *err)
{
    struct group *group = subject;
    bool any = false;

    for (size_t i = 0; i < group->count; i++)
        if (resolve(group->instances[i], 0) && !any)
            any = connects(group->instances[i]);
    return any ? CC_OK : cc_fail_detail(err, CC_UNAVAILABLE, "no instance takes connections");
}

void gateway_upstreams_watch(struct gateway_upstreams *upstreams, struct cc_health *health)
{
    static const char *const names[GATEWAY_UPSTREAM_COUNT] = {
        [GATEWAY_AUTH] = "auth-service",
        [GATEWAY_USER] = "user-service",
        [GATEWAY_CHAT] = "chat-service",
        [GATEWAY_MESSAGE] = "message-service",
        [GATEWAY_NOTIFICATION] = "notification-service",
        [GATEWAY_WEBSOCKET] = "websocket-gateway",
    };

    for (size_t i = 0; i < GATEWAY_UPSTREAM_COUNT; i++)
        cc_health_watch(health, names[i], probe, &upstreams->groups[i]);
}

/* ---- turns ---- */

/* FNV-1a over key and authority, mixed at the end. */
static uint64_t score(const char *key, const struct gateway_instance *instance)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (const char *p = key; *p != '\0'; p++)
        hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
    for (const char *p = instance->authority; *p != '\0'; p++)
        hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
    hash ^= hash >> 33;
    hash *= UINT64_C(0xff51afd7ed558ccd);
    return hash ^ hash >> 33;
}

static void order_by_score(struct gateway_turns *turns, const char *key)
{
    for (size_t i = 1; i < turns->count; i++) {
        struct gateway_instance *moving = turns->order[i];
        size_t at = i;

        for (; at > 0 && score(key, turns->order[at - 1]) < score(key, moving); at--)
            turns->order[at] = turns->order[at - 1];
        turns->order[at] = moving;
    }
}

/* When the time of one that failed is over, one request tries it, if it is the first in its order;
 * the others go on passing over it until that one has told. */
static bool takes_its_turn(struct gateway_instance *instance, bool is_first, int64_t now_ms)
{
    int64_t until_ms = atomic_load(&instance->left_out_until_ms);

    if (until_ms == 0)
        return true;
    return until_ms <= now_ms && is_first &&
           atomic_compare_exchange_strong(&instance->left_out_until_ms, &until_ms,
                                          now_ms + TRIAL_MS);
}

static void put_left_out_last(struct gateway_turns *turns, int64_t now_ms)
{
    struct gateway_instance *late[GATEWAY_INSTANCES_MAX];
    size_t kept = 0, late_count = 0;

    for (size_t i = 0; i < turns->count; i++) {
        if (takes_its_turn(turns->order[i], i == 0, now_ms))
            turns->order[kept++] = turns->order[i];
        else
            late[late_count++] = turns->order[i];
    }
    memcpy(turns->order + kept, late, late_count * sizeof(late[0]));
}

void gateway_turns_begin(struct gateway_upstreams *upstreams, enum gateway_upstream which,
                         const char *key, struct gateway_turns *out)
{
    struct group *group = &upstreams->groups[which];
    unsigned first = key == NULL ? atomic_fetch_add(&group->turn, 1) : 0;

    out->count = group->count;
    out->next = 0;
    for (size_t i = 0; i < group->count; i++)
        out->order[i] = group->instances[(first + i) % group->count];
    if (key != NULL)
        order_by_score(out, key);
    put_left_out_last(out, cc_mono_ms(upstreams->clock));
}

struct gateway_instance *gateway_turns_next(struct gateway_turns *turns)
{
    return turns->next < turns->count ? turns->order[turns->next++] : NULL;
}

const char *gateway_instance_url(const struct gateway_instance *instance)
{
    return instance->url;
}

const char *gateway_instance_authority(const struct gateway_instance *instance)
{
    return instance->authority;
}

bool gateway_instance_address(struct gateway_instance *instance, struct sockaddr_storage *out,
                              socklen_t *out_length)
{
    pthread_mutex_lock(&instance->lock);
    *out = instance->address;
    *out_length = instance->address_length;
    pthread_mutex_unlock(&instance->lock);
    return *out_length > 0;
}

/* Failures of requests that were under way together count once. */
void gateway_instance_report(struct gateway_instance *instance, bool well)
{
    int64_t now_ms = cc_mono_ms(instance->clock), for_ms;

    if (well) {
        atomic_store(&instance->left_out_for_ms, 0);
        atomic_store(&instance->left_out_until_ms, 0);
    } else if (atomic_load(&instance->left_out_until_ms) <= now_ms) {
        for_ms = atomic_load(&instance->left_out_for_ms) * 2;
        for_ms = for_ms == 0 ? EJECTED_MS : for_ms < EJECTED_MOST_MS ? for_ms : EJECTED_MOST_MS;
        atomic_store(&instance->left_out_for_ms, for_ms);
        atomic_store(&instance->left_out_until_ms, now_ms + for_ms);
    }
}
