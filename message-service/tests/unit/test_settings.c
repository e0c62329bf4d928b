/* Which settings go together. */

#include "settings.h"

#include <string.h>

#include "testing.h"

static struct message_settings sound(void)
{
    return (struct message_settings){
        .topic_replication = 3,
        .production = true,
        .s3_endpoint = "https://s3.example.org",
        .s3_public_endpoint = "",
        .s3_access_key = "key",
        .s3_secret_key = "secret",
        .media_url_ttl_s = 300,
        .media_abandoned_s = 3600,
    };
}

static void refuses(const struct message_settings *settings, const char *key)
{
    struct cc_error err = {0};

    assert_int_equal(message_settings_check(settings, &err), CC_INVALID);
    assert_string_equal(err.field, key);
}

static void production_wants_https_and_keys_for_the_object_store(void **state)
{
    (void)state;
    struct cc_error err = {0};
    struct message_settings good = sound(), s = sound();

    assert_int_equal(message_settings_check(&good, &err), CC_OK);
    s.s3_endpoint = "http://s3.example.org";
    refuses(&s, "s3_endpoint");
    s.production = false;
    assert_int_equal(message_settings_check(&s, &err), CC_OK);
    s = sound();
    s.s3_public_endpoint = "http://files.example.org";
    refuses(&s, "s3_public_endpoint");
    s = sound();
    s.s3_access_key = "";
    refuses(&s, "s3_access_key");
    s = sound();
    s.s3_secret_key = "";
    refuses(&s, "s3_secret_key");
}

static void an_endpoint_is_scheme_host_and_port(void **state)
{
    (void)state;
    static const char *const bad[] = {"s3.example.org", "https://",       "https://a/b",
                                      "https://a?b",    "https://user@a", "ftp://a"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct message_settings s = sound();
        s.s3_endpoint = bad[i];
        refuses(&s, "s3_endpoint");
    }
}

static void an_installation_without_files_needs_no_keys(void **state)
{
    (void)state;
    struct cc_error err = {0};
    struct message_settings s = sound();

    s.s3_endpoint = s.s3_access_key = s.s3_secret_key = "";
    assert_int_equal(message_settings_check(&s, &err), CC_OK);
}

static void an_upload_is_not_abandoned_while_its_url_is_good(void **state)
{
    (void)state;
    struct message_settings s = sound();

    s.media_abandoned_s = s.media_url_ttl_s - 1;
    refuses(&s, "media_abandoned_s");
}

static void production_wants_more_than_one_copy_of_a_topic(void **state)
{
    (void)state;
    struct message_settings s = sound();

    s.topic_replication = 1;
    refuses(&s, "topic_replication");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(production_wants_https_and_keys_for_the_object_store),
        cmocka_unit_test(an_endpoint_is_scheme_host_and_port),
        cmocka_unit_test(an_installation_without_files_needs_no_keys),
        cmocka_unit_test(an_upload_is_not_abandoned_while_its_url_is_good),
        cmocka_unit_test(production_wants_more_than_one_copy_of_a_topic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
