#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

/* What the contract tests of the message store share: the store under test, changes to put into it,
 * and calls that fail the test at once. Each test has a chat of its own, so that one store serves
 * all. */

#include "common/id.h"
#include "testing.h"

#include "storage/message_store.h"

struct log_fixture {
    struct message_store *store;
    struct cc_arena *arena;
    struct cc_ids *ids;
    const char *chat;
    struct cc_error err;
};

void store_fixture_use(struct message_store *store); /* of all tests that start from now on */
int store_fixture_start(void **state);
int store_fixture_finish(void **state);
#define STORE_TEST(name)                                                                           \
    cmocka_unit_test_setup_teardown(name, store_fixture_start, store_fixture_finish)

/* Made in the fixture's arena, of its chat. */
const char *new_id(struct log_fixture *f);
struct change *a_create(struct log_fixture *f, int64_t rev, const char *body);
struct change *an_edit(struct log_fixture *f, const struct change *before, int64_t rev,
                       const char *body);
struct change *a_deletion(struct log_fixture *f, const struct change *before, int64_t rev);
struct change *a_reaction(struct log_fixture *f, const struct change *before, int64_t rev,
                          const char *user_id, const char *emoji, bool on);
struct change *a_pin(struct log_fixture *f, const struct change *before, int64_t rev, bool on);
struct change *a_refusal(struct log_fixture *f, enum cc_code code);

/* How many of them were stored. */
size_t append_expecting(struct log_fixture *f, struct change *const *changes, size_t count,
                        enum cc_code expected);
void must_append(struct log_fixture *f, struct change *change);
void append_many(struct log_fixture *f, int64_t count); /* creates, revs from 1 on */
struct change *find_change(struct log_fixture *f, const char *op_id);
void hide(struct log_fixture *f, const char *user_id, int64_t seq);
struct change_list changes_after(struct log_fixture *f, int64_t rev, size_t limit);
void must_materialise(struct log_fixture *f, struct change *const *changes, size_t count);

#endif
