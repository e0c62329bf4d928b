/* Shape of bodies: content type, UTF-8, depth. */
#include <string.h>

#include "testing.h"

#include "proxy/body_check.h"

static enum cc_code check(const char *bytes, size_t count)
{
    struct cc_error err = {0};

    return gateway_json_shape_check(bytes, count, &err);
}

static void only_json_is_taken(void **state)
{
    static const char *const good[] = {"application/json", "Application/JSON;charset=utf-8",
                                       "application/merge-patch+json", "application/json ; a=b"};
    static const char *const bad[] = {"",
                                      "text/plain",
                                      "application/jsonx",
                                      "application/json,text/plain",
                                      "multipart/form-data",
                                      "application/x-www-form-urlencoded"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(gateway_content_type_is_json(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(gateway_content_type_is_json(bad[i]));
    assert_false(gateway_content_type_is_json(NULL));
}

static void utf8_is_checked_strictly(void **state)
{
    static const char *const good[] = {"\"\xc3\xa9\"", "\"\xe2\x82\xac\"", "\"\xf0\x9f\x91\x8d\"",
                                       "\"\xef\xbf\xbd\"", "\"\xf4\x8f\xbf\xbf\""};
    static const char *const bad[] = {
        "\"\x80\"",
        "\"\xc3\"",
        "\"\xc0\xaf\"",
        "\"\xc1\xbf\"",
        "\"\xe0\x80\xaf\"",
        "\"\xed\xa0\x80\"",
        "\"\xf0\x80\x80\xaf\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xf8\x88\x80\x80\x80\"",
        "\"\xff\"",
        "\xe2\x82",
        "\"\\\xff\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(check(good[i], strlen(good[i])), CC_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (check(bad[i], strlen(bad[i])) != CC_INVALID)
            fail_msg("case %zu passed", i);
}

static void brackets_count_outside_of_texts_only(void **state)
{
    char nested[2 * GATEWAY_JSON_DEPTH_MAX + 8];
    static const char texts[] =
        "{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\",\"b\\\"[\":\"\\\\\"}";

    (void)state;
    memset(nested, '[', sizeof(nested));
    assert_int_equal(check(nested, GATEWAY_JSON_DEPTH_MAX), CC_OK);
    assert_int_equal(check(nested, GATEWAY_JSON_DEPTH_MAX + 1), CC_INVALID);
    assert_int_equal(check(texts, sizeof(texts) - 1), CC_OK);
    assert_int_equal(check("", 0), CC_OK);
    assert_int_equal(check("\"\\", 2), CC_OK); /* broken JSON is for the service to refuse */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_json_is_taken),
        cmocka_unit_test(utf8_is_checked_strictly),
        cmocka_unit_test(brackets_count_outside_of_texts_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
