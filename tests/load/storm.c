/* A reconnect storm: thousands of sockets are held for a while, cut at once, and all come back at
 * once, each resuming every chat of its person from the beginning. Measured per socket: from the
 * cut to `sync_done`; one that never gets there counts as if it had when the run ended. One thread.
 */

#include <stdio.h>
#include <string.h>

#include "common/strbuf.h"
#include "crowd.h"
#include "frames.h"
#include "histogram.h"

enum { AT_ONCE_PER_S = 1000000, SETTLE_SECONDS = 60, AUTH_BYTES = 65536 };

struct storm {
    struct crowd crowd;
    int64_t cut_us, end_us; /* monotonic */
    size_t settled, reloads, changes;
    struct histogram caught_up;
};

static bool takes_part(const struct load_chat *chat, size_t person)
{
    for (size_t i = 0; i < chat->member_count; i++)
        if (chat->members[i] == person)
            return true;
    return false;
}

/* The sign-in of one who has seen nothing yet of any of its chats. */
static void on_hello(struct crowd *crowd, struct crowd_seat *seat)
{
    size_t person = (size_t)(seat->person - crowd->people->people);
    const char *comma = "";
    struct cc_strbuf frame;

    cc_strbuf_init(&frame, AUTH_BYTES);
    cc_strbuf_printf(&frame, "{\"id\":0,\"t\":\"auth\",\"token\":\"%s\",\"resume\":{\"cursors\":{",
                     seat->person->token);
    for (size_t i = 0; i < crowd->people->chat_count; i++) {
        const struct load_chat *chat = &crowd->people->chats[i];
        if (!takes_part(chat, person))
            continue;
        cc_strbuf_printf(&frame, "%s\"%s\":0", comma, chat->chat_id);
        comma = ",";
    }
    cc_strbuf_append_text(&frame, "}}}");
    socket_client_send(&seat->socket, cc_strbuf_text(&frame), frame.length);
    cc_strbuf_finish(&frame);
}

static void on_frame(struct crowd *crowd, struct crowd_seat *seat, const char *text, size_t length)
{
    struct storm *run = crowd->arg;

    if (!frame_is(text, length, "sync_done")) {
        run->changes++;
        return;
    }
    if (seat->settled)
        return;
    seat->settled = true;
    run->settled++;
    run->reloads += memmem(text, length, "\"reload\":[]", 11) == NULL;
    histogram_record(&run->caught_up, monotonic_us() - run->cut_us);
}

static void hold(struct storm *run)
{
    int64_t end_us = monotonic_us() + run->crowd.options->seconds * 1000000;

    puts("HOLDING");
    fflush(stdout);
    while (monotonic_us() < end_us)
        crowd_poll(&run->crowd, 100);
}

static bool come_back(struct storm *run)
{
    struct crowd *crowd = &run->crowd;

    puts("MEASURE BEGIN");
    fflush(stdout);
    crowd->on_hello = on_hello;
    crowd->on_frame = on_frame;
    run->cut_us = monotonic_us();
    crowd_cut(crowd);
    bool back = crowd_open(crowd, AT_ONCE_PER_S);
    int64_t end_us = monotonic_us() + SETTLE_SECONDS * 1000000LL;
    while (back && run->settled < crowd->wanted && crowd->closed == 0 && monotonic_us() < end_us)
        crowd_poll(crowd, 10);
    puts("MEASURE END");
    fflush(stdout);
    run->end_us = monotonic_us();
    for (size_t i = run->settled; i < crowd->wanted; i++)
        histogram_record(&run->caught_up, run->end_us - run->cut_us);
    return run->settled == crowd->wanted;
}

static void print_report(const struct storm *run)
{
    putchar('{');
    histogram_print("caught_up", &run->caught_up);
    printf(",\"sockets\":%zu,\"settled\":%zu,\"retried\":%zu,\"reloads\":%zu,\"changes\":%zu,"
           "\"closed\":%zu,\"cut_us\":%lld,\"end_us\":%lld}\n",
           run->crowd.wanted, run->settled, run->crowd.retried, run->reloads, run->changes,
           run->crowd.closed, (long long)run->cut_us, (long long)run->end_us);
    fflush(stdout);
}

int run_storm(const struct load_options *options, const struct people *people)
{
    static struct storm run; /* the histogram is too large for the stack */

    run = (struct storm){0};
    bool good = crowd_create(&run.crowd, options, people, (size_t)options->sockets);
    run.crowd.arg = &run;
    good = good && crowd_open(&run.crowd, options->connects_per_s);
    if (good) {
        hold(&run);
        good = come_back(&run);
    }
    print_report(&run);
    crowd_destroy(&run.crowd);
    return good ? 0 : 1;
}
