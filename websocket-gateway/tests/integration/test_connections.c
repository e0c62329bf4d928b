/* The same world: how a connection begins, what it may not do, and how it ends. */

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "common/alloc.h"
#include "common/events/session_revoked.h"
#include "common/topics.h"

#include "gateway_fixture.h"

static void revoke(struct fixture *f, const char *reason)
{
    char event_id[CC_UUID_BYTES];
    struct ev_session_revoked event = {.user_id = f->ann,
                                       .session_id = f->session,
                                       .reason = reason,
                                       .until_ms = now_ms() + 600000};
    struct cc_strbuf payload;
    struct cc_json_writer json;

    world_new_id(f->world, event_id);
    event.envelope = (struct cc_envelope){.event_id = event_id,
                                          .type = CC_TOPIC_SESSION_REVOKED,
                                          .version = 1,
                                          .occurred_at_ms = now_ms(),
                                          .producer = "auth-service",
                                          .key = f->ann};
    cc_strbuf_init(&payload, 8192);
    cc_json_writer_init(&json, &payload);
    ev_session_revoked_write(&json, &event);
    world_produce(f->world, CC_TOPIC_SESSION_REVOKED, f->ann, &payload);
    cc_strbuf_finish(&payload);
}

static void a_revoked_session_is_closed(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);

    revoke(f, "logout");

    assert_int_equal(ws_client_close_code(ann), 4301);
    ws_client_close(ann);
}

static void a_suspended_persons_socket_is_told_why(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_person(f, 0, f->ann);

    revoke(f, "suspended");

    ws_client_expect(ann, "\"t\":\"error\"", "\"suspended\"", NULL);
    assert_int_equal(ws_client_close_code(ann), 4304);
    ws_client_close(ann);
}

static void a_bad_token_is_refused_for_good(void **state)
{
    struct fixture *f = *state;
    struct ws_client *client = open_socket(f, 0);

    ws_client_send(client, "{\"id\":1,\"t\":\"auth\",\"token\":\"not.a.token\"}");

    ws_client_expect(client, "\"re\":1", "\"unauthenticated\"", NULL);
    assert_int_equal(ws_client_close_code(client), 4300);
    ws_client_close(client);
}

static void an_expired_token_asks_for_a_new_one(void **state)
{
    struct fixture *f = *state;
    struct ws_client *client = open_socket(f, 0);
    char *token = world_token(f->world, f->ann, f->session, now_ms() - 3600000);

    ws_client_send(client, "{\"id\":1,\"t\":\"auth\",\"token\":\"%s\"}", token);
    cc_free(token);

    assert_int_equal(ws_client_close_code(client), 4200);
    ws_client_close(client);
}

enum { TOKEN_LIFE_MS = 600000, SHORT_MS = 1500, SOCKETS_MAX = 10 };

/* With a token that ends in SHORT_MS. */
static struct ws_client *connect_for_a_moment(struct fixture *f)
{
    struct ws_client *client = open_socket(f, 0);
    char *token = world_token(f->world, f->ann, f->session, now_ms() - TOKEN_LIFE_MS + SHORT_MS);

    ws_client_send(client, "{\"id\":1,\"t\":\"auth\",\"token\":\"%s\"}", token);
    cc_free(token);
    ws_client_expect(client, "\"t\":\"ready\"", f->ann, NULL);
    return client;
}

static void send_refresh(struct fixture *f, struct ws_client *client, const char *user_id)
{
    char *token = world_token(f->world, user_id, f->session, now_ms());

    ws_client_send(client, "{\"id\":2,\"t\":\"refresh\",\"token\":\"%s\"}", token);
    cc_free(token);
}

static void a_socket_ends_with_its_token(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_for_a_moment(f);

    ws_client_expect(ann, "\"t\":\"error\"", "\"unauthenticated\"", NULL);
    assert_int_equal(ws_client_close_code(ann), 4200);
    ws_client_close(ann);
}

static void a_socket_with_a_new_token_outlives_the_old_one(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_for_a_moment(f);

    send_refresh(f, ann, f->ann);
    ws_client_expect(ann, "\"re\":2,\"ok\":true", "\"token_expires_at\":", NULL);

    ws_client_expect_none(ann, "\"error\"", SHORT_MS + 500);
    ws_client_send(ann, "{\"id\":3,\"t\":\"ping\"}");
    ws_client_expect(ann, "\"t\":\"pong\"", "\"re\":3", NULL);
    ws_client_close(ann);
}

static void somebody_elses_token_keeps_no_socket(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann = connect_for_a_moment(f);

    send_refresh(f, ann, f->bob);

    ws_client_expect(ann, "\"re\":2,\"ok\":false", "\"forbidden\"", NULL);
    assert_int_equal(ws_client_close_code(ann), 4200);
    ws_client_close(ann);
}

static void one_socket_too_many_is_closed_and_the_others_stay(void **state)
{
    struct fixture *f = *state;
    struct ws_client *clients[SOCKETS_MAX], *one_more;

    for (int i = 0; i < SOCKETS_MAX; i++)
        clients[i] = connect_person(f, 0, f->ann);
    one_more = sign_in(f, 0, f->ann, "");

    ws_client_expect(one_more, "\"re\":1", "\"rate_limited\"", NULL);
    assert_int_equal(ws_client_close_code(one_more), 4108);
    ws_client_close(one_more);
    for (int i = 0; i < SOCKETS_MAX; i++) {
        ws_client_send(clients[i], "{\"id\":3,\"t\":\"ping\"}");
        ws_client_expect(clients[i], "\"t\":\"pong\"", NULL);
        ws_client_close(clients[i]);
    }
}

static void without_chat_service_nobody_signs_in(void **state)
{
    struct fixture *f = *state;
    struct ws_client *ann;

    world_set(f->world, &f->world->no_chats, true);
    ann = sign_in(f, 0, f->ann, "");
    ws_client_expect(ann, "\"re\":1", "\"unavailable\"", "\"retryable\":true", NULL);
    assert_int_equal(ws_client_close_code(ann), 4101);
    ws_client_close(ann);
    world_set(f->world, &f->world->no_chats, false);

    ws_client_close(connect_person(f, 0, f->ann));
}

static void a_client_that_acknowledges_nothing_for_20_s_is_given_up(void **state)
{
    struct ws_client *client = open_socket(*state, 0);
    int timeout_ms = 0;
    socklen_t length = sizeof timeout_ms;

    assert_int_equal(
        getsockopt(test_other_end(client->fd), IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, &length),
        0);
    assert_int_equal(timeout_ms, 20000);
    ws_client_close(client);
}

static void the_handshake_may_carry_the_token(void **state)
{
    struct fixture *f = *state;
    char *token = world_token(f->world, f->ann, f->session, now_ms());
    struct ws_client *client = ws_client_open(world_port(f->world, 0), PATH, token);

    cc_free(token);
    assert_non_null(client);
    ws_client_expect(client, "\"t\":\"ready\"", f->ann, NULL);
    ws_client_close(client);
}

static void nothing_may_come_before_authentication(void **state)
{
    struct fixture *f = *state;
    struct ws_client *client = open_socket(f, 0);

    send_message(f, client, 1, "too early");

    assert_int_equal(ws_client_close_code(client), 4303);
    ws_client_close(client);
}

static void silence_instead_of_authentication_ends_the_connection(void **state)
{
    struct fixture *f = *state;
    struct ws_client *client = open_socket(f, 0);

    assert_int_equal(ws_client_close_code(client), 4300);
    ws_client_close(client);
}

static void a_binary_frame_breaks_the_protocol(void **state)
{
    struct fixture *f = *state;
    struct ws_client *client = connect_person(f, 0, f->ann);

    ws_client_send_frame(client, 0x82, "x", 1);

    assert_int_equal(ws_client_close_code(client), 4303);
    ws_client_close(client);
}

static void a_frame_above_the_limit_is_refused(void **state)
{
    struct fixture *f = *state;
    struct ws_client *client = connect_person(f, 0, f->ann);
    char *big = cc_alloc(65537);

    memset(big, ' ', 65537);
    ws_client_send_frame(client, 0x81, big, 65537);
    cc_free(big);

    assert_int_equal(ws_client_close_code(client), 1009);
    ws_client_close(client);
}

static void a_frame_in_pieces_is_put_together(void **state)
{
    struct fixture *f = *state;
    struct ws_client *client = connect_person(f, 0, f->ann);

    ws_client_send_frame(client, 0x01, "{\"id\":6,", 8);
    ws_client_send_frame(client, 0x00, "\"t\":", 4);
    ws_client_send_frame(client, 0x80, "\"ping\"}", 7);

    ws_client_expect(client, "\"re\":6", "\"t\":\"pong\"", NULL);
    ws_client_close(client);
}

static void another_path_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_null(ws_client_open(world_port(f->world, 0), "/v2/other", NULL));
}

static void the_same_device_replaces_its_older_connection(void **state)
{
    struct fixture *f = *state;
    struct ws_client *first = sign_in(f, 0, f->ann, ",\"device_id\":\"phone\"");
    struct ws_client *second;

    ws_client_expect(first, "\"t\":\"ready\"", NULL);
    second = sign_in(f, 0, f->ann, ",\"device_id\":\"phone\"");

    ws_client_expect(first, "\"t\":\"moved\"", "\"replaced\"", NULL);
    assert_int_equal(ws_client_close_code(first), 4302);
    ws_client_expect(second, "\"t\":\"ready\"", NULL);
    ws_client_close(first);
    ws_client_close(second);
}

static void who_does_not_read_is_closed_as_too_slow(void **state)
{
    struct fixture *f = *state;
    struct ws_client *bob = connect_person(f, 1, f->bob);
    char *frame = cc_alloc(20001);

    memset(frame, ' ', 20000);
    frame[0] = '{';
    frame[19999] = '}';
    frame[20000] = '\0';
    for (int i = 0; i < 1000; i++)
        world_notify(f->world, f->bob, frame);
    cc_free(frame);

    assert_int_equal(ws_client_close_code(bob), 4104);
    ws_client_close(bob);
}

/* The last one: the second gateway takes nobody any more. */
static void a_draining_gateway_sends_its_clients_elsewhere(void **state)
{
    struct fixture *f = *state;
    struct ws_client *bob = connect_person(f, 1, f->bob);

    ws_app_drain(&f->world->gateways[1], cc_mono_ms(cc_clock_system()) + 8000);

    ws_client_expect(bob, "\"t\":\"moved\"", "\"after_ms\":", "\"drain\"", NULL);
    assert_int_equal(ws_client_close_code(bob), 4100);
    ws_client_close(bob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(a_revoked_session_is_closed),
        GATEWAY_TEST(a_suspended_persons_socket_is_told_why),
        GATEWAY_TEST(a_bad_token_is_refused_for_good),
        GATEWAY_TEST(an_expired_token_asks_for_a_new_one),
        GATEWAY_TEST(a_socket_ends_with_its_token),
        GATEWAY_TEST(a_socket_with_a_new_token_outlives_the_old_one),
        GATEWAY_TEST(somebody_elses_token_keeps_no_socket),
        GATEWAY_TEST(one_socket_too_many_is_closed_and_the_others_stay),
        GATEWAY_TEST(without_chat_service_nobody_signs_in),
        GATEWAY_TEST(a_client_that_acknowledges_nothing_for_20_s_is_given_up),
        GATEWAY_TEST(the_handshake_may_carry_the_token),
        GATEWAY_TEST(nothing_may_come_before_authentication),
        GATEWAY_TEST(silence_instead_of_authentication_ends_the_connection),
        GATEWAY_TEST(a_binary_frame_breaks_the_protocol),
        GATEWAY_TEST(a_frame_above_the_limit_is_refused),
        GATEWAY_TEST(a_frame_in_pieces_is_put_together),
        GATEWAY_TEST(another_path_is_refused),
        GATEWAY_TEST(the_same_device_replaces_its_older_connection),
        GATEWAY_TEST(who_does_not_read_is_closed_as_too_slow),
        GATEWAY_TEST(a_draining_gateway_sends_its_clients_elsewhere),
    };

    return cmocka_run_group_tests_name("websocket-gateway connections", tests, gateway_world_start,
                                       gateway_world_end);
}
