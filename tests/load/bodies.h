#ifndef LOAD_BODIES_H
#define LOAD_BODIES_H

/* Message bodies: real text in several scripts, from Debian's fortunes packages, each 20 to 400
 * bytes. */

#include <stdbool.h>
#include <stddef.h>

struct bodies {
    char **texts; /* owned, NUL-terminated UTF-8, already escaped for JSON */
    size_t count;
};

/* Reads every fortune file below `directory` that is valid UTF-8. Returns false (with a line on
 * stderr that names the packages) when fewer than 100 texts were found. */
bool bodies_load(struct bodies *bodies, const char *directory);
/* The text of message `index`, NUL-terminated: one text, or as many one after the other as make
 * `least_bytes`, as far as they fit whole into `out`. */
void bodies_write(const struct bodies *bodies, size_t index, size_t least_bytes, char *out,
                  size_t out_bytes);
void bodies_finish(struct bodies *bodies);

#endif
