/* Who is there, read from a real Redis. */

#include "testing.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/id.h"
#include "common/liveness.h"
#include "common/topics.h"

#define MANY 230

struct fixture {
    struct cc_redis *redis;
    struct cc_ids *ids;
    int64_t now_ms;
    struct cc_error err;
};

static int setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;
    f->ids = cc_ids_create(cc_clock_system(), cc_random_system());
    f->now_ms = cc_wall_ms(cc_clock_system());
    *state = f;
    return cc_redis_create(test_env("CHAT_TEST_REDIS_URL"), 2, &f->redis, &f->err) == CC_OK ? 0 : 1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    cc_redis_destroy(f->redis);
    cc_ids_destroy(f->ids);
    return 0;
}

static void must(struct fixture *f, enum cc_code code)
{
    if (code != CC_OK)
        fail_msg("%s %s", cc_code_name(code), f->err.detail);
}

static void put(struct fixture *f, void (*name)(const char *, char *), const char *user_id,
                const char *connection, int64_t expires_in_ms)
{
    char key[CC_REDIS_NAME_BYTES], expiry[24];
    name(user_id, key);
    snprintf(expiry, sizeof expiry, "%" PRId64, f->now_ms + expires_in_ms);
    must(f, cc_redis_do(f->redis, NULL, &f->err, "ZADD", key, expiry, connection, NULL));
    must(f, cc_redis_do(f->redis, NULL, &f->err, "EXPIRE", key, "60", NULL));
}

static struct cc_liveness load(struct fixture *f, const char *user_id)
{
    struct cc_liveness found;
    must(f, cc_liveness_load(f->redis, &user_id, 1, f->now_ms, &found, &f->err));
    return found;
}

static void somebody_is_away_when_every_live_connection_is(void **state)
{
    struct fixture *f = *state;
    char user_id[CC_UUID_BYTES];
    cc_ids_next(f->ids, user_id);

    assert_int_equal(load(f, user_id).state, CC_LIVE_OFFLINE);
    put(f, cc_redis_name_presence, user_id, "n/1", 60000);
    assert_int_equal(load(f, user_id).state, CC_LIVE_ONLINE);
    put(f, cc_redis_name_presence_away, user_id, "n/1", 60000);
    assert_int_equal(load(f, user_id).state, CC_LIVE_AWAY);
    put(f, cc_redis_name_presence, user_id, "n/2", 60000);
    assert_int_equal(load(f, user_id).state, CC_LIVE_ONLINE);
    put(f, cc_redis_name_presence, user_id, "n/2", -1);
    assert_int_equal(load(f, user_id).state, CC_LIVE_AWAY);
    put(f, cc_redis_name_presence, user_id, "n/1", 0);
    assert_int_equal(load(f, user_id).state, CC_LIVE_OFFLINE);
}

static void any_number_of_people_is_read_in_order(void **state)
{
    struct fixture *f = *state;
    static char ids[MANY][CC_UUID_BYTES];
    static const char *user_ids[MANY];
    static struct cc_liveness found[MANY];
    char key[CC_REDIS_NAME_BYTES];
    for (int i = 0; i < MANY; i++) {
        cc_ids_next(f->ids, ids[i]);
        user_ids[i] = ids[i];
    }
    put(f, cc_redis_name_presence, ids[MANY - 1], "n/1", 60000);
    cc_redis_name_last_seen(ids[100], key);
    must(f, cc_redis_do(f->redis, NULL, &f->err, "SET", key, "1767225600000", "EX", "60", NULL));

    must(f, cc_liveness_load(f->redis, user_ids, MANY, f->now_ms, found, &f->err));

    assert_int_equal(found[0].state, CC_LIVE_OFFLINE);
    assert_int_equal(found[0].last_seen_ms, 0);
    assert_int_equal(found[100].last_seen_ms, INT64_C(1767225600000));
    assert_int_equal(found[MANY - 2].state, CC_LIVE_OFFLINE);
    assert_int_equal(found[MANY - 1].state, CC_LIVE_ONLINE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(somebody_is_away_when_every_live_connection_is),
        cmocka_unit_test(any_number_of_people_is_read_in_order),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
