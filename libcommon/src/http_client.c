/*
 * Asynchronous HTTP/1.1 client. cc_http_send prepares a transfer on the caller's thread and queues
 * it; one thread drives the curl_multi handle and runs every callback. Transfers are re-used.
 */
#include "common/http_client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/alloc.h"
#include "common/clock.h"

#include "http_transfer.h"

#define CONNECTIONS_KEPT 256L
#define TRANSFERS_KEPT   64
#define POLL_MAX_MS      1000

struct cc_http_client {
    CURLM *multi;
    pthread_t thread;
    pthread_mutex_t lock; /* queue, free list, stopping */
    struct http_transfer *queue_first, *queue_last;
    struct http_transfer *free_list;
    int free_count;
    bool stopping;
    struct cc_http_companion companion;     /* fd NULL = none */
    struct http_transfer *active, *delayed; /* the client's thread only */
};

/* ---- transfers that are used again ---- */

static struct http_transfer *take_transfer(struct cc_http_client *client)
{
    struct http_transfer *transfer;

    pthread_mutex_lock(&client->lock);
    transfer = client->free_list;
    if (transfer != NULL) {
        client->free_list = transfer->next;
        client->free_count--;
    }
    pthread_mutex_unlock(&client->lock);
    return transfer != NULL ? transfer : http_transfer_create();
}

static void give_back(struct cc_http_client *client, struct http_transfer *transfer)
{
    bool keep;

    http_transfer_reset(transfer);
    pthread_mutex_lock(&client->lock);
    keep = client->free_count < TRANSFERS_KEPT;
    if (keep) {
        transfer->next = client->free_list;
        client->free_list = transfer;
        client->free_count++;
    }
    pthread_mutex_unlock(&client->lock);
    if (!keep)
        http_transfer_destroy(transfer);
}

/* ---- the thread ---- */

static void start_transfer(struct cc_http_client *client, struct http_transfer *transfer)
{
    transfer->previous = NULL;
    transfer->next = client->active;
    if (transfer->next != NULL)
        transfer->next->previous = transfer;
    client->active = transfer;
    curl_multi_add_handle(client->multi, transfer->easy);
}

static void start_queued(struct cc_http_client *client)
{
    struct http_transfer *transfer;

    pthread_mutex_lock(&client->lock);
    transfer = client->queue_first;
    client->queue_first = client->queue_last = NULL;
    pthread_mutex_unlock(&client->lock);
    while (transfer != NULL) {
        struct http_transfer *next = transfer->next;

        if (transfer->starts_at_ms > 0) {
            transfer->next = client->delayed;
            client->delayed = transfer;
        } else {
            start_transfer(client, transfer);
        }
        transfer = next;
    }
}

/* Starts what is due; returns how long the thread may sleep, in ms. Few wait at a time: retries. */
static int start_due(struct cc_http_client *client, bool all)
{
    struct http_transfer **link = &client->delayed;
    int64_t now_ms = client->delayed != NULL ? cc_mono_ms(cc_clock_system()) : 0;
    int sleep_ms = POLL_MAX_MS;

    while (*link != NULL) {
        struct http_transfer *transfer = *link;
        int64_t left_ms = transfer->starts_at_ms - now_ms;

        if (all || left_ms <= 0) {
            *link = transfer->next;
            start_transfer(client, transfer);
            continue;
        }
        sleep_ms = left_ms < sleep_ms ? (int)left_ms : sleep_ms;
        link = &transfer->next;
    }
    return sleep_ms;
}

static void detach(struct cc_http_client *client, struct http_transfer *transfer)
{
    curl_multi_remove_handle(client->multi, transfer->easy);
    if (transfer->previous != NULL)
        transfer->previous->next = transfer->next;
    else
        client->active = transfer->next;
    if (transfer->next != NULL)
        transfer->next->previous = transfer->previous;
}

static void end_transfer(struct cc_http_client *client, struct http_transfer *transfer,
                         CURLcode result)
{
    detach(client, transfer);
    http_transfer_end(transfer, result);
    give_back(client, transfer);
}

static void collect_finished(struct cc_http_client *client)
{
    struct CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        char *transfer = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        end_transfer(client, (struct http_transfer *)(void *)transfer, message->data.result);
    }
}

/* A callback may send again: until nothing comes any more. */
static void cancel_all(struct cc_http_client *client)
{
    for (;;) {
        struct http_transfer *transfer;

        start_queued(client);
        start_due(client, true);
        transfer = client->active;
        if (transfer == NULL)
            return;
        detach(client, transfer);
        http_transfer_cancel(transfer);
        give_back(client, transfer);
    }
}

/* False when the client is stopping. */
static bool goes_on(struct cc_http_client *client, struct cc_http_companion *out_companion)
{
    bool stopping;

    pthread_mutex_lock(&client->lock);
    stopping = client->stopping;
    *out_companion = client->companion;
    pthread_mutex_unlock(&client->lock);
    return !stopping;
}

static void wait_for_something(struct cc_http_client *client,
                               const struct cc_http_companion *companion, int wait_ms)
{
    struct curl_waitfd watched = {.fd = -1, .events = CURL_WAIT_POLLIN};

    if (companion->fd != NULL) {
        watched.fd = companion->fd(companion->arg);
        wait_ms = wait_ms < companion->period_ms ? wait_ms : companion->period_ms;
    }
    curl_multi_poll(client->multi, &watched, watched.fd >= 0 ? 1 : 0, wait_ms, NULL);
}

static void *run(void *arg)
{
    struct cc_http_client *client = arg;
    struct cc_http_companion companion;
    int running;

    pthread_setname_np(pthread_self(), "http-client");
    while (goes_on(client, &companion)) {
        int sleep_ms;

        if (companion.turn != NULL)
            companion.turn(companion.arg);
        start_queued(client);
        sleep_ms = start_due(client, false);
        curl_multi_perform(client->multi, &running);
        collect_finished(client);
        wait_for_something(client, &companion, sleep_ms);
    }
    cancel_all(client);
    return NULL;
}

/* ---- public ---- */

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct cc_http_client *cc_http_client_create(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct cc_http_client *client = cc_calloc(1, sizeof(*client));

    pthread_once(&once, init_curl);
    pthread_mutex_init(&client->lock, NULL);
    client->multi = curl_multi_init();
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
    if (pthread_create(&client->thread, NULL, run, client) != 0)
        abort(); /* at start-up, with nothing to fall back to */
    return client;
}

void cc_http_client_accompany(struct cc_http_client *client,
                              const struct cc_http_companion *companion)
{
    pthread_mutex_lock(&client->lock);
    client->companion = *companion;
    pthread_mutex_unlock(&client->lock);
    curl_multi_wakeup(client->multi);
}

void cc_http_client_wake(struct cc_http_client *client)
{
    curl_multi_wakeup(client->multi);
}

void cc_http_client_destroy(struct cc_http_client *client)
{
    if (client == NULL)
        return;
    pthread_mutex_lock(&client->lock);
    client->stopping = true;
    pthread_mutex_unlock(&client->lock);
    curl_multi_wakeup(client->multi);
    pthread_join(client->thread, NULL);
    while (client->free_list != NULL) {
        struct http_transfer *next = client->free_list->next;

        http_transfer_destroy(client->free_list);
        client->free_list = next;
    }
    curl_multi_cleanup(client->multi);
    pthread_mutex_destroy(&client->lock);
    cc_free(client);
}

void cc_http_send(struct cc_http_client *client, const struct cc_http_call *call, cc_http_done done,
                  void *arg)
{
    struct http_transfer *transfer = take_transfer(client);

    http_transfer_prepare(transfer, call, done, arg);
    transfer->next = NULL;
    pthread_mutex_lock(&client->lock);
    if (client->queue_last != NULL)
        client->queue_last->next = transfer;
    else
        client->queue_first = transfer;
    client->queue_last = transfer;
    pthread_mutex_unlock(&client->lock);
    curl_multi_wakeup(client->multi);
}
