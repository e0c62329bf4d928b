/* A chat of two people, and what they ask of it. */

#include "domain_fixture.h"

static struct cc_arena *arena; /* of the running test */

struct rights *some_rights(int64_t version)
{
    const struct rights_member members[] = {
        {.user_id = GRACE, .role = CC_ROLE_MEMBER},
        {.user_id = ADA, .role = CC_ROLE_OWNER},
    };
    struct rights_source source = {
        .version = version, .posting = CC_POST_ALL, .members = members, .count = 2};
    return rights_create(&source);
}

int domain_start(void **state)
{
    static struct chat_state chat;

    arena = cc_arena_create(0);
    chat_state_init(&chat, CHAT);
    chat_state_take_rights(&chat, some_rights(3));
    *state = &chat;
    return 0;
}

int domain_finish(void **state)
{
    chat_state_finish(*state);
    cc_arena_destroy(arena);
    return 0;
}

struct cc_arena *domain_arena(void)
{
    return arena;
}

struct ev_message_created a_send(const char *sender_id, const char *body)
{
    return (struct ev_message_created){
        .op = CC_OP_CREATE,
        .op_id = OP,
        .chat_id = CHAT,
        .sender_id = sender_id,
        .client_msg_id = "m1",
        .device_id = "phone",
        .type = "text",
        .body = body,
        .request_hash = "hash",
        .received_at_ms = FAKE_T0_MS,
    };
}

struct ev_message_created a_system(const char *json, bool counted, int64_t version,
                                   const struct cc_member_change *members, size_t count)
{
    struct ev_message_created ask = a_send(CC_SYSTEM_SENDER, "");

    ask.op = CC_OP_SYSTEM;
    ask.type = "system";
    ask.system_json = json;
    ask.counted = counted;
    ask.member_version = version;
    ask.members = members;
    ask.member_count = count;
    return ask;
}

struct change decide_on(struct chat_state *chat, const struct ev_message_created *ask,
                        const struct cc_message *target, bool reacted)
{
    struct decide_context context = {
        .target = {target, reacted}, .edit_window_ms = EDIT_WINDOW_MS, .arena = arena};
    struct change change;

    decide(chat, ask, &context, &change);
    return change;
}

struct change decide_alone(struct chat_state *chat, const struct ev_message_created *ask)
{
    return decide_on(chat, ask, NULL, false);
}

enum cc_code verdict(struct chat_state *chat, const struct ev_message_created *ask)
{
    return decide_alone(chat, ask).refusal;
}

enum cc_code verdict_on(struct chat_state *chat, const struct ev_message_created *ask,
                        const struct cc_message *target)
{
    return decide_on(chat, ask, target, false).refusal;
}

/* Ada's message, fourth in its chat, which stands at rev 9, seq 7. */
struct cc_message a_message(struct chat_state *chat)
{
    chat->head.rev = 9;
    chat->head.seq = 7;
    return (struct cc_message){
        .message_id = MSG,
        .chat_id = CHAT,
        .seq = 4,
        .rev = 5,
        .sender_id = ADA,
        .type = "text",
        .body = "helo",
        .created_at_ms = FAKE_T0_MS,
        .version = 1,
    };
}

struct ev_message_created an_operation(enum cc_op op, const char *sender_id)
{
    struct ev_message_created ask = a_send(sender_id, "");

    ask.op = op;
    ask.type = "";
    ask.target_message_id = MSG;
    ask.emoji = "";
    ask.received_at_ms = FAKE_T0_MS + 1000;
    return ask;
}

struct ev_message_created an_edit(const char *sender_id, const char *body)
{
    struct ev_message_created ask = an_operation(CC_OP_EDIT, sender_id);

    ask.body = body;
    return ask;
}

struct ev_message_created a_reaction(const char *sender_id, const char *emoji, bool on)
{
    struct ev_message_created ask = an_operation(CC_OP_REACT, sender_id);

    ask.emoji = emoji;
    ask.on = on;
    return ask;
}
