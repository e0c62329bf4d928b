#ifndef GATEWAY_UPGRADE_ANSWER_H
#define GATEWAY_UPGRADE_ANSWER_H

/* Reads the answer to an upgrade request, in whatever pieces it comes. Pure. */

#include <stdbool.h>
#include <stddef.h>

#define GATEWAY_UPGRADE_ANSWER_MAX_BYTES ((size_t)64 * 1024)

enum gateway_upgrade_verdict {
    GATEWAY_UPGRADE_INCOMPLETE,
    GATEWAY_UPGRADE_MALFORMED,
    GATEWAY_UPGRADE_ACCEPTED, /* 101 with a Sec-WebSocket-Accept; frames may follow the head */
    GATEWAY_UPGRADE_REFUSED,  /* another status, its body complete */
};
struct gateway_upgrade_answer {
    int status;
    size_t head_count; /* bytes up to and with the empty line */
    size_t body_count;
    char accept[64], protocol[64], content_type[64], retry_after[16]; /* "" = absent */
};
/* at_end: the peer will send no more, which ends a body without Content-Length. */
enum gateway_upgrade_verdict gateway_upgrade_answer_read(const char *bytes, size_t count,
                                                         bool at_end,
                                                         struct gateway_upgrade_answer *out);

#endif
