#ifndef CONTRACT_FIXTURE_H
#define CONTRACT_FIXTURE_H

/* What the suites of the stores' contracts share. Each suite is written once and run against the
 * stores in memory and in PostgreSQL: set contract_subject, then run them. */

#include "testing.h"

#include "common/id.h"
#include "storage/user_choices.h"
#include "storage/user_store.h"

struct contract_subject {
    struct user_store *(*make)(void); /* fresh and empty, for each test */
    struct user_choices *(*make_choices)(struct user_store *store);
    void (*unmake)(struct user_store *store);
};
extern struct contract_subject contract_subject;

struct fixture {
    struct user_store *store;
    struct user_choices *choices;
    struct cc_arena *arena;
    struct cc_ids *ids;
    const char *nobody_id; /* somebody who has no profile */
};

int contract_begin(void **state);
int contract_end(void **state);

/* Each returns the number of failed tests. */
int user_store_contract_run(const char *name);
int user_choices_contract_run(const char *name);

const char *new_id(struct fixture *f);
struct user a_user(struct fixture *f, const char *handle);
struct user_fact a_fact(struct fixture *f, const char *change);
enum cc_code enroll(struct fixture *f, const struct user *user, struct cc_error *err);
/* Fails the test unless the code is CC_OK. */
void must(enum cc_code code, const struct cc_error *err);
struct user must_enroll(struct fixture *f, const char *handle);
struct user must_find(struct fixture *f, const char *user_id);

/* What a test hears of facts. */
struct listener {
    struct fixture *f;
    struct user_fact heard[1000];
    size_t count;
    enum cc_code answer;
};
/* user_tell */
enum cc_code listen(void *arg, const struct user_fact *facts, size_t count, struct cc_error *err);
/* Listens until there is nothing more to hear. */
struct listener *hear_all(struct fixture *f);

#endif
