/* What becomes of an operation. Pure functions, any thread. Does not know what was done before, and
 * stores nothing. How a message is altered is alter.c's. */

#include "domain/decide.h"

#include <string.h>

#include "domain/alter.h"

#define MS_PER_S 1000

static bool is_empty(const char *text)
{
    return text == NULL || text[0] == '\0';
}

/* Everybody may be called in a small chat; in a large one it takes an admin. */
static enum cc_code judge_mentions(const struct question *q)
{
    const struct rights *rights = q->state->rights;
    bool many = rights->recipients_omitted || rights->recipient_count > MENTION_ALL_MEMBERS_MAX;
    const struct rights_member *sender = rights_find(rights, q->ask->sender_id);

    return q->ask->mention_all && many && sender->role == CC_ROLE_MEMBER ? CC_FORBIDDEN : CC_OK;
}

static enum cc_code judge_create(const struct question *q)
{
    const struct ev_message_created *ask = q->ask;
    bool says_nothing = is_empty(ask->body) && is_empty(ask->attachments_json);
    bool is_type = strcmp(ask->type, "text") == 0 || strcmp(ask->type, "media") == 0;
    bool answers_nothing = ask->reply_to != NULL && q->context->target.message == NULL;

    CC_TRY(rights_may_post(q->state->rights, ask->sender_id));
    CC_TRY(judge_mentions(q));
    return says_nothing || !is_type || answers_nothing || q->context->may_not_attach ||
                   ask->ttl_s > MESSAGE_TTL_MAX_S
               ? CC_UNPROCESSABLE
               : CC_OK;
}

static void build_create(const struct question *q, struct change *out)
{
    const struct ev_message_created *ask = q->ask;

    out->head_seq = q->state->head.seq + 1;
    out->message.seq = out->head_seq;
    out->message.type = ask->type;
    int64_t ttl_s = rights_ttl_s(q->state->rights, ask->ttl_s);
    out->message.expires_at_ms = ttl_s == 0 ? 0 : ask->received_at_ms + ttl_s * MS_PER_S;
}

/* The message must be there, and of a person. */
static enum cc_code judge_target(const struct question *q)
{
    const struct cc_message *message = q->context->target.message;

    if (message == NULL)
        return CC_NOT_FOUND;
    return strcmp(message->type, "system") == 0 ? CC_UNPROCESSABLE : CC_OK;
}

static enum cc_code judge_living_target(const struct question *q)
{
    CC_TRY(judge_target(q));
    struct cc_message then = cc_message_as_of(q->context->target.message, q->ask->received_at_ms);
    return then.deleted ? CC_NOT_FOUND : CC_OK;
}

static bool is_author(const struct question *q)
{
    return strcmp(q->context->target.message->sender_id, q->ask->sender_id) == 0;
}

static enum cc_code judge_version(const struct question *q)
{
    int64_t expected = q->ask->expected_version;
    bool other = expected != 0 && expected != q->context->target.message->version;
    return other ? CC_VERSION_MISMATCH : CC_OK;
}

static enum cc_code judge_edit(const struct question *q)
{
    const struct cc_message *message = q->context->target.message;

    CC_TRY(rights_may_post(q->state->rights, q->ask->sender_id));
    CC_TRY(judge_living_target(q));
    if (!is_author(q))
        return CC_FORBIDDEN;
    if (q->ask->received_at_ms - message->created_at_ms > q->context->edit_window_ms)
        return CC_CONFLICT;
    CC_TRY(judge_mentions(q));
    CC_TRY(judge_version(q));
    return is_empty(q->ask->body) && is_empty(message->attachments_json) ? CC_UNPROCESSABLE : CC_OK;
}

/* What has expired is deleted in nobody's name. */
static enum cc_code judge_expiry(const struct question *q)
{
    int64_t expires_at_ms = q->context->target.message->expires_at_ms;
    bool due = expires_at_ms != 0 && q->ask->received_at_ms >= expires_at_ms;
    return due || q->context->target.message->deleted ? CC_OK : CC_UNPROCESSABLE;
}

/* Deleting a tombstone changes nothing, and is no fault: that is what was wanted. */
static enum cc_code judge_delete(const struct question *q)
{
    const char *sender_id = q->ask->sender_id;
    bool by_system = strcmp(sender_id, CC_SYSTEM_SENDER) == 0;

    if (!by_system)
        CC_TRY(rights_may_read(q->state->rights, sender_id));
    CC_TRY(judge_target(q));
    if (by_system)
        return judge_expiry(q);
    bool may = is_author(q) || rights_find(q->state->rights, sender_id)->role != CC_ROLE_MEMBER;
    return may ? judge_version(q) : CC_FORBIDDEN;
}

static enum cc_code judge_react(const struct question *q)
{
    const struct ev_message_created *ask = q->ask;

    CC_TRY(rights_may_read(q->state->rights, ask->sender_id));
    CC_TRY(judge_living_target(q));
    bool valid = ask->emoji != NULL && cc_reaction_valid(ask->emoji);
    return valid && alter_has_room_for_reaction(q) ? CC_OK : CC_UNPROCESSABLE;
}

static enum cc_code judge_pin(const struct question *q)
{
    CC_TRY(rights_may_post(q->state->rights, q->ask->sender_id));
    return judge_living_target(q);
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

/* clang-format off: columns are the point */
static const struct {
    bool needs_rights;
    bool alters; /* a message that is there; else it makes one */
    enum cc_code (*judge)(const struct question *q);
    void (*build)(const struct question *q, struct change *out);
} rules[] = {
    /*                 rights  alters judge         build */
    [CC_OP_CREATE] = {true, false, judge_create, build_create},
    [CC_OP_EDIT] = {true, true, judge_edit, alter_edit},
    [CC_OP_DELETE] = {true, true, judge_delete, alter_delete},
    [CC_OP_REACT] = {true, true, judge_react, alter_react},
    [CC_OP_PIN] = {true, true, judge_pin, alter_pin},
    [CC_OP_SYSTEM] = {false, false, judge_system, build_system},
};
/* clang-format on */

bool decide_needs_rights(const struct ev_message_created *ask)
{
    return rules[ask->op].needs_rights;
}

const char *decide_target_id(const struct ev_message_created *ask)
{
    if (ask->op == CC_OP_CREATE)
        return ask->reply_to;
    return rules[ask->op].alters ? ask->target_message_id : NULL;
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

static struct cc_message start_message(const struct ev_message_created *ask)
{
    return (struct cc_message){
        .message_id = ask->op_id,
        .chat_id = ask->chat_id,
        .sender_id = ask->sender_id,
        .body = ask->body,
        .created_at_ms = ask->received_at_ms,
        .version = 1,
        .reply_to = ask->reply_to,
        .mentions = ask->mentions,
        .mention_count = ask->mention_count,
        .mention_all = ask->mention_all,
        .attachments_json = ask->attachments_json,
    };
}

void decide(struct chat_state *state, const struct ev_message_created *ask,
            const struct decide_context *context, struct change *out)
{
    struct question question = {state, ask, context};
    bool alters = rules[ask->op].alters;
    enum cc_code verdict = rules[ask->op].judge(&question);
    if (verdict != CC_OK) {
        decide_refusal(ask, verdict, out);
        return;
    }
    struct change change = start_change(ask);
    change.rev = state->head.rev + 1;
    change.head_seq = state->head.seq;
    change.silent = ask->silent;
    change.message = alters ? *context->target.message : start_message(ask);
    change.message.rev = change.rev;
    rules[ask->op].build(&question, &change);
    chat_state_advance(state, &change);
    *out = change;
}
