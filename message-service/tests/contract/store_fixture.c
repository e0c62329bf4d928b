/* The store under test, changes to put into it, and calls that fail at once. */

#include "store_fixture.h"

#include <string.h>

static struct message_store *subject; /* cmocka's setup has no argument */

void store_fixture_use(struct message_store *store)
{
    subject = store;
}

const char *new_id(struct log_fixture *f)
{
    char id[CC_UUID_BYTES];

    cc_ids_next(f->ids, id);
    return cc_arena_strdup(f->arena, id);
}

int store_fixture_start(void **state)
{
    static struct log_fixture fixture;

    fixture = (struct log_fixture){.store = subject, .arena = cc_arena_create(0)};
    fixture.ids = cc_ids_create(cc_clock_system(), cc_random_system());
    fixture.chat = new_id(&fixture);
    *state = &fixture;
    return 0;
}

int store_fixture_finish(void **state)
{
    struct log_fixture *f = *state;

    cc_ids_destroy(f->ids);
    cc_arena_destroy(f->arena);
    return 0;
}

/* Builders */

struct change *a_create(struct log_fixture *f, int64_t rev, const char *body)
{
    struct change *change = CC_ARENA_NEW(f->arena, struct change);
    const char *op_id = new_id(f), *sender = new_id(f);

    *change = (struct change){
        .chat_id = f->chat,
        .op_id = op_id,
        .op = CC_OP_CREATE,
        .event_id = "event",
        .request_hash = "hash",
        .sender_id = sender,
        .device_id = "phone",
        .rev = rev,
        .head_seq = rev,
        .message =
            {
                .message_id = op_id,
                .chat_id = f->chat,
                .seq = rev,
                .rev = rev,
                .sender_id = sender,
                .type = "text",
                .body = body,
                .created_at_ms = FAKE_T0_MS,
                .version = 1,
            },
    };
    return change;
}

/* An operation on the message that `before` made or left. */
static struct change *an_alteration(struct log_fixture *f, const struct change *before,
                                    enum cc_op op, int64_t rev)
{
    struct change *change = CC_ARENA_NEW(f->arena, struct change);

    *change = *before;
    change->op = op;
    change->op_id = new_id(f);
    change->rev = change->message.rev = rev;
    change->reaction = (struct cc_reaction){0};
    return change;
}

struct change *an_edit(struct log_fixture *f, const struct change *before, int64_t rev,
                       const char *body)
{
    struct change *change = an_alteration(f, before, CC_OP_EDIT, rev);

    change->message.version++;
    change->message.body = body;
    change->message.edited_at_ms = FAKE_T0_MS + rev;
    return change;
}

struct change *a_deletion(struct log_fixture *f, const struct change *before, int64_t rev)
{
    struct change *change = an_alteration(f, before, CC_OP_DELETE, rev);

    change->message.body = "";
    change->message.attachments_json = NULL;
    change->message.mention_count = 0;
    change->message.deleted = true;
    change->message.pinned = false;
    return change;
}

struct change *a_reaction(struct log_fixture *f, const struct change *before, int64_t rev,
                          const char *user_id, const char *emoji, bool on)
{
    struct change *change = an_alteration(f, before, CC_OP_REACT, rev);

    change->sender_id = user_id;
    change->reaction = (struct cc_reaction){user_id, emoji, on};
    return change;
}

struct change *a_pin(struct log_fixture *f, const struct change *before, int64_t rev, bool on)
{
    struct change *change = an_alteration(f, before, CC_OP_PIN, rev);

    change->message.pinned = on;
    return change;
}

struct change *a_refusal(struct log_fixture *f, enum cc_code code)
{
    struct change *change = CC_ARENA_NEW(f->arena, struct change);

    *change = (struct change){
        .chat_id = f->chat,
        .op_id = new_id(f),
        .op = CC_OP_CREATE,
        .request_hash = "hash",
        .sender_id = new_id(f),
        .device_id = "",
        .refusal = code,
    };
    return change;
}

/* Helpers that fail at once */

size_t append_expecting(struct log_fixture *f, struct change *const *changes, size_t count,
                        enum cc_code expected)
{
    size_t stored = 99;

    assert_int_equal(f->store->ops->append_changes(f->store, (const struct change *const *)changes,
                                                   count, &stored, &f->err),
                     expected);
    return stored;
}

void must_append(struct log_fixture *f, struct change *change)
{
    assert_int_equal(append_expecting(f, &change, 1, CC_OK), 1);
}

void append_many(struct log_fixture *f, int64_t count)
{
    struct change *batch[CHANGE_BATCH_MAX];

    for (int64_t i = 0; i < count; i++)
        batch[i] = a_create(f, i + 1, "many");
    assert_int_equal(append_expecting(f, batch, (size_t)count, CC_OK), count);
    must_materialise(f, batch, (size_t)count);
}

struct change *find_change(struct log_fixture *f, const char *op_id)
{
    struct change *found = NULL;

    assert_int_equal(
        f->store->ops->find_operation(f->store, f->chat, op_id, f->arena, &found, &f->err), CC_OK);
    return found;
}

struct change_list changes_after(struct log_fixture *f, int64_t rev, size_t limit)
{
    struct change_list list = {0};

    assert_int_equal(
        f->store->ops->changes_after(f->store, f->chat, rev, limit, f->arena, &list, &f->err),
        CC_OK);
    return list;
}

void must_materialise(struct log_fixture *f, struct change *const *changes, size_t count)
{
    assert_int_equal(
        f->store->ops->materialise(f->store, (const struct change *const *)changes, count, &f->err),
        CC_OK);
}

void hide(struct log_fixture *f, const char *user_id, int64_t seq)
{
    const struct hidden hidden = {user_id, f->chat, new_id(f), seq};

    assert_int_equal(f->store->ops->hide(f->store, &hidden, &f->err), CC_OK);
    assert_int_equal(f->store->ops->hide(f->store, &hidden, &f->err), CC_OK); /* once more */
}
