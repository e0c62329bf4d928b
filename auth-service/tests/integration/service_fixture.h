#ifndef SERVICE_FIXTURE_H
#define SERVICE_FIXTURE_H

/*
 * auth-service in this process: its real listener and routes, on real PostgreSQL (a database of its
 * own), Redis, Kafka and Mailpit; user-service is a stub that knows handles. The clock can be
 * moved.
 */

#include <pthread.h>
#include <stdatomic.h>

#include "app.h"
#include "common/http_server.h"

#define STUB_HANDLES_MAX 512

struct moving_clock {
    struct cc_clock clock; /* first */
    atomic_llong offset_ms;
};

struct user_service_stub {
    struct cc_http_server *server;
    pthread_mutex_t lock;
    size_t count;
    struct {
        char user_id[CC_UUID_BYTES], handle[ACCOUNT_HANDLE_BYTES];
    } profiles[STUB_HANDLES_MAX];
};

struct service {
    const char *smtp_url; /* NULL while it is stopped */
    struct moving_clock clock;
    struct cc_runtime runtime;
    struct auth_settings settings;
    struct auth_app app;
    struct cc_http_server *listener, *ops_listener;
};

struct answer { /* in the fixture's arena */
    int status;
    const char *body;
    const char *cache_control;
};

struct fixture { /* of all tests of a program */
    struct cc_arena *arena;
    struct cc_http_client *client;
    struct user_service_stub users;
    const char *database_uri, *signing_key;
    const char *address; /* where requests come from, as the edge would say */
    struct {
        const char *database_uri, *smtp_url;
        int64_t argon2_memory_kib, otp_ttl_s;
    } usual; /* as it is when a test begins */
    int64_t argon2_memory_kib, otp_ttl_s;
    struct service service;
};

const char *new_signing_key(struct fixture *f); /* PEM */

const char *a_new_address(struct fixture *f); /* where nobody has been */

struct fixture *fixture_create(void); /* with the service started */
void fixture_destroy(struct fixture *f);
/* Before each test: a new place, and the service as it is usual, whatever a test that failed has
 * left. The clock stays where it is. */
void fixture_renew(struct fixture *f);
/* The same for cmocka: *state is the fixture. */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);
int fixture_before_each(void **state);
#define SERVICE_TEST(name) cmocka_unit_test_setup(name, fixture_before_each)

void service_start(struct fixture *f, const char *smtp_url);
void service_stop(struct fixture *f);
void service_move_clock(struct fixture *f, int64_t ms);

/* A request to the service; body NULL = none. Fails the test when there is no answer. */
struct answer service_call(struct fixture *f, const char *method, const char *path,
                           const char *access_token, const char *body);
/* The same without failing: for threads. 0 = no answer. */
int service_call_raw(struct fixture *f, const char *path, const char *body, struct cc_arena *arena,
                     const char **out_body);
struct answer service_call_internal(struct fixture *f, const char *path);

/* A text in a JSON object, or in its first "errors" element: "" when absent. */
const char *json_text(struct fixture *f, const char *body, const char *key);
const char *json_error_pointer(struct fixture *f, const char *body);

bool stub_knows(struct fixture *f, const char *handle);

/* The n-th mail (from 1, oldest first) to the address, as soon as it is there; fails after 10 s. */
const char *mailed_text(struct fixture *f, const char *email, size_t number);
/* The code in it. */
const char *mailed_code(struct fixture *f, const char *email, size_t number);
/* How many mails the address has got so far. */
size_t count_mails(struct fixture *f, const char *email);

#endif
