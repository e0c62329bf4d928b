/* Signing keys: which one signs, and which ones are still believed. */

#include "store_fixture.h"

#include <stdio.h>

static struct stored_key a_key(const char *kid, int64_t signs_from_ms)
{
    struct stored_key key = {.sealed = "sealed", .signs_from_ms = signs_from_ms};
    (void)snprintf(key.kid, sizeof key.kid, "%s", kid);
    return key;
}

static struct stored_key_list list_keys(struct fixture *f, int64_t now_ms)
{
    struct stored_key_list list;
    MUST(key_store_list(f->stores.keys, now_ms, f->arena, &list, &f->err));
    return list;
}

static void the_first_key_is_added_once(void **state)
{
    struct fixture *f = *state;
    const struct stored_key first = a_key("first", T0), other = a_key("other", T0 + 1);

    MUST(key_store_add_first(f->stores.keys, &first, &f->err));
    MUST(key_store_add_first(f->stores.keys, &other, &f->err));
    MUST(key_store_add_first(f->stores.keys, &first, &f->err));

    struct stored_key_list list = list_keys(f, T0);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].kid, "first");
    assert_string_equal(list.items[0].sealed, "sealed");
    assert_int_equal(list.items[0].signs_from_ms, T0);
    assert_int_equal(list.items[0].verifies_until_ms, 0);
}

static void a_rotated_key_is_listed_until_its_end(void **state)
{
    struct fixture *f = *state;
    const struct stored_key first = a_key("first", T0), second = a_key("second", T0 + 90),
                            third = a_key("third", T0 + 200);
    MUST(key_store_add_first(f->stores.keys, &first, &f->err));

    MUST(key_store_rotate(f->stores.keys, &second, T0, T0 + 1000, &f->err));
    struct stored_key_list list = list_keys(f, T0 + 999);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].kid, "second");
    assert_int_equal(list.items[0].verifies_until_ms, 0);
    assert_string_equal(list.items[1].kid, "first");
    assert_int_equal(list.items[1].verifies_until_ms, T0 + 1000);
    assert_int_equal(list_keys(f, T0 + 1000).count, 1);

    MUST(key_store_rotate(f->stores.keys, &third, T0 + 100, T0 + 2000, &f->err));
    list = list_keys(f, T0 + 100);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.items[0].kid, "third");
    assert_int_equal(list.items[1].verifies_until_ms, T0 + 2000);
    assert_int_equal(list.items[2].verifies_until_ms, T0 + 1000); /* not longer than before */
}

/* The ninth would push out one that is in use. One that ends all others needs no place. */
static void keys_that_are_in_use_are_not_pushed_out(void **state)
{
    struct fixture *f = *state;
    struct stored_key key = a_key("first", T0);
    MUST(key_store_add_first(f->stores.keys, &key, &f->err));
    for (int i = 1; i < KEYS_MAX; i++) {
        char kid[KEY_ID_BYTES];
        (void)snprintf(kid, sizeof kid, "key-%d", i);
        key = a_key(kid, T0 + 90 + i);
        MUST(key_store_rotate(f->stores.keys, &key, T0 + i, T0 + 1000 + i, &f->err));
    }

    key = a_key("ninth", T0 + 500);
    assert_int_equal(key_store_rotate(f->stores.keys, &key, T0 + 10, T0 + 2000, &f->err),
                     CC_CONFLICT);
    struct stored_key_list list = list_keys(f, T0 + 10);
    assert_int_equal(list.count, KEYS_MAX);
    assert_string_equal(list.items[0].kid, "key-7");
    assert_int_equal(list.items[0].verifies_until_ms, 0);

    MUST(key_store_rotate(f->stores.keys, &key, T0 + 1001, T0 + 2000, &f->err)); /* one is over */
    key = a_key("replacement", T0 + 1002);
    MUST(key_store_rotate(f->stores.keys, &key, T0 + 1002, T0 + 1002, &f->err));
    assert_int_equal(list_keys(f, T0 + 1002).count, 1);
}

int keys_contract_run(const char *name)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_key_is_added_once),
        TEST(a_rotated_key_is_listed_until_its_end),
        TEST(keys_that_are_in_use_are_not_pushed_out),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
