/* The deadline of the request that a thread works for. Thread-local; no I/O, no allocation. */

#include "common/deadline.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local const struct cc_clock *current_clock; /* NULL = no request */
static _Thread_local int64_t current_at_ms;

bool cc_deadline_parse(const char *text, int64_t *out_ms)
{
    size_t digits = text != NULL ? strspn(text, "0123456789") : 0;
    int64_t value;

    if (digits == 0 || digits > 6 || text[digits] != '\0')
        return false;
    value = strtoll(text, NULL, 10);
    if (value < 1 || value > CC_DEADLINE_MAX_MS)
        return false;
    *out_ms = value;
    return true;
}

void cc_deadline_enter(const struct cc_clock *clock, int64_t at_mono_ms)
{
    current_clock = clock;
    current_at_ms = at_mono_ms;
}

void cc_deadline_leave(void)
{
    current_clock = NULL;
}

int cc_deadline_cap_ms(int timeout_ms)
{
    int64_t left_ms;

    if (current_clock == NULL)
        return timeout_ms;
    left_ms = current_at_ms - cc_mono_ms(current_clock);
    if (left_ms <= 0)
        return 0;
    return left_ms < timeout_ms ? (int)left_ms : timeout_ms;
}
