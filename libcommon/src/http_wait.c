/* The blocking form of the HTTP client. Whoever waits holds its thread; the client's own wakes it.
 */

#include "http_wait.h"

#include <string.h>
#include <strings.h>

static void copy_answer(struct cc_http_waiter *waiter, const struct cc_http_answer *answer)
{
    struct cc_arena *arena = waiter->arena;
    struct cc_http_header *headers =
        cc_arena_calloc(arena, answer->header_count + 1, sizeof(*headers));

    for (size_t i = 0; i < answer->header_count; i++)
        headers[i] = (struct cc_http_header){
            .name = cc_arena_strdup(arena, answer->headers[i].name),
            .value = cc_arena_strdup(arena, answer->headers[i].value),
        };
    waiter->answer = *answer;
    waiter->answer.headers = headers;
    waiter->answer.body = cc_arena_strndup(arena, "", 0);
    if (answer->body_count > 0) {
        char *body = cc_arena_alloc(arena, answer->body_count + 1);

        memcpy(body, answer->body, answer->body_count);
        body[answer->body_count] = '\0';
        waiter->answer.body = body;
    }
}

void cc_http_wake(void *arg, enum cc_code code, const struct cc_http_answer *answer,
                  const struct cc_error *err)
{
    struct cc_http_waiter *waiter = arg;

    pthread_mutex_lock(&waiter->lock);
    waiter->code = code;
    if (code == CC_OK)
        copy_answer(waiter, answer);
    else if (waiter->err != NULL)
        *waiter->err = *err;
    waiter->has_ended = true;
    pthread_cond_signal(&waiter->ended);
    pthread_mutex_unlock(&waiter->lock);
}

enum cc_code cc_http_wait(struct cc_http_waiter *waiter, struct cc_http_answer *out)
{
    pthread_mutex_lock(&waiter->lock);
    while (!waiter->has_ended)
        pthread_cond_wait(&waiter->ended, &waiter->lock);
    pthread_mutex_unlock(&waiter->lock);
    if (waiter->code == CC_OK)
        *out = waiter->answer;
    return waiter->code;
}

enum cc_code cc_http_do(struct cc_http_client *client, const struct cc_http_call *call,
                        struct cc_arena *arena, struct cc_http_answer *out, struct cc_error *err)
{
    struct cc_http_waiter waiter = CC_HTTP_WAITER(arena, err);

    cc_http_send(client, call, cc_http_wake, &waiter);
    return cc_http_wait(&waiter, out);
}

const char *cc_http_answer_header(const struct cc_http_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->header_count; i++)
        if (strcasecmp(answer->headers[i].name, name) == 0)
            return answer->headers[i].value;
    return NULL;
}
