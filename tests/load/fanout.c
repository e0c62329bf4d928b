/* Fan-out: one chat, thousands of its members' sockets, one sender at a fixed rate. Open loop: each
 * delivery's time counts from when the message was due. One thread. */

#include <stdio.h>
#include <string.h>

#include "bodies.h"
#include "common/id.h"
#include "crowd.h"
#include "frames.h"
#include "histogram.h"

enum { FRAME_BYTES = 2048 };

struct fanout {
    struct crowd crowd;
    struct bodies bodies;
    const char *chat_id;
    uint32_t nonce;
    int64_t start_us, step_us;
    size_t sent, first_measured, total;
    size_t delivered, duplicated, refused;
    struct histogram delivery, lateness;
};

static int64_t due_of(const struct fanout *run, size_t index)
{
    return run->start_us + (int64_t)index * run->step_us;
}

static void on_message(struct fanout *run, struct crowd_seat *seat, const char *text, size_t length)
{
    int64_t index = frame_message_index(text, length, run->nonce);
    if (index < 0)
        return;
    int64_t seq = frame_int(text, length, "seq");
    if (seq <= seat->last_seq) {
        run->duplicated++;
        return;
    }
    seat->last_seq = seq;
    run->delivered++;
    if ((size_t)index >= run->first_measured)
        histogram_record(&run->delivery, monotonic_us() - due_of(run, (size_t)index));
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
    char frame[FRAME_BYTES];
    size_t length = frame_write_send(frame, sizeof frame, run->chat_id, run->nonce, index,
                                     run->bodies.texts[index % run->bodies.count]);

    if (index == run->first_measured) {
        puts("MEASURE BEGIN");
        fflush(stdout);
    }
    if (index >= run->first_measured)
        histogram_record(&run->lateness, monotonic_us() - due_of(run, index));
    if (length > 0)
        socket_client_send(&run->crowd.seats[0].socket, frame, length);
}

static size_t expected(const struct fanout *run)
{
    return run->total * (run->crowd.wanted - 1);
}

static void talk(struct fanout *run)
{
    const struct load_options *options = run->crowd.options;

    run->start_us = monotonic_us() + 100000;
    int64_t end_us = due_of(run, run->total) + options->grace_s * 1000000;
    while (run->delivered < expected(run) && run->crowd.closed == 0 && monotonic_us() < end_us) {
        while (run->sent < run->total && monotonic_us() >= due_of(run, run->sent))
            say(run);
        crowd_poll(&run->crowd, 1);
    }
    puts("MEASURE END");
}

static void print_report(const struct fanout *run)
{
    putchar('{');
    histogram_print("delivery", &run->delivery);
    putchar(',');
    histogram_print("generator_lateness", &run->lateness);
    printf(",\"sockets\":%zu,\"sent\":%zu,\"expected\":%zu,\"delivered\":%zu,"
           "\"duplicated\":%zu,\"refused\":%zu,\"closed\":%zu}\n",
           run->crowd.wanted, run->sent, expected(run), run->delivered, run->duplicated,
           run->refused, run->crowd.closed);
    fflush(stdout);
}

int run_fanout(const struct load_options *options, const struct people *people)
{
    static struct fanout run; /* histograms are too large for the stack */

    run = (struct fanout){
        .chat_id = people->chats[0].chat_id,
        .nonce = (uint32_t)cc_random_below(cc_random_system(), UINT32_MAX),
        .step_us = 1000000 / options->rate_per_s,
        .first_measured = (size_t)(options->warmup_s * options->rate_per_s),
        .total = (size_t)((options->warmup_s + options->seconds) * options->rate_per_s),
    };
    if (!bodies_load(&run.bodies, options->bodies_path))
        return 1;
    bool good = crowd_create(&run.crowd, options, people, (size_t)options->sockets);
    run.crowd.on_frame = on_frame;
    run.crowd.arg = &run;
    good = good && crowd_open(&run.crowd, options->connects_per_s);
    if (good) {
        talk(&run);
        print_report(&run);
    }
    crowd_destroy(&run.crowd);
    bodies_finish(&run.bodies);
    return good && run.delivered == expected(&run) && run.duplicated == 0 ? 0 : 1;
}
