#ifndef LOAD_H
#define LOAD_H

/* What the modes of the load tool share: the command line, and sockets of people who are logged in.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>

#include "people.h"
#include "socket_client.h"

#define GATEWAYS_MAX 8

struct load_options {
    const char *people_path, *bodies_path;
    struct sockaddr_in gateways[GATEWAYS_MAX];
    size_t gateway_count;
    int64_t rate_per_s, warmup_s, seconds, grace_s;
    int64_t sockets, connects_per_s; /* idle */
};

int64_t monotonic_us(void);

/* Answers "hello" with the person's token; true when the frame was "ready". */
bool login_on_frame(struct socket_client *client, const struct person *person, const char *text,
                    size_t length);
/* Does the frame begin as an event of this type? text need not be NUL-terminated. */
bool frame_is(const char *text, size_t length, const char *type);
/* Value behind "key": as an integer, -1 when absent; the key must not occur inside an earlier
 * string value. */
int64_t frame_int(const char *text, size_t length, const char *key);
/* First byte behind "key":" , NULL when absent. */
const char *frame_text(const char *text, size_t length, const char *key);

/* Each prints one line "MEASURE BEGIN", later "MEASURE END", then one JSON object; returns the exit
 * code. */
int run_delivery(const struct load_options *options, const struct people *people);
int run_idle(const struct load_options *options, const struct people *people);

#endif
