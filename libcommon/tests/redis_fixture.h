#ifndef REDIS_FIXTURE_H
#define REDIS_FIXTURE_H

/* A pool on the real Redis, another one through a proxy that makes it go away, and a key that no
 * other test has. */

#include "testing.h"

#include "common/redis_pool.h"
#include "tcp_proxy.h"

struct redis_fixture {
    struct cc_redis *redis, *proxied;
    struct tcp_proxy *proxy;
    const char *key; /* deleted by the teardown */
};

int redis_fixture_setup(void **state);
int redis_fixture_teardown(void **state);
void redis_must(enum cc_code code, const struct cc_error *err);

#define REDIS_TEST(name)                                                                           \
    cmocka_unit_test_setup_teardown(name, redis_fixture_setup, redis_fixture_teardown)

#endif
