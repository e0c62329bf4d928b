#ifndef HTTP_FIXTURE_H
#define HTTP_FIXTURE_H

/*
 * An HTTP server over real loopback sockets, with a handler for whatever tests want to see, and a
 * client that sends bytes, so that malformed requests can be sent.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "testing.h"

#include "common/http_server.h"

#define BIG_BYTES ((size_t)12 * 1024 * 1024) /* of /v1/big: more than all socket buffers hold */

struct http_fixture {
    struct cc_http_server *server;
    struct fake_clock clock;
    struct cc_ids *ids;
    pthread_mutex_t gate; /* held by a test to keep /v1/block from ending */
    _Atomic int entered;  /* handlers of /v1/block */
    pthread_t completer;
};
int http_fixture_start(void **state);
int http_fixture_stop(void **state);
#define SERVED(name) cmocka_unit_test_setup_teardown(name, http_fixture_start, http_fixture_stop)

int http_dial(const struct http_fixture *service); /* waits 5 s for what it reads */
void http_write_all(int fd, const char *bytes, size_t count);
/* One answer: 204, with a Content-Length, or until the peer closes. False on a silent server. */
bool http_read_answer(int fd, char *out, size_t size);
/* Asks on a connection of its own; the answer is good until the next one. */
char *http_ask(struct http_fixture *service, const char *request);
int http_status_of(const char *answer); /* 0 = that is none */

#define assert_contains(text, part)                                                                \
    do {                                                                                           \
        if (strstr((text), (part)) == NULL)                                                        \
            fail_msg("no '%s' in: %s", (part), (text));                                            \
    } while (0)

#endif
