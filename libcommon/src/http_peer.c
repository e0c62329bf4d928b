/*
 * A peer service with several instances: round robin, the next one when nothing was done, problem
 * answers as our own codes. The blocking form runs on the caller's thread, the asynchronous one
 * continues on the HTTP client's.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/http_client.h"
#include "common/json_reader.h"

struct cc_peer {
    struct cc_http_client *client;
    char **urls;
    size_t count;
    _Atomic unsigned next;
};

struct cc_peer *cc_peer_create(struct cc_http_client *client,
                               const struct cc_setting_list *base_urls)
{
    struct cc_peer *peer = cc_calloc(1, sizeof(*peer));

    peer->client = client;
    peer->count = base_urls->count;
    peer->urls = cc_calloc(peer->count + 1, sizeof(*peer->urls));
    for (size_t i = 0; i < peer->count; i++)
        peer->urls[i] = cc_strdup(base_urls->items[i]);
    return peer;
}

void cc_peer_destroy(struct cc_peer *peer)
{
    if (peer == NULL)
        return;
    for (size_t i = 0; i < peer->count; i++)
        cc_free(peer->urls[i]);
    cc_free(peer->urls);
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

static const char *instance_url(struct cc_peer *peer, unsigned turn, struct cc_arena *arena,
                                const char *path)
{
    return cc_arena_printf(arena, "%s%s", peer->urls[turn % peer->count], path);
}

static const struct cc_http_header json_header = {.name = "Content-Type",
                                                  .value = "application/json"};

enum cc_code cc_peer_call(struct cc_peer *peer, const char *method, const char *path,
                          const void *body, size_t body_count, const struct cc_trace *trace,
                          int timeout_ms, struct cc_arena *arena, struct cc_http_answer *out,
                          struct cc_error *err)
{
    unsigned turn = atomic_fetch_add(&peer->next, 1);
    enum cc_code code = cc_fail_detail(err, CC_UNAVAILABLE, "no instance of %s is known", path);

    for (size_t i = 0; i < peer->count && code == CC_UNAVAILABLE; i++) {
        const struct cc_http_call call = {
            .method = method,
            .url = instance_url(peer, turn + (unsigned)i, arena, path),
            .headers = &json_header,
            .header_count = body_count > 0,
            .body = body,
            .body_count = body_count,
            .timeout_ms = timeout_ms,
            .trace = trace,
        };

        code = cc_http_do(peer->client, &call, arena, out, err);
        if (code == CC_OK)
            code = judge(out, err);
    }
    return code;
}

/* One asynchronous call over its instances; lives in its own arena. */
struct sending {
    struct cc_arena *arena;
    struct cc_peer *peer;
    const char *path;
    struct cc_http_call call;
    struct cc_trace trace;
    unsigned turn;
    size_t tried;
    cc_http_done done;
    void *arg;
};

static void send_next(struct sending *sending);

static void on_answer(void *arg, enum cc_code code, const struct cc_http_answer *answer,
                      const struct cc_error *err)
{
    struct sending *sending = arg;
    struct cc_error problem = {0};

    if (code == CC_OK)
        code = judge(answer, &problem);
    else
        problem = *err;
    if (code == CC_UNAVAILABLE && sending->tried < sending->peer->count) {
        send_next(sending);
        return;
    }
    sending->done(sending->arg, code, code == CC_OK ? answer : NULL, &problem);
    cc_arena_destroy(sending->arena);
}

static void send_next(struct sending *sending)
{
    sending->call.url = instance_url(sending->peer, sending->turn++, sending->arena, sending->path);
    sending->tried++;
    cc_http_send(sending->peer->client, &sending->call, on_answer, sending);
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
    sending->peer = peer;
    sending->path = cc_arena_strdup(arena, path);
    sending->turn = atomic_fetch_add(&peer->next, 1);
    sending->call = (struct cc_http_call){
        .method = cc_arena_strdup(arena, method),
        .headers = &json_header,
        .header_count = body_count > 0,
        .body = copy,
        .body_count = body_count,
    };
    return sending;
}

void cc_peer_send(struct cc_peer *peer, const char *method, const char *path, const void *body,
                  size_t body_count, const struct cc_trace *trace, int timeout_ms,
                  cc_http_done done, void *arg)
{
    struct sending *sending;
    struct cc_error err = {0};

    if (peer->count == 0) {
        cc_fail_detail(&err, CC_UNAVAILABLE, "no instance of %s is known", path);
        done(arg, CC_UNAVAILABLE, NULL, &err);
        return;
    }
    sending = create_sending(peer, method, path, body, body_count);
    sending->call.timeout_ms = timeout_ms;
    if (trace != NULL) {
        sending->trace = *trace;
        sending->call.trace = &sending->trace;
    }
    sending->done = done;
    sending->arg = arg;
    send_next(sending);
}
