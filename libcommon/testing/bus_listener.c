/* See bus_listener.h. Messages come on the subscriber's thread. */

#include "bus_listener.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/redis_pool.h"
#include "testing.h"

#define HEARD_MAX    256
#define WAIT_MS      10000
#define SUBSCRIBE_MS 5000

struct bus_listener {
    struct cc_redis_subscriber *subscriber;
    pthread_mutex_t lock;
    struct heard items[HEARD_MAX];
    size_t count, subscribed, wanted;
};

static void on_message(void *arg, const char *channel, const char *payload, size_t length)
{
    struct bus_listener *listener = arg;
    struct cc_bus_message message;

    if (!cc_bus_read(payload, length, &message))
        return;
    pthread_mutex_lock(&listener->lock);
    if (listener->count < HEARD_MAX) {
        struct heard *heard = &listener->items[listener->count++];

        heard->kind = message.kind;
        heard->rev = message.rev;
        heard->seq = message.seq;
        heard->member_version = message.member_version;
        (void)snprintf(heard->channel, sizeof heard->channel, "%s", channel);
        (void)snprintf(heard->frame, sizeof heard->frame, "%.*s", (int)message.frame_count,
                       message.frame);
    }
    pthread_mutex_unlock(&listener->lock);
}

static void on_subscribed(void *arg, const char *channel)
{
    struct bus_listener *listener = arg;

    (void)channel;
    pthread_mutex_lock(&listener->lock);
    listener->subscribed++;
    pthread_mutex_unlock(&listener->lock);
}

static bool all_subscribed(void *arg)
{
    struct bus_listener *listener = arg;

    pthread_mutex_lock(&listener->lock);
    bool all = listener->subscribed >= listener->wanted;
    pthread_mutex_unlock(&listener->lock);
    return all;
}

struct bus_listener *bus_listener_start(const char *redis_url, const char *const *channels,
                                        size_t count)
{
    static const struct cc_redis_subscriber_events events = {.on_message = on_message,
                                                             .on_subscribed = on_subscribed};
    struct bus_listener *listener = cc_calloc(1, sizeof *listener);
    struct cc_error err = {0};

    pthread_mutex_init(&listener->lock, NULL);
    listener->wanted = count;
    if (cc_redis_subscriber_create(redis_url, &events, listener, &listener->subscriber, &err) !=
        CC_OK)
        fail_msg("can't subscribe: %s", err.detail);
    for (size_t i = 0; i < count; i++)
        cc_redis_subscribe(listener->subscriber, channels[i]);
    test_wait_for(all_subscribed, listener, SUBSCRIBE_MS);
    return listener;
}

void bus_listener_stop(struct bus_listener *listener)
{
    if (listener == NULL)
        return;
    cc_redis_subscriber_destroy(listener->subscriber);
    pthread_mutex_destroy(&listener->lock);
    cc_free(listener);
}

struct wanted {
    struct bus_listener *listener;
    size_t n;
    enum cc_bus_kind kind;
    const char *channel, *text;
    struct heard found;
};

static bool fits(const struct wanted *wanted, const struct heard *heard)
{
    return heard->kind == wanted->kind && strstr(heard->frame, wanted->text) != NULL &&
           (wanted->channel == NULL || strcmp(heard->channel, wanted->channel) == 0);
}

/* How many fit; the n-th of them is copied. */
static size_t look(struct wanted *wanted)
{
    struct bus_listener *listener = wanted->listener;
    size_t count = 0;

    pthread_mutex_lock(&listener->lock);
    for (size_t i = 0; i < listener->count; i++)
        if (fits(wanted, &listener->items[i]) && ++count == wanted->n)
            wanted->found = listener->items[i];
    pthread_mutex_unlock(&listener->lock);
    return count;
}

size_t bus_listener_count(struct bus_listener *listener, enum cc_bus_kind kind, const char *channel,
                          const char *text)
{
    struct wanted wanted = {.listener = listener, .kind = kind, .channel = channel, .text = text};

    return look(&wanted);
}

static bool has_come(void *arg)
{
    struct wanted *wanted = arg;

    return look(wanted) >= wanted->n;
}

struct heard bus_listener_expect(struct bus_listener *listener, size_t n, enum cc_bus_kind kind,
                                 const char *channel, const char *text)
{
    struct wanted wanted = {
        .listener = listener, .n = n, .kind = kind, .channel = channel, .text = text};

    test_wait_for(has_come, &wanted, WAIT_MS);
    return wanted.found;
}
