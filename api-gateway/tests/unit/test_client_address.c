/* Trusted hops, keys of limits, counts of connections. */
#include <string.h>

#include "testing.h"

#include "proxy/address_counts.h"
#include "proxy/client_address.h"

static struct gateway_hops hops_of(const char *const *items, size_t count)
{
    const struct cc_setting_list list = {.items = items, .count = count};
    struct gateway_hops hops;
    struct cc_error err = {0};

    assert_int_equal(gateway_hops_read(&list, &hops, &err), CC_OK);
    return hops;
}

static void the_first_untrusted_hop_from_the_right_is_the_client(void **state)
{
    static const char *const items[] = {"10.0.0.0/8", "192.0.2.7", "fd00::/8", "203.0.113.128/25"};
    static const struct {
        const char *peer, *forwarded, *client;
    } rows[] = {
        {"10.1.2.3", "6.6.6.6, 7.7.7.7", "7.7.7.7"},
        {"10.1.2.3", "6.6.6.6,7.7.7.7 ,\t10.9.9.9", "7.7.7.7"},
        {"10.1.2.3", NULL, "10.1.2.3"},
        {"10.1.2.3", "", "10.1.2.3"},
        {"10.1.2.3", "10.0.0.1, 10.0.0.2", "10.0.0.1"},
        {"8.8.8.8", "6.6.6.6", "8.8.8.8"}, /* a stranger's word */
        {"11.0.0.1", "6.6.6.6", "11.0.0.1"},
        {"192.0.2.7", "6.6.6.6", "6.6.6.6"},
        {"192.0.2.8", "6.6.6.6", "192.0.2.8"},
        {"203.0.113.128", "6.6.6.6", "6.6.6.6"},
        {"203.0.113.127", "6.6.6.6", "203.0.113.127"},
        {"::ffff:10.1.2.3", "6.6.6.6", "6.6.6.6"},
        {"fd12::1", "2001:db8::5", "2001:db8::5"},
        {"fe80::1", "2001:db8::5", "fe80::1"},
        {"10.1.2.3", "6.6.6.6, garbage", "10.1.2.3"}, /* the last hop that is known for sure */
        {"10.1.2.3", "6.6.6.6, 7.7.7.7:80", "10.1.2.3"},
        {"10.1.2.3", "6.6.6.6,,10.0.0.1", "10.0.0.1"},
        {"10.1.2.3", "<script>", "10.1.2.3"},
        {"10.1.2.3", "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21", "10.1.2.3"},
        {"", "6.6.6.6", ""},
    };
    const struct gateway_hops hops = hops_of(items, 4);

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char client[CC_ADDRESS_BYTES];

        gateway_client_address(&hops, rows[i].peer, rows[i].forwarded, client);
        if (strcmp(client, rows[i].client) != 0)
            fail_msg("case %zu: %s", i, client);
    }
}

static void nobody_is_trusted_by_default(void **state)
{
    const struct gateway_hops hops = {0};
    char client[CC_ADDRESS_BYTES];

    (void)state;
    gateway_client_address(&hops, "127.0.0.1", "6.6.6.6", client);
    assert_string_equal(client, "127.0.0.1");
}

static void what_is_no_prefix_is_a_bad_setting(void **state)
{
    static const char *const wrong[] = {"",        "10.0.0.0/33", "10.0.0.0/",   "10.0.0.0/-1",
                                        "::/129",  "10.0.0/8",    "example.org", "10.0.0.0/8/8",
                                        "1.2.3.4 "};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const struct cc_setting_list list = {.items = &wrong[i], .count = 1};
        struct gateway_hops hops;
        struct cc_error err = {0};

        assert_int_equal(gateway_hops_read(&list, &hops, &err), CC_INVALID);
        assert_string_equal(err.field, "trusted_proxies");
    }
}

static void one_person_of_ipv6_has_a_whole_64(void **state)
{
    struct cc_arena *arena = cc_arena_create(0);

    (void)state;
    assert_string_equal(gateway_address_key(arena, "192.0.2.7"), "192.0.2.7");
    assert_string_equal(gateway_address_key(arena, "2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
    assert_string_equal(gateway_address_key(arena, "2001:db8:1:2::9"), "2001:db8:1:2::/64");
    assert_string_equal(gateway_address_key(arena, "::ffff:192.0.2.7"), "192.0.2.7");
    cc_arena_destroy(arena);
}

static void an_address_holds_its_share_and_no_more(void **state)
{
    struct gateway_addresses *addresses = gateway_addresses_create(2);
    struct gateway_address *first, *second;

    (void)state;
    first = gateway_address_take(addresses, "2001:db8::1");
    second = gateway_address_take(addresses, "2001:db8::2");
    assert_non_null(first);
    assert_ptr_equal(first, second); /* the same /64 */
    assert_null(gateway_address_take(addresses, "2001:db8::3"));
    assert_non_null(gateway_address_take(addresses, "192.0.2.7"));
    gateway_address_release(addresses, first);
    assert_non_null(gateway_address_take(addresses, "2001:db8::3"));
    gateway_address_release(addresses, second);
    gateway_address_release(addresses, second);
    gateway_address_release(addresses, NULL);
    assert_non_null(gateway_address_take(addresses, "2001:db8::1"));
    gateway_addresses_destroy(addresses);
}

static void whoever_came_above_the_share_is_counted_until_he_leaves(void **state)
{
    struct gateway_addresses *addresses = gateway_addresses_create(1);

    (void)state;
    assert_true(gateway_address_came(addresses, "192.0.2.7"));
    assert_false(gateway_address_came(addresses, "192.0.2.7"));
    assert_true(gateway_address_came(addresses, "192.0.2.8"));
    gateway_address_left(addresses, "192.0.2.7");
    assert_false(gateway_address_came(addresses, "192.0.2.7"));
    gateway_address_left(addresses, "192.0.2.7");
    gateway_address_left(addresses, "192.0.2.7");
    assert_true(gateway_address_came(addresses, "192.0.2.7"));
    gateway_addresses_destroy(addresses);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_untrusted_hop_from_the_right_is_the_client),
        cmocka_unit_test(nobody_is_trusted_by_default),
        cmocka_unit_test(what_is_no_prefix_is_a_bad_setting),
        cmocka_unit_test(one_person_of_ipv6_has_a_whole_64),
        cmocka_unit_test(an_address_holds_its_share_and_no_more),
        cmocka_unit_test(whoever_came_above_the_share_is_counted_until_he_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
