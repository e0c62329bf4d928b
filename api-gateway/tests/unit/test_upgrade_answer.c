/* The answer to an upgrade request, also byte by byte. */
#include <string.h>

#include "testing.h"

#include "proxy/upgrade_answer.h"

static enum gateway_upgrade_verdict read_all(const char *text, bool at_end,
                                             struct gateway_upgrade_answer *out)
{
    return gateway_upgrade_answer_read(text, strlen(text), at_end, out);
}

static void an_accepted_upgrade_is_known_at_its_last_byte(void **state)
{
    static const char text[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                               "sec-websocket-accept:  s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \r\n"
                               "Sec-WebSocket-Protocol: chat.v1\r\n\r\n\x81\x02hi";
    size_t head = sizeof(text) - 1 - 4;
    struct gateway_upgrade_answer answer;

    (void)state;
    for (size_t count = 0; count < head; count++)
        assert_int_equal(gateway_upgrade_answer_read(text, count, false, &answer),
                         GATEWAY_UPGRADE_INCOMPLETE);
    assert_int_equal(read_all(text, false, &answer), GATEWAY_UPGRADE_ACCEPTED);
    assert_int_equal(answer.head_count, head);
    assert_string_equal(answer.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_string_equal(answer.protocol, "chat.v1");
}

static void a_refusal_is_complete_with_its_body(void **state)
{
    static const char text[] = "HTTP/1.1 401 Unauthorized\r\nContent-Type: text/html\r\n"
                               "Content-Length: 3\r\n\r\nno!";
    struct gateway_upgrade_answer answer;

    (void)state;
    assert_int_equal(gateway_upgrade_answer_read(text, sizeof(text) - 2, false, &answer),
                     GATEWAY_UPGRADE_INCOMPLETE);
    assert_int_equal(read_all(text, false, &answer), GATEWAY_UPGRADE_REFUSED);
    assert_int_equal(answer.status, 401);
    assert_int_equal(answer.body_count, 3);
    assert_string_equal(answer.content_type, "text/html");
}

static void a_refusal_without_length_ends_with_the_connection(void **state)
{
    static const char text[] = "HTTP/1.1 403 Forbidden\r\n\r\nbecause";
    struct gateway_upgrade_answer answer;

    (void)state;
    assert_int_equal(read_all(text, false, &answer), GATEWAY_UPGRADE_INCOMPLETE);
    assert_int_equal(read_all(text, true, &answer), GATEWAY_UPGRADE_REFUSED);
    assert_int_equal(answer.body_count, 7);
}

static void nonsense_is_malformed(void **state)
{
    static const char *const bad[] = {
        "\r\n\r\n",
        "HTTP/1.0 101 x\r\n\r\n",
        "HTTP/1.1 10 x\r\n\r\n",
        "HTTP/1.1 1010 x\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 101 no accept\r\nUpgrade: websocket\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n\r\n",
    };
    struct gateway_upgrade_answer answer;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (read_all(bad[i], false, &answer) != GATEWAY_UPGRADE_MALFORMED)
            fail_msg("not malformed: %s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_accepted_upgrade_is_known_at_its_last_byte),
        cmocka_unit_test(a_refusal_is_complete_with_its_body),
        cmocka_unit_test(a_refusal_without_length_ends_with_the_connection),
        cmocka_unit_test(nonsense_is_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
