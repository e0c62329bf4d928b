/* See pace.h. */

#include "pace.h"

int64_t pace_due_us(const struct pace *pace, size_t index)
{
    return pace->start_us + (int64_t)index * 1000000 / pace->rate_per_s;
}
