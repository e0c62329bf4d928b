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
void bodies_finish(struct bodies *bodies);

#endif
