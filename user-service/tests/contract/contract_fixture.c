/* What contract_fixture.h describes. */

#include "contract_fixture.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"

struct contract_subject contract_subject;

int contract_begin(void **state)
{
    struct fixture *f = cc_calloc(1, sizeof *f);
    f->store = contract_subject.make();
    f->choices = contract_subject.make_choices(f->store);
    f->arena = cc_arena_create(0);
    f->ids = cc_ids_create(cc_clock_system(), cc_random_system());
    f->nobody_id = new_id(f);
    *state = f;
    return 0;
}

int contract_end(void **state)
{
    struct fixture *f = *state;
    user_choices_destroy(f->choices);
    contract_subject.unmake(f->store);
    cc_arena_destroy(f->arena);
    cc_ids_destroy(f->ids);
    cc_free(f);
    return 0;
}

const char *new_id(struct fixture *f)
{
    char *id = cc_arena_alloc(f->arena, CC_UUID_BYTES);
    cc_ids_next(f->ids, id);
    return id;
}

struct user a_user(struct fixture *f, const char *handle)
{
    return (struct user){.user_id = new_id(f),
                         .handle = handle,
                         .display_name = "Ada",
                         .email = "ada@example.org",
                         .created_at_ms = FAKE_T0_MS};
}

struct user_fact a_fact(struct fixture *f, const char *change)
{
    return (struct user_fact){
        .event_id = new_id(f), .change = change, .occurred_at_ms = FAKE_T0_MS};
}

enum cc_code enroll(struct fixture *f, const struct user *user, struct cc_error *err)
{
    struct user_fact fact = a_fact(f, "registered");
    return user_store_enroll(f->store, user, &fact, err);
}

void must(enum cc_code code, const struct cc_error *err)
{
    if (code != CC_OK)
        fail_msg("%s: %s", cc_code_name(code), err->detail);
}

struct user must_enroll(struct fixture *f, const char *handle)
{
    struct cc_error err = {0};
    struct user user = a_user(f, handle);
    must(enroll(f, &user, &err), &err);
    return user;
}

struct user must_find(struct fixture *f, const char *user_id)
{
    struct cc_error err = {0};
    struct user found;
    must(user_store_find(f->store, user_id, f->arena, &found, &err), &err);
    return found;
}

enum cc_code listen(void *arg, const struct user_fact *facts, size_t count, struct cc_error *err)
{
    struct listener *listener = arg;
    if (listener->answer != CC_OK)
        return cc_fail(err, listener->answer, NULL, "not now");
    for (size_t i = 0; i < count; i++) {
        struct user_fact *heard = &listener->heard[listener->count++];
        *heard = facts[i];
        heard->user_id = cc_arena_strdup(listener->f->arena, facts[i].user_id);
        heard->handle = cc_arena_strdup(listener->f->arena, facts[i].handle);
        heard->change = cc_arena_strdup(listener->f->arena, facts[i].change);
        heard->event_id = cc_arena_strdup(listener->f->arena, facts[i].event_id);
        heard->display_name = cc_arena_strdup(listener->f->arena, facts[i].display_name);
    }
    return CC_OK;
}

/* Listens until there is nothing more to hear. */
struct listener *hear_all(struct fixture *f)
{
    struct listener *listener = CC_ARENA_NEW(f->arena, struct listener);
    struct cc_error err = {0};
    size_t told;
    listener->f = f;
    do {
        must(user_store_tell_facts(f->store, listen, listener, &told, &err), &err);
    } while (told > 0);
    return listener;
}
