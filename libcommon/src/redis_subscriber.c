/*
 * Pub/sub; see common/redis_pool.h. One thread of its own owns the connection and runs all
 * callbacks; cc_redis_subscribe and cc_redis_unsubscribe only note a wish and wake it. It keeps no
 * messages: what is published while the connection is away is lost, and on_reconnect says so.
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/hash_map.h"
#include "common/id.h"
#include "common/log.h"
#include "common/metrics.h"
#include "redis_connection.h"

#define PING_AFTER_MS    3000 /* of silence */
#define DEAD_AFTER_MS    6000 /* of silence, the PING included */
#define BACKOFF_FIRST_MS 50
#define BACKOFF_MOST_MS  2000
#define CHANNELS_AT_ONCE 256 /* in one SUBSCRIBE */

/*
 * A channel somebody wants, or wanted until a moment ago. It lives until nobody wants it, the
 * server knows, and every answer about it has come: only so can the answer to an old SUBSCRIBE be
 * told from the answer to the latest one.
 */
struct subscription {
    char *channel;
    int wanted;      /* how many subscribe calls have no unsubscribe yet */
    bool ask_again;  /* wanted anew since the last SUBSCRIBE was sent */
    bool subscribed; /* the last command sent for it was SUBSCRIBE */
    int unanswered;  /* SUBSCRIBE and UNSUBSCRIBE commands without an answer */
    bool restoring;  /* part of the round after a reconnect */
    bool queued;     /* in the list `changed` */
    struct subscription *next_changed;
};

struct cc_redis_subscriber {
    struct cc_redis_address address;
    struct cc_redis_subscriber_events events;
    void *arg;
    pthread_t thread;
    int wake_fd;

    pthread_mutex_t lock; /* guards what follows, up to the blank line */
    struct cc_hash_map *channels;
    struct subscription *changed;
    bool stopping;

    /* of the thread alone */
    redisContext *context;
    bool was_connected;
    size_t restoring; /* channels whose confirmation after a reconnect is awaited */
    int64_t heard_at_mono_ms;
    bool pinged;
    int backoff_ms;
    struct cc_gauge *channel_count;
    struct cc_counter *reconnects;
};

static int64_t now_ms(void)
{
    return cc_mono_ms(cc_clock_system());
}

static void wake(struct cc_redis_subscriber *self)
{
    uint64_t one = 1;
    if (write(self->wake_fd, &one, sizeof one) < 0 && errno != EAGAIN)
        cc_log(CC_LOG_ERROR, "can't wake the redis subscriber", NULL);
}

/* Called with the lock held. */
static void queue_change(struct cc_redis_subscriber *self, struct subscription *subscription)
{
    if (subscription->queued)
        return;
    subscription->queued = true;
    subscription->next_changed = self->changed;
    self->changed = subscription;
}

/* Called with the lock held: forgets a subscription that is of no further use. */
static void forget_if_done(struct cc_redis_subscriber *self, struct subscription *subscription)
{
    if (subscription->wanted > 0 || subscription->subscribed || subscription->unanswered > 0 ||
        subscription->queued)
        return;
    cc_hash_map_remove(self->channels, subscription->channel);
    cc_free(subscription->channel);
    cc_free(subscription);
    cc_gauge_add(self->channel_count, -1);
}

void cc_redis_subscribe(struct cc_redis_subscriber *self, const char *channel)
{
    pthread_mutex_lock(&self->lock);
    struct subscription *subscription = cc_hash_map_get(self->channels, channel);
    if (subscription == NULL) {
        subscription = cc_calloc(1, sizeof *subscription);
        subscription->channel = cc_strdup(channel);
        cc_hash_map_put(self->channels, subscription->channel, subscription);
        cc_gauge_add(self->channel_count, 1);
    }
    bool first = subscription->wanted++ == 0;
    if (first) {
        subscription->ask_again = true;
        queue_change(self, subscription);
    }
    pthread_mutex_unlock(&self->lock);
    if (first)
        wake(self);
}

void cc_redis_unsubscribe(struct cc_redis_subscriber *self, const char *channel)
{
    pthread_mutex_lock(&self->lock);
    struct subscription *subscription = cc_hash_map_get(self->channels, channel);
    bool last = subscription != NULL && subscription->wanted > 0 && --subscription->wanted == 0;
    if (last) {
        subscription->ask_again = false;
        queue_change(self, subscription);
    }
    pthread_mutex_unlock(&self->lock);
    if (last)
        wake(self);
}

/* Channels collected into commands of CHANNELS_AT_ONCE. */
struct batch {
    redisContext *context;
    const char *verb;
    int count;
    const char *words[CHANNELS_AT_ONCE + 1];
};

static void batch_send(struct batch *batch)
{
    batch->words[0] = batch->verb;
    if (batch->count > 0)
        redisAppendCommandArgv(batch->context, batch->count + 1, batch->words, NULL);
    batch->count = 0;
}

static void batch_add(struct batch *batch, const char *channel)
{
    batch->words[++batch->count] = channel;
    if (batch->count == CHANNELS_AT_ONCE)
        batch_send(batch);
}

/* Turns noted wishes into commands. A channel given up and wanted again in between is subscribed
 * once more: whoever wants it now waits for a confirmation. */
static void send_changes(struct cc_redis_subscriber *self)
{
    struct batch subscribe = {.context = self->context, .verb = "SUBSCRIBE"};
    struct batch unsubscribe = {.context = self->context, .verb = "UNSUBSCRIBE"};
    pthread_mutex_lock(&self->lock);
    while (self->changed != NULL) {
        struct subscription *subscription = self->changed;
        self->changed = subscription->next_changed;
        subscription->queued = false;
        if (subscription->wanted > 0 && subscription->ask_again) {
            subscription->ask_again = false;
            subscription->subscribed = true;
            subscription->unanswered++;
            batch_add(&subscribe, subscription->channel);
        } else if (subscription->wanted == 0 && subscription->subscribed) {
            subscription->subscribed = false;
            subscription->unanswered++;
            batch_add(&unsubscribe, subscription->channel);
        }
        forget_if_done(self, subscription);
    }
    batch_send(&subscribe);
    batch_send(&unsubscribe);
    pthread_mutex_unlock(&self->lock);
}

/* After a (re)connect: every wanted channel is subscribed anew, the others are forgotten. */
static void send_all(struct cc_redis_subscriber *self)
{
    struct batch subscribe = {.context = self->context, .verb = "SUBSCRIBE"};
    size_t at = 0;
    void *value;
    self->restoring = 0;
    pthread_mutex_lock(&self->lock);
    while (cc_hash_map_next(self->channels, &at, &value)) {
        struct subscription *subscription = value;
        bool wanted = subscription->wanted > 0;
        subscription->ask_again = false;
        subscription->subscribed = wanted;
        subscription->unanswered = wanted;
        subscription->restoring = wanted;
        self->restoring += wanted;
        if (wanted)
            batch_add(&subscribe, subscription->channel);
        else
            queue_change(self, subscription); /* send_changes forgets it: not while iterating */
    }
    batch_send(&subscribe);
    pthread_mutex_unlock(&self->lock);
}

static void tell_reconnected(struct cc_redis_subscriber *self)
{
    bool again = self->was_connected;
    self->was_connected = true;
    if (!again)
        return;
    cc_counter_add(self->reconnects, 1);
    if (self->events.on_reconnect != NULL)
        self->events.on_reconnect(self->arg);
}

/* The server's answer to SUBSCRIBE or UNSUBSCRIBE of one channel. */
static void take_answer(struct cc_redis_subscriber *self, const char *channel, bool subscribed)
{
    bool confirmed = false, restored = false;
    pthread_mutex_lock(&self->lock);
    struct subscription *subscription = cc_hash_map_get(self->channels, channel);
    if (subscription != NULL) {
        subscription->unanswered--;
        confirmed = subscribed && subscription->unanswered == 0 && subscription->wanted > 0;
        restored = subscribed && subscription->restoring;
        subscription->restoring = subscription->restoring && !restored;
        forget_if_done(self, subscription);
    }
    pthread_mutex_unlock(&self->lock);
    if (confirmed && self->events.on_subscribed != NULL)
        self->events.on_subscribed(self->arg, channel);
    if (restored && --self->restoring == 0)
        tell_reconnected(self);
}

/* Pushes are arrays of kind, channel and payload; the answer to PING is an array or a status. */
static void take_reply(struct cc_redis_subscriber *self, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR)
        cc_log(CC_LOG_WARN, "redis refuses a subscription", "reason", reply->str, NULL);
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING)
        return;
    const char *kind = reply->element[0]->str;
    const char *channel = reply->element[1]->str;
    const redisReply *payload = reply->element[2];
    if (strcmp(kind, "message") == 0 && payload->type == REDIS_REPLY_STRING)
        self->events.on_message(self->arg, channel, payload->str, payload->len);
    else if (strcmp(kind, "subscribe") == 0)
        take_answer(self, channel, true);
    else if (strcmp(kind, "unsubscribe") == 0)
        take_answer(self, channel, false);
}

/* False when the connection is lost. */
static bool read_replies(struct cc_redis_subscriber *self)
{
    void *reply = NULL;
    if (redisBufferRead(self->context) != REDIS_OK)
        return false;
    self->heard_at_mono_ms = now_ms();
    self->pinged = false;
    while (redisGetReplyFromReader(self->context, &reply) == REDIS_OK && reply != NULL) {
        take_reply(self, reply);
        freeReplyObject(reply);
    }
    return self->context->err == 0;
}

/* Writes what the socket takes now. False when the connection is lost. */
static bool write_commands(struct cc_redis_subscriber *self, bool *out_more)
{
    int done = 0;
    if (redisBufferWrite(self->context, &done) != REDIS_OK)
        return false;
    *out_more = done == 0;
    return true;
}

/* Asks a silent server whether it lives. False when it has been silent for too long. */
static bool check_pulse(struct cc_redis_subscriber *self)
{
    int64_t silence = now_ms() - self->heard_at_mono_ms;
    if (silence >= DEAD_AFTER_MS)
        return false;
    if (silence >= PING_AFTER_MS && !self->pinged) {
        const char *ping[] = {"PING"};
        redisAppendCommandArgv(self->context, 1, ping, NULL);
        self->pinged = true;
    }
    return true;
}

static bool is_stopping(struct cc_redis_subscriber *self)
{
    pthread_mutex_lock(&self->lock);
    bool stopping = self->stopping;
    pthread_mutex_unlock(&self->lock);
    return stopping;
}

static void drain_wakes(struct cc_redis_subscriber *self)
{
    uint64_t count;
    while (read(self->wake_fd, &count, sizeof count) > 0)
        ;
}

/* Serves one connection until it is lost or the subscriber stops. */
static void serve(struct cc_redis_subscriber *self)
{
    while (!is_stopping(self)) {
        bool more = false;
        send_changes(self);
        if (!check_pulse(self) || !write_commands(self, &more))
            return;
        int64_t silence = now_ms() - self->heard_at_mono_ms;
        int64_t wait = (self->pinged ? DEAD_AFTER_MS : PING_AFTER_MS) - silence;
        struct pollfd fds[] = {
            {.fd = self->context->fd, .events = (short)(POLLIN | (more ? POLLOUT : 0))},
            {.fd = self->wake_fd, .events = POLLIN}};
        poll(fds, 2, wait > 0 ? (int)wait : 0);
        if (fds[1].revents != 0)
            drain_wakes(self);
        if ((fds[0].revents & (POLLIN | POLLERR | POLLHUP)) != 0 && !read_replies(self))
            return;
    }
}

static void tell_lost(struct cc_redis_subscriber *self)
{
    if (is_stopping(self))
        return;
    cc_log(CC_LOG_WARN, "redis subscriber lost its connection", NULL);
    if (self->events.on_lost != NULL)
        self->events.on_lost(self->arg);
}

/* Connects and serves; returns when that connection has ended. */
static void connect_and_serve(struct cc_redis_subscriber *self)
{
    struct cc_error err = {0};
    self->context = cc_redis_connect(&self->address, &err);
    if (self->context == NULL || !cc_redis_unblock(self->context)) {
        if (self->backoff_ms == BACKOFF_FIRST_MS)
            cc_log_error(CC_LOG_WARN, "redis subscriber can't connect", &err, NULL);
    } else {
        self->backoff_ms = BACKOFF_FIRST_MS;
        self->heard_at_mono_ms = now_ms();
        self->pinged = false;
        send_all(self);
        if (self->restoring == 0)
            tell_reconnected(self);
        serve(self);
        tell_lost(self);
    }
    if (self->context != NULL)
        redisFree(self->context);
    self->context = NULL;
}

/* Doubles up to the most, less up to a half at random, so that nodes don't come back in step. */
static void back_off(struct cc_redis_subscriber *self)
{
    struct pollfd woken = {.fd = self->wake_fd, .events = POLLIN};
    uint64_t half = (uint64_t)self->backoff_ms / 2;
    int64_t until =
        now_ms() + self->backoff_ms - (int64_t)cc_random_below(cc_random_system(), half + 1);
    for (int64_t left = until - now_ms(); left > 0 && !is_stopping(self); left = until - now_ms()) {
        poll(&woken, 1, (int)left);
        drain_wakes(self);
    }
    self->backoff_ms =
        self->backoff_ms * 2 < BACKOFF_MOST_MS ? self->backoff_ms * 2 : BACKOFF_MOST_MS;
}

static void *run(void *arg)
{
    struct cc_redis_subscriber *self = arg;
    self->backoff_ms = BACKOFF_FIRST_MS;
    while (!is_stopping(self)) {
        connect_and_serve(self);
        back_off(self);
    }
    return NULL;
}

static void free_subscriber(struct cc_redis_subscriber *self)
{
    size_t at = 0;
    void *value;
    while (cc_hash_map_next(self->channels, &at, &value)) {
        struct subscription *subscription = value;
        cc_free(subscription->channel);
        cc_free(subscription);
    }
    cc_gauge_add(self->channel_count, -(int64_t)cc_hash_map_count(self->channels));
    cc_hash_map_destroy(self->channels);
    cc_redis_address_finish(&self->address);
    pthread_mutex_destroy(&self->lock);
    if (self->wake_fd >= 0)
        close(self->wake_fd);
    cc_free(self);
}

enum cc_code cc_redis_subscriber_create(const char *url,
                                        const struct cc_redis_subscriber_events *events, void *arg,
                                        struct cc_redis_subscriber **out, struct cc_error *err)
{
    struct cc_redis_address address;
    CC_TRY(cc_redis_address_parse(url, &address, err));
    struct cc_redis_subscriber *self = cc_calloc(1, sizeof *self);
    self->address = address;
    self->events = *events;
    self->arg = arg;
    self->channels = cc_hash_map_create();
    self->channel_count =
        cc_gauge_get("redis_subscriber_channels", "Channels that are subscribed.", NULL);
    self->reconnects = cc_counter_get("redis_subscriber_reconnects_total",
                                      "Times everything was subscribed anew.", NULL);
    pthread_mutex_init(&self->lock, NULL);
    self->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (self->wake_fd < 0 || pthread_create(&self->thread, NULL, run, self) != 0) {
        free_subscriber(self);
        return cc_fail_detail(err, CC_INTERNAL, "redis subscriber: can't start its thread");
    }
    *out = self;
    return CC_OK;
}

void cc_redis_subscriber_destroy(struct cc_redis_subscriber *self)
{
    if (self == NULL)
        return;
    pthread_mutex_lock(&self->lock);
    self->stopping = true;
    pthread_mutex_unlock(&self->lock);
    wake(self);
    pthread_join(self->thread, NULL);
    free_subscriber(self);
}
