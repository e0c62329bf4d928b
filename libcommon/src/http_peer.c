/*
 * A peer service with several instances: which one is asked is http_balanced.c; here problem
 * answers become our own codes. Both forms continue on the HTTP client's thread; the blocking one
 * waits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/deadline.h"
#include "common/http_client.h"
#include "common/json_reader.h"

#include "http_wait.h"

#define DEFAULT_TIMEOUT_MS 5000

struct cc_peer {
    struct cc_http_client *client;
    struct cc_targets *targets;
};

struct cc_peer *cc_peer_create(struct cc_http_client *client,
                               const struct cc_setting_list *base_urls)
{
    struct cc_peer *peer = cc_calloc(1, sizeof(*peer));

    peer->client = client;
    peer->targets = cc_targets_create("internal", base_urls, cc_clock_system());
    return peer;
}

void cc_peer_destroy(struct cc_peer *peer)
{
    if (peer == NULL)
        return;
    cc_targets_destroy(peer->targets);
    cc_free(peer);
}

/* ---- problem answers ---- */

static void read_problem(const struct cc_http_answer *answer, struct cc_arena *arena,
                         struct cc_error *err)
{
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, answer->body, answer->body_count, CC_IGNORE_UNKNOWN);
    const char *name = cc_json_text(reader, "code", CC_OPTIONAL, 0, 64);
    const char *detail = cc_json_text(reader, "detail", CC_OPTIONAL, 0, 1000);
    enum cc_code code = name != NULL ? cc_code_from_name(name) : CC_INTERNAL;

    if (code == CC_OK || code == CC_INTERNAL)
        code = cc_code_from_http_status(answer->status);
    cc_fail(err, code, NULL, "%s", detail != NULL ? detail : cc_code_title(code));
    if (cc_json_array_count(reader, "errors", CC_OPTIONAL, 100) > 0 &&
        cc_json_enter_element(reader, "errors", 0)) {
        const char *pointer = cc_json_text(reader, "pointer", CC_OPTIONAL, 0, 200);

        if (pointer != NULL)
            snprintf(err->field, sizeof(err->field), "%s", pointer);
        cc_json_leave(reader);
    }
    cc_json_reader_destroy(reader);
}

/* CC_OK for 2xx, else the code that the answer stands for. */
static enum cc_code judge(const struct cc_http_answer *answer, struct cc_error *err)
{
    struct cc_arena *arena;
    const char *retry_after = cc_http_answer_header(answer, "Retry-After");
    struct cc_error problem = {0};

    if (answer->status >= 200 && answer->status < 300)
        return CC_OK;
    if (answer->status < 400)
        return cc_fail_detail(err, CC_BAD_GATEWAY, "unexpected status %d", answer->status);
    arena = cc_arena_create(0);
    read_problem(answer, arena, &problem);
    cc_arena_destroy(arena);
    if (retry_after != NULL)
        problem.retry_after_ms = (int)strtol(retry_after, NULL, 10) * 1000;
    if (err != NULL)
        *err = problem;
    return problem.code;
}

/* ---- calling ---- */

static const struct cc_http_header json_header = {.name = "Content-Type",
                                                  .value = "application/json"};

/* One asynchronous call; lives in its own arena. */
struct sending {
    struct cc_arena *arena;
    struct cc_balanced_call call;
    struct cc_trace trace;
    cc_http_done done;
    void *arg;
};

static void on_answer(void *arg, enum cc_code code, const struct cc_http_answer *answer,
                      const struct cc_error *err)
{
    struct sending *sending = arg;
    struct cc_error problem = {0};

    if (code == CC_OK)
        code = judge(answer, &problem);
    else
        problem = *err;
    sending->done(sending->arg, code, code == CC_OK ? answer : NULL, &problem);
    cc_arena_destroy(sending->arena);
}

static struct sending *create_sending(struct cc_peer *peer, const char *method, const char *path,
                                      const void *body, size_t body_count)
{
    struct cc_arena *arena = cc_arena_create(0);
    struct sending *sending = CC_ARENA_NEW(arena, struct sending);
    char *copy = cc_arena_alloc(arena, body_count + 1);

    if (body_count > 0)
        memcpy(copy, body, body_count);
    sending->arena = arena;
    sending->call = (struct cc_balanced_call){
        .client = peer->client,
        .targets = peer->targets,
        .clock = cc_clock_system(),
        .path = cc_arena_strdup(arena, path),
        .unavailable_is_undone = true,
        .done = on_answer,
        .arg = sending,
        .http = {.method = cc_arena_strdup(arena, method),
                 .headers = &json_header,
                 .header_count = body_count > 0,
                 .body = copy,
                 .body_count = body_count},
    };
    return sending;
}

void cc_peer_send(struct cc_peer *peer, const char *method, const char *path, const void *body,
                  size_t body_count, const struct cc_trace *trace, int timeout_ms,
                  cc_http_done done, void *arg)
{
    struct sending *sending = create_sending(peer, method, path, body, body_count);
    struct cc_balanced_call *call = &sending->call;

    sending->done = done;
    sending->arg = arg;
    if (trace != NULL) {
        sending->trace = *trace;
        call->http.trace = &sending->trace;
    }
    call->http.timeout_ms = timeout_ms > 0 ? timeout_ms : DEFAULT_TIMEOUT_MS;
    call->deadline_mono_ms =
        cc_mono_ms(cc_clock_system()) + cc_deadline_cap_ms(call->http.timeout_ms);
    cc_balanced_start(call);
}

enum cc_code cc_peer_call(struct cc_peer *peer, const char *method, const char *path,
                          const void *body, size_t body_count, const struct cc_trace *trace,
                          int timeout_ms, struct cc_arena *arena, struct cc_http_answer *out,
                          struct cc_error *err)
{
    struct cc_http_waiter waiter = CC_HTTP_WAITER(arena, err);

    cc_peer_send(peer, method, path, body, body_count, trace, timeout_ms, cc_http_wake, &waiter);
    return cc_http_wait(&waiter, out);
}
