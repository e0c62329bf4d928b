#ifndef GATEWAY_FIXTURE_H
#define GATEWAY_FIXTURE_H

/* The whole gateway in a test's process, in front of fake upstreams and the real Redis. Requests
 * are raw bytes over loopback, as a client's. */

#include "testing.h"

#include "app.h"
#include "fake_upstreams.h"

#define SETTINGS_MAX 40

struct gateway {
    struct fake_upstreams fakes;
    struct gateway_settings settings;
    struct cc_runtime runtime;
    struct gateway_app app;
    struct cc_http_server *server;
    struct cc_arena *arena;
    char user_id[CC_UUID_BYTES], session_id[CC_UUID_BYTES];
    const char *token;
    char *environment[SETTINGS_MAX + 1];
    int setting_count;
};

/* Starts the fakes and signs a token; then settings (of two equal names the first counts), then
 * run. create, default settings and run in one: set_up. */
struct gateway *create(void);
void set(struct gateway *g, const char *key, const char *value);
void default_settings(struct gateway *g);
void run_gateway(struct gateway *g);
int set_up(void **state);
/* Another process' place: the same settings and fakes, a listener of its own. */
struct gateway *run_another(const struct gateway *g);
void stop_another(struct gateway *g);
int tear_down(void **state);
/* Another person's token. */
void sign_token(struct gateway *g);

int dial(const struct gateway *g);
/* Sends a request with Connection: close and returns everything up to the end. `line` is method and
 * target, `headers` lines with their ends. */
const char *ask(struct gateway *g, const char *line, const char *headers, const char *body);
const char *bearer(struct gateway *g);
const char *ask_signed(struct gateway *g, const char *line);
/* Sends bytes, ends the stream once an answer begins or none comes, returns everything up to the
 * end. */
const char *ask_raw(struct gateway *g, const char *request, size_t count);
int status_of(const char *answer);

#define assert_contains(text, part)                                                                \
    do {                                                                                           \
        if (strcasestr((text), (part)) == NULL)                                                    \
            fail_msg("no '%s' in: %s", (part), (text));                                            \
    } while (0)
#define assert_lacks(text, part)                                                                   \
    do {                                                                                           \
        if (strcasestr((text), (part)) != NULL)                                                    \
            fail_msg("'%s' in: %s", (part), (text));                                               \
    } while (0)

#endif
