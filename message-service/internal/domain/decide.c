/* What becomes of an operation. Pure functions, any thread. Does not know what was done before, and
 * stores nothing. */

#include "domain/decide.h"

#include <string.h>

#define MS_PER_S 1000

struct question {
    const struct chat_state *state;
    const struct ev_message_created *ask;
};

static bool is_empty(const char *text)
{
    return text == NULL || text[0] == '\0';
}

static enum cc_code judge_create(const struct question *q)
{
    const struct ev_message_created *ask = q->ask;
    bool says_nothing = is_empty(ask->body) && is_empty(ask->attachments_json);
    bool is_type = strcmp(ask->type, "text") == 0 || strcmp(ask->type, "media") == 0;

    enum cc_code right = rights_may_post(q->state->rights, ask->sender_id);
    if (right != CC_OK)
        return right;
    return says_nothing || !is_type || ask->ttl_s > MESSAGE_TTL_MAX_S ? CC_UNPROCESSABLE : CC_OK;
}

static void build_create(const struct question *q, struct change *out)
{
    const struct ev_message_created *ask = q->ask;

    out->head_seq = q->state->head.seq + 1;
    out->message.seq = out->head_seq;
    out->message.type = ask->type;
    int64_t ttl_s = rights_ttl_s(q->state->rights, ask->ttl_s);
    out->expires_at_ms = ttl_s == 0 ? 0 : ask->received_at_ms + ttl_s * MS_PER_S;
}

/* chat-service has judged it; that only it speaks as "system" is all there is to see to. */
static enum cc_code judge_system(const struct question *q)
{
    bool by_system = strcmp(q->ask->sender_id, CC_SYSTEM_SENDER) == 0;
    return by_system && q->ask->system_json != NULL ? CC_OK : CC_UNPROCESSABLE;
}

static void build_system(const struct question *q, struct change *out)
{
    const struct ev_message_created *ask = q->ask;

    out->head_seq = q->state->head.seq + (ask->counted ? 1 : 0);
    out->message.seq = ask->counted ? out->head_seq : 0;
    out->message.type = "system";
    out->message.system_json = ask->system_json;
    out->member_version = ask->member_version;
    out->members = ask->members;
    out->member_count = ask->member_count;
}

static enum cc_code judge_unknown(const struct question *q)
{
    (void)q; /* a row that isn't there yet refuses whatever is asked */
    return CC_UNPROCESSABLE;
}

/* clang-format off: columns are the point */
static const struct {
    bool needs_rights;
    enum cc_code (*judge)(const struct question *q);
    void (*build)(const struct question *q, struct change *out);
} rules[] = {
    /*                 rights  judge          build        */
    [CC_OP_CREATE] = {true, judge_create, build_create},
    [CC_OP_EDIT] = {false, judge_unknown, NULL},
    [CC_OP_DELETE] = {false, judge_unknown, NULL},
    [CC_OP_REACT] = {false, judge_unknown, NULL},
    [CC_OP_PIN] = {false, judge_unknown, NULL},
    [CC_OP_SYSTEM] = {false, judge_system, build_system},
};
/* clang-format on */

bool decide_needs_rights(const struct ev_message_created *ask)
{
    return rules[ask->op].needs_rights;
}

static struct change start_change(const struct ev_message_created *ask)
{
    return (struct change){
        .chat_id = ask->chat_id,
        .op_id = ask->op_id,
        .op = ask->op,
        .event_id = ask->envelope.event_id,
        .request_hash = ask->request_hash,
        .sender_id = ask->sender_id,
        .device_id = ask->device_id,
    };
}

void decide_refusal(const struct ev_message_created *ask, enum cc_code code, struct change *out)
{
    *out = start_change(ask);
    out->refusal = code;
}

static struct cc_message start_message(const struct ev_message_created *ask, int64_t rev)
{
    return (struct cc_message){
        .message_id = ask->op_id,
        .chat_id = ask->chat_id,
        .rev = rev,
        .sender_id = ask->sender_id,
        .body = ask->body,
        .created_at_ms = ask->received_at_ms,
        .version = 1,
        .reply_to = ask->reply_to,
        .mentions = ask->mentions,
        .mention_count = ask->mention_count,
        .attachments_json = ask->attachments_json,
    };
}

void decide(struct chat_state *state, const struct ev_message_created *ask, struct change *out)
{
    struct question question = {state, ask};
    enum cc_code verdict = rules[ask->op].judge(&question);
    if (verdict != CC_OK) {
        decide_refusal(ask, verdict, out);
        return;
    }
    struct change change = start_change(ask);
    change.rev = state->head.rev + 1;
    change.silent = ask->silent;
    change.message = start_message(ask, change.rev);
    rules[ask->op].build(&question, &change);
    chat_state_advance(state, &change);
    *out = change;
}
