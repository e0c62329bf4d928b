/* Fan-out: one chat, thousands of its members' sockets, one sender at a fixed rate. Open loop: each
 * delivery's time counts from when the message was due; one that never came counts as if it had
 * come when the run ended. Some of the sockets may stop reading: nothing is expected of those. One
 * thread. */

#include <stdio.h>
#include <string.h>

#include "bodies.h"
#include "common/alloc.h"
#include "common/id.h"
#include "crowd.h"
#include "frames.h"
#include "histogram.h"
#include "pace.h"

enum { BODY_BYTES = 16384, FRAME_BYTES = BODY_BYTES + 512 };

struct fanout {
    struct crowd crowd;
    struct bodies bodies;
    const char *chat_id;
    uint32_t nonce;
    struct pace pace;
    size_t sent, first_measured, total, deaf;
    uint32_t *came; /* owned; deliveries of each message */
    size_t delivered, duplicated, refused, lost, bytes;
    struct histogram delivery, lateness;
};

static int64_t due_of(const struct fanout *run, size_t index)
{
    return pace_due_us(&run->pace, index);
}

static void record(struct fanout *run, size_t index, int64_t at_us)
{
    if (index >= run->first_measured)
        histogram_record(&run->delivery, at_us - due_of(run, index));
}

static void on_message(struct fanout *run, struct crowd_seat *seat, const char *text, size_t length)
{
    int64_t index = frame_message_index(text, length, run->nonce);
    if (index < 0 || (size_t)index >= run->sent)
        return;
    int64_t seq = frame_int(text, length, "seq");
    if (seq <= seat->last_seq) {
        run->duplicated++;
        return;
    }
    seat->last_seq = seq;
    run->delivered++;
    run->bytes += length;
    run->came[index]++;
    record(run, (size_t)index, monotonic_us());
}

static void on_frame(struct crowd *crowd, struct crowd_seat *seat, const char *text, size_t length)
{
    struct fanout *run = crowd->arg;

    if (frame_is(text, length, "message"))
        on_message(run, seat, text, length);
    else if (memmem(text, length, "\"ok\":false", 10) != NULL && run->refused++ == 0)
        fprintf(stderr, "chat-load: first refusal: %.*s\n", (int)length, text);
}

static void say(struct fanout *run)
{
    size_t index = run->sent++;
    char frame[FRAME_BYTES], body[BODY_BYTES];
    bodies_write(&run->bodies, index, (size_t)run->crowd.options->body_bytes, body, sizeof body);
    size_t length = frame_write_send(frame, sizeof frame, run->chat_id, run->nonce, index, body);

    if (index == run->first_measured) {
        puts("MEASURE BEGIN");
        fflush(stdout);
    }
    if (index >= run->first_measured)
        histogram_record(&run->lateness, monotonic_us() - due_of(run, index));
    if (length > 0)
        socket_client_send(&run->crowd.seats[0].socket, frame, length);
}

static size_t readers(const struct fanout *run)
{
    return run->crowd.wanted - 1 - run->deaf; /* the sender gets no message of its own */
}

static size_t expected(const struct fanout *run)
{
    return run->total * readers(run);
}

static void count_what_is_lost(struct fanout *run)
{
    int64_t now = monotonic_us();

    for (size_t i = 0; i < run->sent; i++)
        for (size_t came = run->came[i]; came < readers(run); came++) {
            run->lost++;
            record(run, i, now);
        }
}

/* epoll counts in milliseconds: for the last of them before a message is due nobody sleeps. */
static int pause_ms(const struct fanout *run)
{
    bool is_near = run->sent < run->total && due_of(run, run->sent) - monotonic_us() < 1000;
    return is_near ? 0 : 1;
}

static void talk(struct fanout *run)
{
    const struct load_options *options = run->crowd.options;

    crowd_deafen(&run->crowd, run->deaf);
    run->pace =
        (struct pace){.start_us = monotonic_us() + 100000, .rate_per_s = options->rate_per_s};
    int64_t end_us = due_of(run, run->total) + options->grace_s * 1000000;
    while (run->delivered < expected(run) && run->crowd.closed == 0 && monotonic_us() < end_us) {
        while (run->sent < run->total && monotonic_us() >= due_of(run, run->sent))
            say(run);
        crowd_poll(&run->crowd, pause_ms(run));
    }
    puts("MEASURE END");
    fflush(stdout);
    count_what_is_lost(run);
}

static void print_report(const struct fanout *run)
{
    putchar('{');
    histogram_print("delivery", &run->delivery);
    putchar(',');
    histogram_print("generator_lateness", &run->lateness);
    printf(",\"sockets\":%zu,\"planned\":%zu,\"sent\":%zu,\"expected\":%zu,\"delivered\":%zu,"
           "\"lost\":%zu,\"duplicated\":%zu,\"refused\":%zu,\"closed\":%zu,"
           "\"frame_bytes\":%zu}\n",
           run->crowd.wanted, run->total, run->sent, expected(run), run->delivered, run->lost,
           run->duplicated, run->refused, run->crowd.closed,
           run->bytes / (run->delivered > 0 ? run->delivered : 1));
    fflush(stdout);
}

int run_fanout(const struct load_options *options, const struct people *people)
{
    static struct fanout run; /* histograms are too large for the stack */

    run = (struct fanout){
        .chat_id = people->chats[0].chat_id,
        .nonce = (uint32_t)cc_random_below(cc_random_system(), UINT32_MAX),
        .first_measured = (size_t)(options->warmup_s * options->rate_per_s),
        .total = (size_t)((options->warmup_s + options->seconds) * options->rate_per_s),
        .deaf = (size_t)options->deaf,
    };
    if (run.deaf + 1 >= (size_t)options->sockets) {
        fputs("chat-load: who is left to read?\n", stderr);
        return 64;
    }
    if (!bodies_load(&run.bodies, options->bodies_path))
        return 1;
    bool good = crowd_create(&run.crowd, options, people, (size_t)options->sockets);
    run.came = cc_calloc(run.total + 1, sizeof *run.came);
    run.crowd.on_frame = on_frame;
    run.crowd.arg = &run;
    good = good && crowd_open(&run.crowd, options->connects_per_s);
    if (good) {
        talk(&run);
        print_report(&run);
    }
    crowd_destroy(&run.crowd);
    bodies_finish(&run.bodies);
    cc_free(run.came);
    return good && run.delivered == expected(&run) && run.duplicated == 0 ? 0 : 1;
}
