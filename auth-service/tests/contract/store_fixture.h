#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

/* Empty stores for each test of the suite, and what tests put into them. What is returned lives as
 * long as the test; must_... fail it when the store refuses. */

#include "store_contract.h"
#include "testing.h"

#define T0       FAKE_T0_MS
#define UNTIL    (T0 + 700000)
#define LEASE_MS 5000

struct fixture {
    struct store_under_test stores;
    struct cc_arena *arena;
    struct cc_ids *ids;
    struct cc_error err;
};

/* Where the stores come from, for the tests that run next. */
void store_fixture_use(struct store_under_test (*make)(void),
                       void (*unmake)(struct store_under_test));
int set_up(void **state);
int tear_down(void **state);

#define MUST(call) assert_int_equal(call, CC_OK)
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

struct registration a_registration(struct fixture *f, const char *email, const char *key);
/* Nobody's. */
struct account an_account(struct fixture *f, const char *email);
struct outbox_mail a_mail(struct fixture *f, const char *recipient, const char *subject);
void must_enroll(struct fixture *f, const struct registration *registration);
enum cc_code admit(struct fixture *f, const char *key, const char *email, struct account *out);
struct outbox_mail_list claim_mails(struct fixture *f, int64_t now_ms, int limit);
/* The subject of the only mail that waits for that recipient; it is finished. "" = none waits. */
const char *next_mail(struct fixture *f, const char *recipient);
/* Its mail is gone already. The key is the address's. */
struct registration must_register(struct fixture *f, const char *email);
struct account must_insert(struct fixture *f, const char *email);
struct account must_activate(struct fixture *f, const char *email);
struct session a_session(struct fixture *f, const struct account *account, const char *device_id,
                         int64_t at_ms);
struct refresh_token a_token(const char *hash, int64_t expires_at_ms);
struct session must_open(struct fixture *f, const struct account *account, const char *device_id,
                         const char *token_hash, int64_t at_ms);
struct session_ending ending_of(const struct account *account, const char *reason);
size_t must_revoke(struct fixture *f, const struct session_ending *ending);
size_t living_sessions(struct fixture *f, const struct account *account);
size_t claim_events(struct fixture *f, int64_t now_ms, const struct outbox_event **out);

#endif
