/* Instances of the services behind the gateway. Names are resolved and readiness is asked for on
 * the health thread, answers come on the HTTP client's; anybody reads. */

#include "proxy/upstreams.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"

#define PROBE_TIMEOUT_MS 1000

struct instance {
    struct group *group;
    size_t index;
    char *authority;
    char host[256], port[8];
    char *ready_url; /* NULL = connecting is enough */
    struct sockaddr_storage address;
    socklen_t address_length; /* 0 = not resolved yet */
    bool asking, is_ready;
};

struct group {
    const char *name;
    struct cc_targets *targets;
    struct instance instances[CC_TARGETS_MAX];
    size_t count;
    struct cc_http_client *client;
    pthread_mutex_t lock; /* addresses, readiness */
};

struct gateway_upstreams {
    struct group groups[GATEWAY_UPSTREAM_COUNT];
};

/* ---- creation ---- */

/* "http://host:port" or "http://[v6]:port", an optional "/" behind it. */
static bool split_url(const char *url, struct instance *instance)
{
    static const char scheme[] = "http://";
    const char *authority = url + sizeof(scheme) - 1, *colon, *host;
    size_t length, host_length, port_length;

    if (strncmp(url, scheme, sizeof(scheme) - 1) != 0)
        return false;
    length = strcspn(authority, "/");
    if (authority[length] != '\0')
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
    return true;
}

static char *make_ready_url(const struct instance *instance, int64_t port_distance)
{
    size_t host_length = strlen(instance->authority) - strlen(instance->port) - 1;
    char text[320];

    if (port_distance == 0)
        return NULL;
    snprintf(text, sizeof(text), "http://%.*s:%lld/readyz", (int)host_length, instance->authority,
             strtoll(instance->port, NULL, 10) + port_distance);
    return cc_strdup(text);
}

/* flags: AI_NUMERICHOST never blocks. */
static bool resolve(struct instance *instance, int flags)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
    struct addrinfo *found = NULL;

    if (getaddrinfo(instance->host, instance->port, &hints, &found) != 0)
        return false;
    pthread_mutex_lock(&instance->group->lock);
    memcpy(&instance->address, found->ai_addr, found->ai_addrlen);
    instance->address_length = found->ai_addrlen;
    pthread_mutex_unlock(&instance->group->lock);
    freeaddrinfo(found);
    return true;
}

static enum cc_code add_instance(struct group *group, const char *url, int64_t port_distance,
                                 struct cc_error *err)
{
    struct instance *instance = &group->instances[group->count];

    *instance = (struct instance){.group = group, .index = group->count};
    if (!split_url(url, instance))
        return cc_fail(err, CC_INVALID, group->name, "%s: '%s' is not http://host:port",
                       group->name, url);
    instance->ready_url = make_ready_url(instance, port_distance);
    group->count++;
    resolve(instance, AI_NUMERICHOST); /* other names wait for the first probe */
    return CC_OK;
}

static enum cc_code fill_group(struct group *group, const char *name, const char *peer,
                               const struct cc_setting_list *urls, int64_t port_distance,
                               const struct cc_clock *clock, struct cc_error *err)
{
    group->name = name;
    if (urls->count > CC_TARGETS_MAX)
        return cc_fail(err, CC_INVALID, name, "%s: at most %d instances", name, CC_TARGETS_MAX);
    for (size_t i = 0; i < urls->count; i++)
        CC_TRY(add_instance(group, urls->items[i], port_distance, err));
    group->targets = cc_targets_create(peer, urls, clock);
    return CC_OK;
}

static const char *const peers[GATEWAY_UPSTREAM_COUNT] = {
    [GATEWAY_AUTH] = "auth-service",
    [GATEWAY_USER] = "user-service",
    [GATEWAY_CHAT] = "chat-service",
    [GATEWAY_MESSAGE] = "message-service",
    [GATEWAY_NOTIFICATION] = "notification-service",
    [GATEWAY_WEBSOCKET] = "websocket-gateway",
};

static enum cc_code fill_groups(struct gateway_upstreams *upstreams,
                                const struct gateway_settings *s, const struct cc_clock *clock,
                                struct cc_error *err)
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
        CC_TRY(fill_group(&upstreams->groups[i], rows[i].name, peers[i], rows[i].urls,
                          s->ready_port_distance, clock, err));
    return CC_OK;
}

enum cc_code gateway_upstreams_create(const struct gateway_settings *settings,
                                      const struct cc_clock *clock, struct gateway_upstreams **out,
                                      struct cc_error *err)
{
    struct gateway_upstreams *upstreams = cc_calloc(1, sizeof(*upstreams));
    enum cc_code code;

    for (size_t i = 0; i < GATEWAY_UPSTREAM_COUNT; i++)
        pthread_mutex_init(&upstreams->groups[i].lock, NULL);
    code = fill_groups(upstreams, settings, clock, err);
    if (code != CC_OK)
        gateway_upstreams_destroy(upstreams);
    else
        *out = upstreams;
    return code;
}

static void finish_group(struct group *group)
{
    for (size_t i = 0; i < CC_TARGETS_MAX; i++) {
        cc_free(group->instances[i].authority);
        cc_free(group->instances[i].ready_url);
    }
    cc_targets_destroy(group->targets);
    pthread_mutex_destroy(&group->lock);
}

void gateway_upstreams_destroy(struct gateway_upstreams *upstreams)
{
    if (upstreams == NULL)
        return;
    for (size_t i = 0; i < GATEWAY_UPSTREAM_COUNT; i++)
        finish_group(&upstreams->groups[i]);
    cc_free(upstreams);
}

/* ---- health ---- */

static bool read_address(struct instance *instance, struct sockaddr_storage *out,
                         socklen_t *out_length)
{
    pthread_mutex_lock(&instance->group->lock);
    *out = instance->address;
    *out_length = instance->address_length;
    pthread_mutex_unlock(&instance->group->lock);
    return *out_length > 0;
}

static bool connects(struct instance *instance)
{
    struct sockaddr_storage address;
    socklen_t length, error_length = sizeof(int);
    struct pollfd wait = {.events = POLLOUT};
    int error = 0;

    if (!read_address(instance, &address, &length))
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

static void on_readiness(void *arg, enum cc_code code, const struct cc_http_answer *answer,
                         const struct cc_error *err)
{
    struct instance *instance = arg;
    struct group *group = instance->group;
    bool ready = code == CC_OK && answer->status == 200;

    (void)err; /* being away is an answer too; /readyz of the gateway tells of it */
    cc_targets_set_ready(group->targets, instance->index, ready);
    pthread_mutex_lock(&group->lock);
    instance->is_ready = ready;
    instance->asking = false;
    pthread_mutex_unlock(&group->lock);
}

static void ask_readiness(struct instance *instance)
{
    const struct cc_http_call call = {
        .method = "GET", .url = instance->ready_url, .timeout_ms = PROBE_TIMEOUT_MS};
    bool asks;

    pthread_mutex_lock(&instance->group->lock);
    asks = !instance->asking;
    instance->asking = true;
    pthread_mutex_unlock(&instance->group->lock);
    if (asks)
        cc_http_send(instance->group->client, &call, on_readiness, instance);
}

static bool any_is_ready(struct group *group)
{
    bool any = false;

    pthread_mutex_lock(&group->lock);
    for (size_t i = 0; i < group->count; i++)
        any = any || group->instances[i].is_ready;
    pthread_mutex_unlock(&group->lock);
    return any;
}

/* Asks, and tells what was answered so far: waiting for a service that hangs would keep the others
 * from being asked. */
static enum cc_code probe(void *subject, struct cc_error *err)
{
    struct group *group = subject;
    bool any = false, asks = false;

    for (size_t i = 0; i < group->count; i++) {
        struct instance *instance = &group->instances[i];

        if (!resolve(instance, 0))
            continue;
        if (instance->ready_url != NULL)
            ask_readiness(instance);
        else if (!any)
            any = connects(instance);
        asks = asks || instance->ready_url != NULL;
    }
    if (asks)
        any = any_is_ready(group);
    return any ? CC_OK : cc_fail_detail(err, CC_UNAVAILABLE, "no instance is ready");
}

enum cc_code gateway_upstreams_probe(struct gateway_upstreams *upstreams,
                                     enum gateway_upstream which, struct cc_error *err)
{
    return probe(&upstreams->groups[which], err);
}

void gateway_upstreams_watch(struct gateway_upstreams *upstreams, struct cc_http_client *client,
                             struct cc_health *health)
{
    for (size_t i = 0; i < GATEWAY_UPSTREAM_COUNT; i++) {
        upstreams->groups[i].client = client;
        cc_health_watch_optional(health, peers[i], probe, &upstreams->groups[i]);
    }
}

/* ---- look-ups ---- */

struct cc_targets *gateway_upstream_targets(struct gateway_upstreams *upstreams,
                                            enum gateway_upstream which)
{
    return upstreams->groups[which].targets;
}

const char *gateway_upstream_authority(const struct gateway_upstreams *upstreams,
                                       enum gateway_upstream which, size_t index)
{
    return upstreams->groups[which].instances[index].authority;
}

bool gateway_upstream_address(struct gateway_upstreams *upstreams, enum gateway_upstream which,
                              size_t index, struct sockaddr_storage *out, socklen_t *out_length)
{
    return read_address(&upstreams->groups[which].instances[index], out, out_length);
}
