/* The world of the tests, and a person and chats for each of them. */

#include "gateway_fixture.h"

#include "common/alloc.h"

static struct world *shared_world; /* one for all tests: starting it takes seconds */

int gateway_world_start(void **state)
{
    (void)state;
    shared_world = world_create();
    return 0;
}

int gateway_world_end(void **state)
{
    (void)state;
    world_destroy(shared_world);
    return 0;
}

int gateway_start(void **state)
{
    struct fixture *f = cc_calloc(1, sizeof *f);

    f->world = shared_world;
    atomic_store(&f->world->owner_lost_redis, false);
    world_new_id(f->world, f->ann);
    world_new_id(f->world, f->bob);
    world_new_id(f->world, f->session);
    f->chat = world_add_chat(f->world, f->ann, f->bob);
    *state = f;
    return 0;
}

int gateway_end(void **state)
{
    cc_free(*state);
    return 0;
}

int64_t now_ms(void)
{
    return cc_wall_ms(cc_clock_system());
}

struct ws_client *open_socket(struct fixture *f, int gateway)
{
    struct ws_client *client = ws_client_open(world_port(f->world, gateway), PATH, NULL);

    assert_non_null(client);
    ws_client_expect(client, "\"t\":\"hello\"", "\"auth_deadline_ms\":2000", NULL);
    return client;
}

struct ws_client *sign_in(struct fixture *f, int gateway, const char *user_id, const char *resume)
{
    struct ws_client *client = open_socket(f, gateway);
    char *token = world_token(f->world, user_id, f->session, now_ms());

    ws_client_send(client, "{\"id\":1,\"t\":\"auth\",\"token\":\"%s\"%s}", token, resume);
    cc_free(token);
    return client;
}

struct ws_client *connect_person(struct fixture *f, int gateway, const char *user_id)
{
    struct ws_client *client = sign_in(f, gateway, user_id, "");

    ws_client_expect(client, "\"t\":\"ready\"", user_id, "\"resume\":\"none\"", NULL);
    return client;
}

void send_message(struct fixture *f, struct ws_client *client, int id, const char *body)
{
    char client_msg_id[CC_UUID_BYTES];

    world_new_id(f->world, client_msg_id);
    ws_client_send(client,
                   "{\"id\":%d,\"t\":\"send\",\"chat_id\":\"%s\",\"client_msg_id\":\"%s\","
                   "\"type\":\"text\",\"body\":\"%s\"}",
                   id, f->chat->chat_id, client_msg_id, body);
}

void send_delete(struct fixture *f, struct ws_client *client, int frame_id, const char *message_id,
                 const char *scope)
{
    char id[CC_UUID_BYTES];

    world_new_id(f->world, id);
    ws_client_send(client,
                   "{\"id\":%d,\"t\":\"delete\",\"chat_id\":\"%s\",\"client_msg_id\":\"%s\","
                   "\"message_id\":\"%s\",\"scope\":\"%s\"}",
                   frame_id, f->chat->chat_id, id, message_id, scope);
}
