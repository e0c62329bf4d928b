/* Idle sockets: opens them at a bounded rate, logs each in, holds them for a while, so that the
 * gateway's memory can be read from outside between "MEASURE BEGIN" and "MEASURE END". One thread.
 */

#include <stdio.h>

#include "crowd.h"

int run_idle(const struct load_options *options, const struct people *people)
{
    struct crowd crowd;
    bool good = crowd_create(&crowd, options, people, (size_t)options->sockets) &&
                crowd_open(&crowd, options->connects_per_s);

    puts("MEASURE BEGIN");
    fflush(stdout);
    for (int64_t end = monotonic_us() + options->seconds * 1000000; good && monotonic_us() < end;)
        crowd_poll(&crowd, 100);
    puts("MEASURE END");
    printf("{\"sockets\":%zu,\"ready\":%zu,\"retried\":%zu,\"closed\":%zu}\n", crowd.opened,
           crowd.ready, crowd.retried, crowd.closed);
    fflush(stdout);
    crowd_destroy(&crowd);
    return good && crowd.closed == 0 ? 0 : 1;
}
