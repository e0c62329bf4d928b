#ifndef GATEWAY_FIXTURE_H
#define GATEWAY_FIXTURE_H

/* What the integration tests of a gateway share: one world for all tests of a program (starting it
 * takes seconds), two people and a chat of its own for each, and what their clients say. */

#include "testing.h"

#include "world.h"
#include "ws_client.h"

#define PATH "/v1/ws"

struct fixture {
    struct world *world;
    struct world_chat *chat;
    char ann[CC_UUID_BYTES], bob[CC_UUID_BYTES], session[CC_UUID_BYTES];
};

int gateway_world_start(void **state);
int gateway_world_end(void **state);
/* Every test has people and a chat of its own. */
int gateway_start(void **state);
int gateway_end(void **state);
int64_t now_ms(void);
struct ws_client *open_socket(struct fixture *f, int gateway);
/* resume: the frame's further members, "" = none. */
struct ws_client *sign_in(struct fixture *f, int gateway, const char *user_id, const char *resume);
struct ws_client *connect_person(struct fixture *f, int gateway, const char *user_id);
void send_message(struct fixture *f, struct ws_client *client, int id, const char *body);
void send_delete(struct fixture *f, struct ws_client *client, int frame_id, const char *message_id,
                 const char *scope);
#define GATEWAY_TEST(name) cmocka_unit_test_setup_teardown(name, gateway_start, gateway_end)

#endif
