/* The HTTP server: a full queue, the slow, and its own end. */

#include "http_fixture.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

static bool handler_entered(void *arg)
{
    return atomic_load(&((struct http_fixture *)arg)->entered) == 1;
}

static void a_full_queue_is_503_with_retry_after(void **state)
{
    static const char request[] = "GET /v1/block HTTP/1.1\r\nHost: h\r\n\r\n";
    struct http_fixture *service = *state;
    static char answer[4096];
    int first, second, third;

    pthread_mutex_lock(&service->gate);
    first = http_dial(service);
    http_write_all(first, request, sizeof(request) - 1);
    test_wait_for(handler_entered, service, 5000); /* one runs */
    second = http_dial(service);
    third = http_dial(service);
    http_write_all(second, request,
                   sizeof(request) - 1); /* one waits; of these two one is refused */
    http_write_all(third, request, sizeof(request) - 1);
    char *refused = NULL;
    for (int tries = 0; tries < 500 && refused == NULL; tries++) {
        char byte;
        const int fds[] = {second, third};

        for (size_t i = 0; i < 2 && refused == NULL; i++)
            if (recv(fds[i], &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1) {
                assert_true(http_read_answer(fds[i], answer, sizeof(answer)));
                refused = answer;
            }
        usleep(10000);
    }
    pthread_mutex_unlock(&service->gate);
    assert_non_null(refused);
    assert_int_equal(http_status_of(refused), 503);
    assert_contains(refused, "Retry-After: 1\r\n");
    close(first);
    close(second);
    close(third);
}

static bool peer_closed(void *arg)
{
    char byte;

    return recv(*(int *)arg, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void a_slow_head_and_a_slow_body_are_cut_at_their_deadline(void **state)
{
    struct http_fixture *service = *state;
    static const char slow_body[] =
        "PUT /v1/things/1 HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx";
    int head = http_dial(service), body = http_dial(service);

    http_write_all(head, "GET /v1/things/1 HTTP/1.1\r\nHo", 29);
    http_write_all(body, slow_body, sizeof(slow_body) - 1);
    usleep(100000); /* lets the server read both before time is moved */
    fake_clock_advance_ms(&service->clock, 10100);
    test_wait_for(peer_closed, &head, 5000);
    assert_false(peer_closed(&body));
    fake_clock_advance_ms(&service->clock, 20100);
    test_wait_for(peer_closed, &body, 5000);
    close(head);
    close(body);
}

struct slow_reader {
    struct http_fixture *service;
    int fd;
    size_t received;
};

/* Takes a few bytes a second: never idle, and never done in time. */
static bool reader_outlived_its_time(void *arg)
{
    struct slow_reader *reader = arg;
    char bytes[1024];
    ssize_t got = recv(reader->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    reader->received += got > 0 ? (size_t)got : 0;
    if (reader->received > 0) /* from when the answer has begun */
        fake_clock_advance_ms(&reader->service->clock, 1000);
    return cc_mono_ms(&reader->service->clock.clock) > 300000;
}

static void a_slow_reader_is_cut_at_its_deadline(void **state)
{
    static const char request[] = "GET /v1/big HTTP/1.1\r\nHost: h\r\n\r\n";
    struct slow_reader reader = {.service = *state, .fd = http_dial(*state)};
    static char rest[65536];

    http_write_all(reader.fd, request, sizeof(request) - 1);
    test_wait_for(reader_outlived_its_time, &reader, 5000);
    for (ssize_t got; (got = recv(reader.fd, rest, sizeof(rest), 0)) > 0;)
        reader.received += (size_t)got; /* what the kernel holds, then the end */
    assert_in_range(reader.received, 1, BIG_BYTES - 1);
    close(reader.fd);
}

static void a_quiesced_server_refuses_connections_and_ends_running_requests(void **state)
{
    struct http_fixture *service = *state;
    static const char request[] = "GET /v1/block HTTP/1.1\r\nHost: h\r\n\r\n";
    static char answer[4096];
    int fd = http_dial(service), refused;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)cc_http_server_port(service->server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    pthread_mutex_lock(&service->gate);
    http_write_all(fd, request, sizeof(request) - 1);
    test_wait_for(handler_entered, service, 5000);
    cc_http_server_quiesce(service->server);
    refused = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_not_equal(connect(refused, (struct sockaddr *)&address, sizeof(address)), 0);
    close(refused);
    assert_false(cc_http_server_wait_idle(service->server, 0));
    pthread_mutex_unlock(&service->gate);
    assert_true(cc_http_server_wait_idle(service->server, INT64_MAX));
    assert_true(http_read_answer(fd, answer, sizeof(answer)));
    assert_int_equal(http_status_of(answer), 204);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(a_full_queue_is_503_with_retry_after),
        SERVED(a_slow_head_and_a_slow_body_are_cut_at_their_deadline),
        SERVED(a_slow_reader_is_cut_at_its_deadline),
        SERVED(a_quiesced_server_refuses_connections_and_ends_running_requests),
    };

    return cmocka_run_group_tests_name("http bounds", tests, NULL, NULL);
}
