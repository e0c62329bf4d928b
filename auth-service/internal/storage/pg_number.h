#ifndef STORAGE_PG_NUMBER_H
#define STORAGE_PG_NUMBER_H

/* Numbers as text parameters of PostgreSQL statements: struct pg_number now = pg_number(now_ms);
 * and then now.text, which lives as long as the variable. */

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

struct pg_number {
    char text[24];
};
static inline struct pg_number pg_number(int64_t value)
{
    struct pg_number number;
    (void)snprintf(number.text, sizeof number.text, "%" PRId64, value);
    return number;
}
static inline const char *pg_boolean(bool value)
{
    return value ? "true" : "false";
}

#endif
