/* See redis_fixture.h. One thread. */

#include "redis_fixture.h"

#include "common/alloc.h"

void redis_must(enum cc_code code, const struct cc_error *err)
{
    if (code != CC_OK)
        fail_msg("%s: %s", cc_code_name(code), err->detail);
}

int redis_fixture_setup(void **state)
{
    struct redis_fixture *f = cc_calloc(1, sizeof *f);
    struct cc_error err = {0};
    const char *url = test_env("CHAT_TEST_REDIS_URL");

    f->key = test_unique_name("redis");
    f->proxy = tcp_proxy_start(url);
    redis_must(cc_redis_create(url, 4, &f->redis, &err), &err);
    redis_must(cc_redis_create(tcp_proxy_uri(f->proxy), 1, &f->proxied, &err), &err);
    *state = f;
    return 0;
}

int redis_fixture_teardown(void **state)
{
    struct redis_fixture *f = *state;
    struct cc_error err = {0};

    redis_must(cc_redis_do(f->redis, NULL, &err, "DEL", f->key, NULL), &err);
    cc_redis_destroy(f->proxied);
    cc_redis_destroy(f->redis);
    tcp_proxy_stop(f->proxy);
    cc_free(f);
    return 0;
}
