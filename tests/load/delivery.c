/*
 * Open-loop delivery: message i is due at start + i / rate, and its latency counts from then,
 * however late it was sent. It measures due time -> frame at the recipient on the other gateway,
 * and due time -> accepted apart from it. What never came counts as if it had come when the run
 * ended: a message that is lost must not make the others look better. One thread.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "bodies.h"
#include "common/alloc.h"
#include "common/id.h"
#include "frames.h"
#include "histogram.h"
#include "load.h"
#include "pace.h"
#include "socket_client.h"

enum { EVENTS_MAX = 256, LOGIN_SECONDS = 60, MEMBERS_MAX = 64 };

struct message {
    int64_t due_us, sent_us;
    bool accepted, persisted;
    uint64_t delivered_to; /* a bit for each member's place in the chat */
};

struct seat { /* one person's socket */
    struct socket_client socket;
    const struct person *person;
    bool ready;
    /* Of the one chat that a person talks in here: */
    size_t place; /* among the members */
    int64_t last_seq;
};

struct run {
    const struct load_options *options;
    const struct people *people;
    struct bodies bodies;
    int epoll_fd, timer_fd;
    struct seat *seats;
    size_t opened_count, ready_count;
    struct message *messages;
    size_t total, first_measured, next;
    size_t expected; /* deliveries: everybody in the chat but the sender */
    uint32_t nonce;
    struct pace pace;
    int64_t last_delivery_us;
    size_t refused, rejected, duplicated, out_of_order, accepted, persisted, delivered, closed;
    size_t measured_persisted, lost;
    struct histogram delivery, accept, lateness;
    FILE *samples; /* every measured delivery; NULL = nobody wants them */
};

/* ---- incoming ---- */

static struct message *message_at(struct run *run, int64_t index)
{
    return index >= 0 && (size_t)index < run->next ? &run->messages[index] : NULL;
}

static bool is_measured(const struct run *run, const struct message *message)
{
    return (size_t)(message - run->messages) >= run->first_measured;
}

static void on_reply(struct run *run, const char *text, size_t length)
{
    struct message *message = message_at(run, frame_int(text, length, "re") - 1);
    if (message == NULL)
        return;
    if (memmem(text, length, "\"ok\":true", 9) == NULL) {
        if (run->refused++ == 0)
            fprintf(stderr, "chat-load: first refusal: %.*s\n", (int)length, text);
        return;
    }
    message->accepted = true;
    run->accepted++;
    if (is_measured(run, message))
        histogram_record(&run->accept, monotonic_us() - message->due_us);
}

static void on_outcome(struct run *run, const char *text, size_t length)
{
    const char *id = frame_text(text, length, "client_msg_id");
    struct message *message = id != NULL ? message_at(run, strtoll(id + 24, NULL, 16)) : NULL;
    if (message == NULL)
        return;
    if (frame_is(text, length, "rejected")) {
        if (run->rejected++ == 0)
            fprintf(stderr, "chat-load: first rejection: %.*s\n", (int)length, text);
    } else if (!message->persisted) {
        message->persisted = true;
        run->persisted++;
        run->measured_persisted += is_measured(run, message);
    }
}

static void record_delivery(struct run *run, const struct message *message, int64_t at_us)
{
    if (!is_measured(run, message))
        return;
    histogram_record(&run->delivery, at_us - message->due_us);
    if (run->samples != NULL)
        fprintf(run->samples, "%lld %lld %lld\n", (long long)message->due_us,
                (long long)message->sent_us, (long long)at_us);
}

static void on_message(struct run *run, struct seat *seat, const char *text, size_t length)
{
    struct message *message = message_at(run, frame_message_index(text, length, run->nonce));
    if (message == NULL)
        return;
    int64_t now = monotonic_us(), seq = frame_int(text, length, "seq");
    uint64_t place = 1ULL << seat->place;
    if ((message->delivered_to & place) != 0) {
        run->duplicated++;
        return;
    }
    message->delivered_to |= place;
    if (seq <= seat->last_seq)
        run->out_of_order++;
    seat->last_seq = seq;
    run->delivered++;
    run->last_delivery_us = now;
    record_delivery(run, message, now);
}

static void on_text(struct socket_client *client, char *text, size_t length, void *arg)
{
    struct run *run = arg;
    struct seat *seat = client->owner;
    if (!seat->ready) {
        if (login_on_frame(client, seat->person, seat->person->device_id, text, length)) {
            seat->ready = true;
            run->ready_count++;
        }
    } else if (frame_is(text, length, "message")) {
        on_message(run, seat, text, length);
    } else if (frame_is(text, length, "persisted") || frame_is(text, length, "rejected")) {
        on_outcome(run, text, length);
    } else {
        on_reply(run, text, length);
    }
}

/* ---- outgoing ---- */

static const struct load_chat *chat_of(const struct run *run, size_t index)
{
    return &run->people->chats[index % run->people->chat_count];
}

static void send_message(struct run *run, size_t index)
{
    const struct load_chat *chat = chat_of(run, index);
    size_t turn = index / run->people->chat_count % chat->member_count;
    struct seat *seat = &run->seats[chat->members[turn]];
    char frame[4096];
    size_t length = frame_write_send(frame, sizeof frame, chat->chat_id, run->nonce, index,
                                     run->bodies.texts[index % run->bodies.count]);
    if (length > 0)
        socket_client_send(&seat->socket, frame, length);
    run->expected += chat->member_count - 1;
}

static void arm_timer(const struct run *run)
{
    int64_t due = pace_due_us(&run->pace, run->next);
    struct itimerspec when = {
        .it_value = {.tv_sec = due / 1000000, .tv_nsec = due % 1000000 * 1000 + 1}};
    timerfd_settime(run->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

/* Each is late by its own: those before it in the same turn took their time. */
static void send_what_is_due(struct run *run)
{
    while (run->next < run->total) {
        int64_t due = pace_due_us(&run->pace, run->next), now = monotonic_us();
        if (due > now)
            break;
        size_t index = run->next++;
        run->messages[index].due_us = due;
        run->messages[index].sent_us = now;
        if (index == run->first_measured) {
            puts("MEASURE BEGIN");
            fflush(stdout);
        }
        if (index >= run->first_measured)
            histogram_record(&run->lateness, now - due);
        send_message(run, index);
    }
    if (run->next < run->total)
        arm_timer(run);
}

/* ---- the loop ---- */

static void handle_event(struct run *run, const struct epoll_event *event)
{
    uint64_t expirations;
    if (event->data.ptr == NULL) {
        if (read(run->timer_fd, &expirations, sizeof expirations) > 0)
            send_what_is_due(run);
        return;
    }
    struct socket_client *client = event->data.ptr;
    socket_client_on_event(client, event->events, on_text, run);
    if (client->state == SOCKET_CLOSED && run->closed++ == 0)
        fprintf(stderr, "chat-load: a socket was closed, code %d\n", client->close_code);
}

/* Until done(run) or the deadline; false at the deadline. */
static bool loop_until(struct run *run, bool (*done)(const struct run *run), int64_t deadline_us)
{
    while (!done(run) && run->closed == 0) {
        struct epoll_event events[EVENTS_MAX];
        if (monotonic_us() > deadline_us)
            return false;
        int count = epoll_wait(run->epoll_fd, events, EVENTS_MAX, 100);
        for (int i = 0; i < count; i++)
            handle_event(run, &events[i]);
    }
    return run->closed == 0;
}

static bool the_last_one_is_ready(const struct run *run)
{
    return run->ready_count == run->opened_count;
}

static bool everything_is_sent(const struct run *run)
{
    return run->next == run->total;
}

static bool everything_is_settled(const struct run *run)
{
    return run->delivered >= run->expected && run->persisted >= run->total &&
           run->accepted >= run->total;
}

/* One after another: a crowd at the door is not what is measured here. */
static bool open_sockets(struct run *run)
{
    int64_t deadline_us = monotonic_us() + LOGIN_SECONDS * 1000000LL;
    struct epoll_event timer = {.events = EPOLLIN, .data.ptr = NULL};
    run->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    run->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, run->timer_fd, &timer) != 0)
        return false;
    for (size_t i = 0; i < run->people->person_count; i++) {
        struct seat *seat = &run->seats[i];
        seat->person = &run->people->people[i];
        const struct sockaddr_in *gateway =
            &run->options->gateways[i % run->options->gateway_count];
        if (!socket_client_open(&seat->socket, run->epoll_fd, gateway, seat))
            return false;
        run->opened_count++;
        if (!loop_until(run, the_last_one_is_ready, deadline_us))
            return false;
    }
    return true;
}

/* Everything that was sent and has not come. */
static void count_what_is_lost(struct run *run)
{
    int64_t now = monotonic_us();

    for (size_t i = 0; i < run->next; i++) {
        size_t came = (size_t)__builtin_popcountll(run->messages[i].delivered_to);
        for (; came < chat_of(run, i)->member_count - 1; came++) {
            run->lost++;
            record_delivery(run, &run->messages[i], now);
        }
    }
}

static void print_report(const struct run *run, int64_t last_due_us)
{
    putchar('{');
    histogram_print("delivery", &run->delivery);
    putchar(',');
    histogram_print("accepted_after", &run->accept);
    putchar(',');
    histogram_print("generator_lateness", &run->lateness);
    printf(",\"rate_per_s\":%lld,\"seconds\":%lld,\"planned\":%zu,\"sent\":%zu,"
           "\"accepted\":%zu,\"persisted\":%zu,\"measured_persisted\":%zu,\"expected\":%zu,"
           "\"delivered\":%zu,\"lost\":%zu,\"refused\":%zu,"
           "\"rejected\":%zu,\"duplicated\":%zu,\"out_of_order\":%zu,\"closed\":%zu,"
           "\"lag_after_ms\":%.1f}\n",
           (long long)run->options->rate_per_s, (long long)run->options->seconds, run->total,
           run->next, run->accepted, run->persisted, run->measured_persisted, run->expected,
           run->delivered, run->lost, run->refused, run->rejected, run->duplicated,
           run->out_of_order, run->closed, (double)(run->last_delivery_us - last_due_us) / 1000);
}

static int measure(struct run *run)
{
    const struct load_options *options = run->options;
    run->pace =
        (struct pace){.start_us = monotonic_us() + 100000, .rate_per_s = options->rate_per_s};
    arm_timer(run);
    int64_t sending_us = (options->warmup_s + options->seconds + 5) * 1000000;
    bool sent = loop_until(run, everything_is_sent, run->pace.start_us + sending_us);
    int64_t last_due_us = run->messages[run->next - (run->next > 0)].due_us;
    bool settled =
        sent && loop_until(run, everything_is_settled, monotonic_us() + options->grace_s * 1000000);
    puts("MEASURE END");
    fflush(stdout);
    count_what_is_lost(run);
    print_report(run, last_due_us);
    return settled && run->duplicated == 0 && run->out_of_order == 0 && run->rejected == 0 ? 0 : 1;
}

static void close_everything(struct run *run)
{
    for (size_t i = 0; i < run->people->person_count; i++)
        if (run->seats[i].person != NULL)
            socket_client_close(&run->seats[i].socket);
    close(run->epoll_fd);
    close(run->timer_fd);
    bodies_finish(&run->bodies);
    if (run->samples != NULL)
        fclose(run->samples);
    cc_free(run->seats);
    cc_free(run->messages);
}

/* False when a chat is too large for a message's bits. */
static bool seat_everybody(struct run *run)
{
    run->seats = cc_calloc(run->people->person_count, sizeof(struct seat));
    for (size_t i = 0; i < run->people->chat_count; i++) {
        const struct load_chat *chat = &run->people->chats[i];
        if (chat->member_count > MEMBERS_MAX)
            return false;
        for (size_t place = 0; place < chat->member_count; place++)
            run->seats[chat->members[place]].place = place;
    }
    return true;
}

int run_delivery(const struct load_options *options, const struct people *people)
{
    static struct run
        run; /* histograms are too large for the stack; there is one run per process */
    run = (struct run){.options = options, .people = people};
    run.total = (size_t)((options->warmup_s + options->seconds) * options->rate_per_s);
    run.first_measured = (size_t)(options->warmup_s * options->rate_per_s);
    run.nonce = (uint32_t)cc_random_below(cc_random_system(), UINT32_MAX);
    if (!bodies_load(&run.bodies, options->bodies_path))
        return 1;
    run.messages = cc_calloc(run.total + 1, sizeof(struct message));
    if (options->samples_path != NULL)
        run.samples = fopen(options->samples_path, "w");
    int code = 1;
    if (seat_everybody(&run) && open_sockets(&run))
        code = measure(&run);
    else
        fprintf(stderr, "chat-load: %zu of %zu people are ready, giving up\n", run.ready_count,
                people->person_count);
    close_everything(&run);
    return code;
}
