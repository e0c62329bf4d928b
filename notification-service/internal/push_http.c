/* The HTTP provider. On the consumer's thread, blocking. Decides nothing but what an answer means.
 */

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json_writer.h"
#include "push.h"

#define BODY_MAX_BYTES   (8 * 1024)
#define ANSWER_MAX_BYTES (16 * 1024)
#define SEQ_TEXT_BYTES   24

struct http_provider {
    struct push_provider base; /* first */
    struct cc_http_client *client;
    const char *url;
    char *authorization; /* NULL = none */
    int timeout_ms;
};

/* Values of `data` are texts: the API wants it so. */
static void put_data(struct cc_json_writer *writer, const struct push_message *message)
{
    char seq[SEQ_TEXT_BYTES];

    snprintf(seq, sizeof seq, "%lld", (long long)message->seq);
    cc_json_open_object(writer, "data");
    cc_json_put_text(writer, "notification_id", message->notification_id);
    cc_json_put_text(writer, "kind", message->kind);
    cc_json_put_text(writer, "chat_id", message->chat_id);
    cc_json_put_text_opt(writer, "message_id", message->message_id);
    cc_json_put_text(writer, "seq", seq);
    cc_json_close_object(writer);
}

/* How either kind of device names what a newer one replaces. */
static void put_platforms(struct cc_json_writer *writer, const struct push_message *message)
{
    cc_json_open_object(writer, "android");
    cc_json_put_text(writer, "collapse_key", message->collapse_key);
    cc_json_put_text(writer, "priority", "high");
    cc_json_close_object(writer);
    cc_json_open_object(writer, "apns");
    cc_json_open_object(writer, "headers");
    cc_json_put_text(writer, "apns-collapse-id", message->collapse_key);
    cc_json_close_object(writer);
    cc_json_close_object(writer);
}

static void write_body(const char *token, const struct push_message *message, struct cc_strbuf *out)
{
    struct cc_json_writer writer;

    cc_json_writer_init(&writer, out);
    cc_json_open_object(&writer, NULL);
    cc_json_open_object(&writer, "message");
    cc_json_put_text(&writer, "token", token);
    cc_json_open_object(&writer, "notification");
    cc_json_put_text(&writer, "title", message->title);
    cc_json_put_text_opt(&writer, "body", message->preview);
    cc_json_close_object(&writer);
    put_data(&writer, message);
    put_platforms(&writer, message);
    cc_json_close_object(&writer);
    cc_json_close_object(&writer);
}

static bool says_unregistered(const struct cc_http_answer *answer)
{
    static const char word[] = "UNREGISTERED";

    return memmem(answer->body, answer->body_count, word, sizeof word - 1) != NULL;
}

/* 401 and 403 are our credentials, not that device: they may be mended while the batch waits. */
static enum push_result meaning_of(const struct cc_http_answer *answer, struct cc_error *err)
{
    int status = answer->status;

    if (status >= 200 && status < 300)
        return PUSH_SENT;
    cc_fail_detail(err, CC_BAD_GATEWAY, "the push provider answered %d", status);
    if (status == 410 || (status == 404 && says_unregistered(answer)))
        return PUSH_UNREGISTERED;
    bool later = status == 401 || status == 403 || status == 404 || status == 408 ||
                 status == 429 || status == 503;
    return later ? PUSH_LATER : status >= 500 ? PUSH_UNKNOWN : PUSH_REFUSED;
}

static enum push_result ask(struct http_provider *provider, const struct cc_strbuf *body,
                            const struct cc_trace *trace, struct cc_arena *arena,
                            struct cc_error *err)
{
    const struct cc_http_header headers[] = {{"Content-Type", "application/json"},
                                             {"Authorization", provider->authorization}};
    const struct cc_http_call call = {
        .method = "POST",
        .url = provider->url,
        .headers = headers,
        .header_count = provider->authorization == NULL ? 1 : 2,
        .body = cc_strbuf_text(body),
        .body_count = body->length,
        .timeout_ms = provider->timeout_ms,
        .response_max_bytes = ANSWER_MAX_BYTES,
        .trace = trace,
    };
    struct cc_http_answer answer;
    enum cc_code code = cc_http_do(provider->client, &call, arena, &answer, err);

    if (code == CC_OK)
        return meaning_of(&answer, err);
    return code == CC_UNAVAILABLE ? PUSH_LATER : PUSH_UNKNOWN;
}

static enum push_result http_send(struct push_provider *base, const char *token,
                                  const struct push_message *message, const struct cc_trace *trace,
                                  struct cc_arena *arena, struct cc_error *err)
{
    struct cc_strbuf body;

    cc_strbuf_init(&body, BODY_MAX_BYTES);
    write_body(token, message, &body);
    enum push_result result = ask((struct http_provider *)base, &body, trace, arena, err);
    cc_strbuf_finish(&body);
    return result;
}

static void http_destroy(struct push_provider *base)
{
    cc_free(((struct http_provider *)base)->authorization);
    cc_free(base);
}

static char *bearer(const char *credential)
{
    static const char scheme[] = "Bearer ";
    size_t size = sizeof scheme + strlen(credential);
    char *text;

    if (credential[0] == '\0')
        return NULL;
    text = cc_calloc(1, size);
    snprintf(text, size, "%s%s", scheme, credential);
    return text;
}

struct push_provider *push_http_create(struct cc_http_client *client, const char *url,
                                       const char *credential, int timeout_ms)
{
    static const struct push_provider_ops ops = {.send = http_send, .destroy = http_destroy};
    struct http_provider *provider = cc_calloc(1, sizeof *provider);

    provider->base.ops = &ops;
    provider->client = client;
    provider->url = url;
    provider->authorization = bearer(credential);
    provider->timeout_ms = timeout_ms;
    return &provider->base;
}
