/* What owner_fixture.h describes. */

#include "owner_fixture.h"

#include <stdio.h>
#include <string.h>

#include "testing.h"

#define EDIT_WINDOW_MS 60000

/* Ports */

static enum cc_code load_rights(void *arg, const char *chat_id, struct rights **out,
                                struct cc_error *err)
{
    struct owner_fixture *f = arg;
    const struct rights_member members[] = {{.user_id = ADA, .role = CC_ROLE_OWNER},
                                            {.user_id = GRACE, .role = CC_ROLE_MEMBER}};
    struct rights_source source = {
        .version = 1, .posting = CC_POST_ALL, .members = members, .count = 2};

    (void)chat_id;
    if (f->rights_code != CC_OK)
        return cc_fail_detail(err, f->rights_code, "chat-service is away");
    *out = rights_create(&source);
    return CC_OK;
}

static bool still_owned(void *arg, const struct operation *operation)
{
    (void)operation;
    return ((struct owner_fixture *)arg)->owned;
}

static void tell(struct owner_fixture *f, const struct operation *operation)
{
    struct told *told = &f->told[f->told_count++];

    assert_true(f->told_count < TOLD_MAX);
    snprintf(told->op_id, sizeof told->op_id, "%s", operation->ask.op_id);
    snprintf(told->client_msg_id, sizeof told->client_msg_id, "%s", operation->ask.client_msg_id);
    told->refusal = operation->outcome->refusal;
    told->rev = operation->outcome->rev;
    told->seq = operation->outcome->message.seq;
    told->duplicate = operation->duplicate;
    told->recipient_count = operation->rights == NULL ? 0 : operation->rights->recipient_count;
}

static enum cc_code announce(void *arg, struct operation *const *operations, size_t count,
                             struct cc_arena *arena, struct cc_error *err)
{
    struct owner_fixture *f = arg;
    bool fails = f->announce_failures > 0;

    (void)arena;
    if (fails && !f->announce_after_effect) {
        f->announce_failures--;
        return cc_fail_detail(err, CC_OUTCOME_UNKNOWN, "no broker");
    }
    for (size_t i = 0; i < count; i++)
        tell(f, operations[i]);
    if (!fails)
        return CC_OK;
    f->announce_failures--;
    return cc_fail_detail(err, CC_OUTCOME_UNKNOWN, "reports were lost");
}

static void head_moved(void *arg, int32_t partition, const struct chat_head *head)
{
    struct owner_fixture *f = arg;
    struct cc_error err;

    (void)partition;
    f->saved_rev = head->rev;
    (void)f->store->ops->save_heads(f->store, head, 1, &err);
}

int owner_fixture_start(void **state)
{
    static struct owner_fixture fixture;

    memset(&fixture, 0, sizeof fixture);
    fixture.store = message_store_failing_create(message_store_memory_create());
    fixture.owner = owner_create(fixture.store, cc_clock_system(), EDIT_WINDOW_MS);
    fixture.arena = cc_arena_create(0);
    fixture.owned = true;
    *state = &fixture;
    return 0;
}

int owner_fixture_finish(void **state)
{
    struct owner_fixture *f = *state;

    owner_destroy(f->owner);
    message_store_destroy(f->store);
    cc_arena_destroy(f->arena);
    return 0;
}

/* Builders */

void identify(struct owner_fixture *f, struct operation *operation)
{
    struct ev_message_created *ask = &operation->ask;
    char op_id[CC_UUID_BYTES], hash[65];

    cc_op_id(ask->sender_id, ask->chat_id, ask->client_msg_id, op_id);
    cc_request_hash(ask, hash);
    ask->op_id = cc_arena_strdup(f->arena, op_id);
    ask->request_hash = cc_arena_strdup(f->arena, hash);
}

struct operation a_send(struct owner_fixture *f, const char *chat_id, const char *sender_id,
                        const char *client_msg_id, const char *body)
{
    struct operation operation = {
        .ask =
            {
                .op = CC_OP_CREATE,
                .client_msg_id = client_msg_id,
                .chat_id = chat_id,
                .sender_id = sender_id,
                .device_id = "phone",
                .origin = {"node-1", "conn-1", client_msg_id},
                .type = "text",
                .body = body,
                .emoji = "",
                .received_at_ms = FAKE_T0_MS,
            },
    };

    identify(f, &operation);
    return operation;
}

struct operation a_change_of_members(struct owner_fixture *f, const char *id, const char *event,
                                     int64_t version, const struct cc_member_change *members,
                                     size_t count)
{
    struct operation operation = a_send(f, CHAT_ONE, CC_SYSTEM_SENDER, id, "");

    operation.ask.op = CC_OP_SYSTEM;
    operation.ask.type = "system";
    operation.ask.system_json = cc_arena_printf(f->arena, "{\"event\":\"%s\"}", event);
    operation.ask.counted = true;
    operation.ask.member_version = version;
    operation.ask.members = members;
    operation.ask.member_count = count;
    return operation;
}

/* Helpers */

enum cc_code try_apply(struct owner_fixture *f, const struct operation *asked, size_t count)
{
    struct operation *operations = cc_arena_calloc(f->arena, count, sizeof *operations);
    struct owner_ports ports = {f, load_rights, still_owned, announce, head_moved};

    memcpy(operations, asked, count * sizeof *operations);
    return owner_apply(f->owner, &ports, operations, count, f->arena, &f->err);
}

void must_apply(struct owner_fixture *f, const struct operation *asked, size_t count)
{
    assert_int_equal(try_apply(f, asked, count), CC_OK);
}

void replace_owner(struct owner_fixture *f)
{
    owner_destroy(f->owner);
    f->owner = owner_create(f->store, cc_clock_system(), EDIT_WINDOW_MS);
}

void apply_as_another_owner(struct owner_fixture *f, const struct operation *asked)
{
    struct owner *ours = f->owner;

    f->owner = owner_create(f->store, cc_clock_system(), EDIT_WINDOW_MS);
    must_apply(f, asked, 1);
    owner_destroy(f->owner);
    f->owner = ours;
}

struct message_list history(struct owner_fixture *f, const char *chat_id)
{
    struct message_list list;

    assert_int_equal(
        f->store->ops->messages_by_seq(f->store, chat_id, 1, 1000, f->arena, &list, &f->err),
        CC_OK);
    return list;
}

void assert_history_is(struct owner_fixture *f, const char *chat_id, int64_t count)
{
    struct message_list list = history(f, chat_id);

    assert_int_equal(list.count, count);
    for (size_t i = 0; i < list.count; i++)
        assert_int_equal(list.items[i].seq, (int64_t)i + 1);
}

const struct told *last_told(struct owner_fixture *f, const struct operation *operation)
{
    for (size_t i = f->told_count; i > 0; i--)
        if (strcmp(f->told[i - 1].op_id, operation->ask.op_id) == 0)
            return &f->told[i - 1];
    fail_msg("nobody was told of %s", operation->ask.client_msg_id);
    return NULL;
}
