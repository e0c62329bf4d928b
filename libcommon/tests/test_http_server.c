/* The HTTP server: what handlers see, and what clients get. */

#include "http_fixture.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static void a_handler_sees_decoded_path_query_and_peer(void **state)
{
    char *answer = http_ask(*state, "GET /v1/things/a%2Fb?q=x+y%26z HTTP/1.1\r\nHost: h\r\n\r\n");

    assert_int_equal(http_status_of(answer), 200);
    assert_contains(answer, "\"id\":\"a/b\"");
    assert_contains(answer, "\"q\":\"x y&z\"");
    assert_contains(answer, "\"pattern\":\"/v1/things/{id}\"");
    assert_contains(answer, "\"peer\":\"127.0.0.1\"");
    assert_contains(answer, "Content-Type: application/json\r\n");
    assert_contains(answer, "Cache-Control: no-store\r\n");
    assert_contains(answer, "X-Content-Type-Options: nosniff\r\n");
}

static void the_rest_of_a_path_is_one_parameter(void **state)
{
    assert_contains(http_ask(*state, "GET /v1/files/a/b/c HTTP/1.1\r\nHost: h\r\n\r\n"),
                    "/v1/files/a/b/c");
}

static void a_body_arrives_whole_also_byte_by_byte_and_chunked(void **state)
{
    static const char slow[] =
        "PUT /v1/things/1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
    static char answer[4096];
    int fd = http_dial(*state);

    for (size_t i = 0; i < sizeof(slow) - 1; i++)
        http_write_all(fd, slow + i, 1);
    assert_true(http_read_answer(fd, answer, sizeof(answer)));
    close(fd);
    assert_contains(answer, "\"body\":\"hello\"");
    assert_contains(http_ask(*state, "PATCH /v1/things/1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
                                     "chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
                    "\"body\":\"hello\"");
}

static void a_kept_alive_connection_serves_several_requests(void **state)
{
    static char answer[4096];
    int fd = http_dial(*state);

    for (int i = 0; i < 3; i++) {
        http_write_all(fd, "GET /v1/things/1 HTTP/1.1\r\nHost: h\r\n\r\n", 38);
        assert_true(http_read_answer(fd, answer, sizeof(answer)));
        assert_int_equal(http_status_of(answer), 200);
    }
    close(fd);
}

static void a_request_id_is_echoed_when_clean_and_replaced_when_not(void **state)
{
    assert_contains(
        http_ask(*state, "GET /v1/things/1 HTTP/1.1\r\nHost: h\r\nX-Request-Id: ab.1\r\n\r\n"),
        "X-Request-Id: ab.1\r\n");
    assert_null(strstr(
        http_ask(*state, "GET /v1/things/1 HTTP/1.1\r\nHost: h\r\nX-Request-Id: a b<\r\n\r\n"),
        "a b<"));
}

static void a_callers_deadline_shortens_the_handlers_time_and_never_lengthens_it(void **state)
{
    static const struct {
        const char *header, *left;
    } rows[] = {
        {"", "\"left\":30000"},
        {"X-Request-Timeout-Ms: 700\r\n", "\"left\":700"},
        {"X-Request-Timeout-Ms: 600000\r\n", "\"left\":30000"},
        {"X-Request-Timeout-Ms: -5\r\n", "\"left\":30000"},
        {"X-Request-Timeout-Ms: 5 years\r\n", "\"left\":30000"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char request[256];

        snprintf(request, sizeof(request), "GET /v1/left HTTP/1.1\r\nHost: h\r\n%s\r\n",
                 rows[i].header);
        assert_contains(http_ask(*state, request), rows[i].left);
    }
}

static void a_hook_may_answer_name_the_client_and_add_to_every_answer(void **state)
{
    char *answer = http_ask(*state, "GET /nowhere HTTP/1.1\r\nHost: h\r\nX-Intercept: 1\r\n\r\n");

    assert_int_equal(http_status_of(answer), 299);
    assert_contains(answer, "X-Decorated: yes\r\n");
    answer = http_ask(*state, "GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(http_status_of(answer), 404);
    assert_contains(answer, "X-Decorated: yes\r\n");
    answer =
        http_ask(*state, "GET /v1/things/1 HTTP/1.1\r\nHost: h\r\nX-Client: 192.0.2.7\r\n\r\n");
    assert_contains(answer, "\"peer\":\"192.0.2.7\"");
}

static void json_bodies_are_checked_and_statuses_kept(void **state)
{
    char *answer =
        http_ask(*state, "POST /v1/things HTTP/1.1\r\nHost: h\r\nContent-Type: application/json; "
                         "charset=utf-8\r\nContent-Length: 12\r\n\r\n{\"name\":\"n\"}");

    assert_int_equal(http_status_of(answer), 201);
    assert_contains(answer, "Location: /v1/things/1\r\n");
    answer =
        http_ask(*state, "POST /v1/things HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                         "Content-Length: 2\r\n\r\n{}");
    assert_int_equal(http_status_of(answer), 400);
    assert_contains(answer, "\"pointer\":\"/name\"");
    assert_contains(answer, "\"code\":\"invalid\"");
    answer = http_ask(*state, "POST /v1/things HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\n"
                              "Content-Length: 2\r\n\r\n{}");
    assert_int_equal(http_status_of(answer), 415);
    answer = http_ask(*state, "POST /v1/things?limit=201 HTTP/1.1\r\nHost: h\r\nContent-Type: "
                              "application/json\r\nContent-Length: 2\r\n\r\n{}");
    assert_int_equal(http_status_of(answer), 400);
    assert_contains(answer, "\"parameter\":\"limit\"");
}

static void nothing_written_is_204(void **state)
{
    assert_int_equal(http_status_of(http_ask(*state, "POST /v1/nothing HTTP/1.1\r\nHost: "
                                                     "h\r\nContent-Length: 0\r\n\r\n")),
                     204);
}

static void an_asynchronous_handler_ends_on_another_thread(void **state)
{
    char *answer = http_ask(*state, "GET /v1/later HTTP/1.1\r\nHost: h\r\n\r\n");

    assert_int_equal(http_status_of(answer), 200);
    assert_contains(answer, "\r\n\r\nlater");
}

static void an_upgrade_hands_the_socket_over(void **state)
{
    char *answer = http_ask(*state, "GET /v1/upgrade HTTP/1.1\r\nHost: h\r\nConnection: "
                                    "Upgrade\r\nUpgrade: websocket\r\n\r\n");

    assert_int_equal(http_status_of(answer), 101);
    assert_contains(answer, "Upgrade: websocket\r\n");
    assert_contains(answer, "\r\n\r\nraw");
}

static void head_is_get_without_a_body(void **state)
{
    static char answer[4096];
    int fd = http_dial(*state);
    static const char request[] =
        "HEAD /v1/things/1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

    http_write_all(fd, request, sizeof(request) - 1);
    shutdown(fd, SHUT_WR);
    assert_true(recv(fd, answer, sizeof(answer) - 1, MSG_WAITALL) > 0);
    close(fd);
    assert_int_equal(http_status_of(answer), 200);
    assert_null(strstr(answer, "pattern"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(a_handler_sees_decoded_path_query_and_peer),
        SERVED(the_rest_of_a_path_is_one_parameter),
        SERVED(a_body_arrives_whole_also_byte_by_byte_and_chunked),
        SERVED(a_kept_alive_connection_serves_several_requests),
        SERVED(a_request_id_is_echoed_when_clean_and_replaced_when_not),
        SERVED(a_callers_deadline_shortens_the_handlers_time_and_never_lengthens_it),
        SERVED(a_hook_may_answer_name_the_client_and_add_to_every_answer),
        SERVED(json_bodies_are_checked_and_statuses_kept),
        SERVED(nothing_written_is_204),
        SERVED(an_asynchronous_handler_ends_on_another_thread),
        SERVED(an_upgrade_hands_the_socket_over),
        SERVED(head_is_get_without_a_body),
    };

    return cmocka_run_group_tests_name("http server", tests, NULL, NULL);
}
