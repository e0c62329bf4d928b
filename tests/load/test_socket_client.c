#include "socket_client.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testing.h"

struct seen {
    char texts[8][64];
    int count;
};

static void remember(struct socket_client *client, char *text, size_t length, void *arg)
{
    (void)client;
    struct seen *seen = arg;
    assert_true(seen->count < 8 && length < 64);
    memcpy(seen->texts[seen->count], text, length);
    seen->texts[seen->count++][length] = '\0';
}

static void frames_are_found_however_the_bytes_arrive(void **state)
{
    (void)state;
    char stream[] = "\x81\x02hi\x81\x7e\x00\x05there\x81\x00";
    size_t length = sizeof stream - 1;

    for (size_t first = 0; first <= length; first++) {
        struct socket_client client = {.fd = -1, .state = SOCKET_OPEN};
        struct seen seen = {0};
        size_t used = socket_client_parse(&client, stream, first, remember, &seen);
        used += socket_client_parse(&client, stream + used, length - used, remember, &seen);

        assert_int_equal(used, length);
        assert_int_equal(seen.count, 3);
        assert_string_equal(seen.texts[0], "hi");
        assert_string_equal(seen.texts[1], "there");
        assert_string_equal(seen.texts[2], "");
    }
}

static void an_incomplete_frame_is_left_alone(void **state)
{
    (void)state;
    char stream[] = "\x81\x05hel";
    struct socket_client client = {.fd = -1, .state = SOCKET_OPEN};
    struct seen seen = {0};

    assert_int_equal(socket_client_parse(&client, stream, sizeof stream - 1, remember, &seen), 0);
    assert_int_equal(seen.count, 0);
}

static void a_ping_is_answered_with_its_payload(void **state)
{
    (void)state;
    char pings[] = "\x89\x00\x89\x02hi";
    unsigned char got[64];
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    struct socket_client client = {.fd = ends[0], .state = SOCKET_OPEN};
    struct seen seen = {0};

    assert_int_equal(socket_client_parse(&client, pings, sizeof pings - 1, remember, &seen), 6);

    assert_int_equal(recv(ends[1], got, sizeof got, 0), 14);
    const unsigned char wanted[] = {0x8A, 0x80, 0x5A, 0xA5, 0x3C, 0xC3,       0x8A,
                                    0x82, 0x5A, 0xA5, 0x3C, 0xC3, 'h' ^ 0x5A, 'i' ^ 0xA5};
    assert_memory_equal(got, wanted, sizeof wanted);
    socket_client_close(&client);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_found_however_the_bytes_arrive),
        cmocka_unit_test(an_incomplete_frame_is_left_alone),
        cmocka_unit_test(a_ping_is_answered_with_its_payload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
