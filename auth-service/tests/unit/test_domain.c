/* Rules of accounts, passwords, codes and sessions. */

#include "testing.h"

#include <string.h>

#include "domain/account.h"
#include "domain/common_passwords.h"
#include "domain/device_token.h"
#include "domain/network_address.h"
#include "domain/otp.h"
#include "domain/password.h"
#include "domain/session.h"

static void an_address_is_read_in_lower_case(void **state)
{
    char email[EMAIL_ADDRESS_BYTES];
    (void)state;

    assert_true(email_address_read("Ada.Lovelace+chat@Example.ORG", email));

    assert_string_equal(email, "ada.lovelace+chat@example.org");
}

static void what_is_no_address_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "ada",
        "@example.org",
        "ada@",
        "ada@example",
        "a b@e.org",
        "ada@e..org",
        ".ada@e.org",
        "ada.@e.org",
        "a..b@e.org",
        "ada@-e.org",
        "ada@e-.org",
        "ada@[127.0.0.1]",
        "a\"b@e.org",
        "ada@e.org\r\nBcc: x@y.zz",
        "a,b@e.org",
        "ada@exämple.org",
        "ada@@example.org",
        "<ada@e.org>",
    };
    char email[EMAIL_ADDRESS_BYTES] = "untouched", long_one[400];
    (void)state;
    memset(long_one, 'a', sizeof long_one - 1);
    memcpy(long_one + sizeof long_one - 13, "@example.org", 13);

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (email_address_read(bad[i], email))
            fail_msg("accepted: %s", bad[i]);
    assert_false(email_address_read(long_one, email));

    assert_string_equal(email, "untouched");
}

static void passwords_that_everybody_tries_are_refused(void **state)
{
    static const char *const common[] = {"password123",
                                         "PassWord123",
                                         "iloveyou2",
                                         "1q2w3e4r5t",
                                         "football1",
                                         "p@ssw0rd1",
                                         "chatapp123",
                                         "zzzzzzzzzz",
                                         "ada@example.org",
                                         "summer2025",
                                         "ADA@example.ORG",
                                         "contrase\xc3\xb1"
                                         "a"};
    (void)state;
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        if (password_fault(common[i], "ada@example.org") == NULL)
            fail_msg("accepted: %s", common[i]);
    assert_non_null(password_fault("ada.lovelace", "ada.lovelace@example.org"));
    assert_null(password_fault("engines of 1843", "ada.lovelace@example.org"));
}

static void the_list_of_common_passwords_is_large_and_in_order(void **state)
{
    const size_t count = common_password_count();
    (void)state;

    assert_true(count > 400000);
    for (size_t i = 1; i < count; i++)
        assert_true(memcmp(common_passwords + (i - 1) * COMMON_PASSWORD_BYTES,
                           common_passwords + i * COMMON_PASSWORD_BYTES,
                           COMMON_PASSWORD_BYTES) < 0);
}

/* Two million of them would give one error. */
static void a_password_that_nobody_uses_is_not_taken_for_a_common_one(void **state)
{
    char token[44];
    int taken = 0;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        cc_secret_token(cc_random_system(), token);
        taken += common_passwords_hold(token);
    }
    assert_true(taken <= 2); /* by chance: once in 10^11 runs */
}

static void a_password_has_8_to_128_bytes(void **state)
{
    char text[130];
    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i * 7 % 23);
    text[129] = '\0';
    assert_non_null(password_fault(text, "x@example.org"));
    text[128] = '\0';
    assert_null(password_fault(text, "x@example.org"));
    text[8] = '\0';
    assert_null(password_fault(text, "x@example.org"));
    text[7] = '\0';
    assert_non_null(password_fault(text, "x@example.org"));
}

static void names_have_their_shape(void **state)
{
    (void)state;
    assert_true(account_display_name_valid("Ada Lovelace"));
    assert_true(account_display_name_valid("阿達·洛芙萊斯"));
    assert_false(account_display_name_valid("   "));
    assert_false(account_display_name_valid("a\tb"));
    assert_true(account_display_name_valid(/* 64 characters, 128 bytes */
                                           "ééééééééééééééééééééééééééééééééééééééééééééééééééééééé"
                                           "ééééééééé"));
    assert_false(account_display_name_valid(
        "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"));
}

static void fill_with_ff(const struct cc_random *random, void *out, size_t count)
{
    (void)random;
    memset(out, 0xAB, count);
}

static void a_code_has_six_digits(void **state)
{
    const struct cc_random fixed = {.fill = fill_with_ff};
    char code[OTP_BYTES];
    (void)state;
    otp_generate(&fixed, code);
    assert_true(otp_has_shape(code));
    for (int i = 0; i < 1000; i++) {
        otp_generate(cc_random_system(), code);
        assert_true(otp_has_shape(code));
    }
    assert_false(otp_has_shape("12345"));
    assert_false(otp_has_shape("1234567"));
    assert_false(otp_has_shape("12345x"));
}

static void a_codes_hash_depends_on_key_purpose_and_address(void **state)
{
    const unsigned char key[OTP_KEY_BYTES] = {1}, other_key[OTP_KEY_BYTES] = {2};
    char hash[OTP_HASH_BYTES], other[OTP_HASH_BYTES];
    (void)state;
    const char *id = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
               *other_id = "BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const struct otp_request ada = {.verification_id = id, .email = "ada@example.org"},
                             bob = {.verification_id = id, .email = "bob@example.org"},
                             again = {.verification_id = other_id, .email = "ada@example.org"};
    otp_hash(key, "verify", &ada, "123456", hash);

    otp_hash(key, "verify", &ada, "123456", other);
    assert_string_equal(hash, other);
    otp_hash(other_key, "verify", &ada, "123456", other);
    assert_string_not_equal(hash, other);
    otp_hash(key, "reset", &ada, "123456", other);
    assert_string_not_equal(hash, other);
    otp_hash(key, "verify", &bob, "123456", other);
    assert_string_not_equal(hash, other);
    otp_hash(key, "verify", &again, "123456", other);
    assert_string_not_equal(other, hash);
    otp_hash(key, "verify", &ada, "123457", other);
    assert_string_not_equal(hash, other);
}

static void a_device_token_is_of_one_account_device_and_key(void **state)
{
    unsigned char key[DEVICE_TOKEN_KEY_BYTES], other_key[DEVICE_TOKEN_KEY_BYTES];
    const char *ada = "00000000-0000-7000-8000-00000000000a",
               *bob = "00000000-0000-7000-8000-00000000000b";
    char token[DEVICE_TOKEN_BYTES];
    (void)state;
    device_token_key("a secret", key);
    device_token_key("another secret", other_key);
    device_token_make(key, ada, "telephone", token);

    assert_true(device_token_valid(key, ada, "telephone", token));
    assert_false(device_token_valid(other_key, ada, "telephone", token));
    assert_false(device_token_valid(key, bob, "telephone", token));
    assert_false(device_token_valid(key, ada, "laptop", token));
    assert_false(device_token_valid(key, ada, "telephone", ""));
}

static void an_old_refresh_token_is_repeated_for_ten_seconds_and_then_reuse(void **state)
{
    const struct session session = {0}, ended = {.revoked = true};
    const struct refresh_token fresh = {.expires_at_ms = 100000},
                               used = {.expires_at_ms = 100000, .rotated_at_ms = 5000};
    (void)state;
    assert_int_equal(refresh_judge(&session, &fresh, 5000), REFRESH_ROTATE);
    assert_int_equal(refresh_judge(&session, &fresh, 100000), REFRESH_OVER);
    assert_int_equal(refresh_judge(&ended, &fresh, 5000), REFRESH_OVER);
    assert_int_equal(refresh_judge(&session, &used, 15000), REFRESH_REPEAT);
    assert_int_equal(refresh_judge(&session, &used, 15001), REFRESH_REUSE);
    assert_int_equal(refresh_judge(&ended, &used, 15001), REFRESH_OVER);
}

static void a_successor_follows_from_token_and_session_alone(void **state)
{
    const struct session session = {.rotation_key = "key-of-one"},
                         other_session = {.rotation_key = "key-of-another"};
    char successor[SESSION_TOKEN_BYTES], other[SESSION_TOKEN_BYTES];
    (void)state;
    refresh_successor(&session, "token", successor);

    assert_int_equal(strlen(successor), SESSION_TOKEN_BYTES - 1);
    refresh_successor(&session, "token", other);
    assert_string_equal(successor, other);
    refresh_successor(&other_session, "token", other);
    assert_string_not_equal(successor, other);
    refresh_successor(&session, "other token", other);
    assert_string_not_equal(successor, other);
}

static void addresses_have_one_form(void **state)
{
    char out[NETWORK_ADDRESS_BYTES] = "untouched";
    (void)state;
    assert_false(network_address_read("example.org", out));
    assert_false(network_address_read("1.2.3", out));
    assert_string_equal(out, "untouched");
    assert_true(network_address_read("::FFFF:192.0.2.7", out));
    assert_string_equal(out, "192.0.2.7");
    assert_true(network_address_read("2001:DB8:0:0:1:0:0:1", out));
    assert_string_equal(out, "2001:db8::1:0:0:1");
    network_address_scope(out, out);
    assert_string_equal(out, "2001:db8::");
    network_address_scope("192.0.2.7", out);
    assert_string_equal(out, "192.0.2.7");
}

static void networks_contain_their_addresses(void **state)
{
    (void)state;
    assert_true(network_valid("10.0.0.0/8") && network_valid("::1") && network_valid("::/0"));
    assert_false(network_valid("10.0.0.0/33") || network_valid("10.0.0.0/") ||
                 network_valid("10/8") || network_valid("10.0.0.0/-1"));
    assert_true(network_contains("172.16.0.0/12", "172.31.255.255"));
    assert_false(network_contains("172.16.0.0/12", "172.32.0.0"));
    assert_true(network_contains("::1", "::1"));
    assert_false(network_contains("::/0", "127.0.0.1"));
    assert_true(network_contains("fc00::/7", "fd12::1"));
    assert_true(network_contains("127.0.0.1", "127.0.0.1"));
    assert_false(network_contains("127.0.0.1", "127.0.0.2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_have_one_form),
        cmocka_unit_test(networks_contain_their_addresses),
        cmocka_unit_test(an_address_is_read_in_lower_case),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(passwords_that_everybody_tries_are_refused),
        cmocka_unit_test(the_list_of_common_passwords_is_large_and_in_order),
        cmocka_unit_test(a_password_that_nobody_uses_is_not_taken_for_a_common_one),
        cmocka_unit_test(a_password_has_8_to_128_bytes),
        cmocka_unit_test(names_have_their_shape),
        cmocka_unit_test(a_code_has_six_digits),
        cmocka_unit_test(a_codes_hash_depends_on_key_purpose_and_address),
        cmocka_unit_test(a_device_token_is_of_one_account_device_and_key),
        cmocka_unit_test(an_old_refresh_token_is_repeated_for_ten_seconds_and_then_reuse),
        cmocka_unit_test(a_successor_follows_from_token_and_session_alone),
    };
    return cmocka_run_group_tests_name("rules of auth-service", tests, NULL, NULL);
}
