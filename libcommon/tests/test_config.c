/* Settings: precedence of sources, faults that name the key, masking. */

#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../src/config_private.h"
#include "common/alloc.h"
#include "common/config.h"

struct settings {
    struct cc_common_settings common;
    const char *name, *password;
    int64_t limit;
    bool enabled;
    struct cc_setting_list peers;
};

#define AT(member) offsetof(struct settings, member)
static const struct cc_setting table[] = {
    {"port", CC_SETTING_INT, offsetof(struct cc_common_settings, port), "8104", 0, 65535, 0,
     "port"},
    {"name", CC_SETTING_TEXT, AT(name), "anonymous", 0, 0, CC_SETTING_RELOADABLE, "a name"},
    {"password", CC_SETTING_TEXT, AT(password), "", 0, 0, CC_SETTING_SECRET | CC_SETTING_REQUIRED,
     "a secret"},
    {"limit", CC_SETTING_INT, AT(limit), "10", 1, 100, 0, "a limit"},
    {"enabled", CC_SETTING_BOOL, AT(enabled), "true", 0, 0, 0, "a switch"},
    {"peers", CC_SETTING_LIST, AT(peers), "", 0, 0, 0, "a list"},
    {0},
};

struct fixture {
    char file[96], secret[96];
    struct settings settings;
    struct cc_error err;
    char *environ_list[8];
};

static int set_up(void **state)
{
    static struct fixture f;
    const char *folder = test_folder();
    memset(&f, 0, sizeof f);
    snprintf(f.file, sizeof f.file, "%s/settings.json", folder);
    snprintf(f.secret, sizeof f.secret, "%s/secret", folder);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    cc_settings_free(&f->settings);
    return 0;
}

static void write_file(const char *path, const char *content)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

static enum cc_code load(struct fixture *f, const char *json, bool check_required)
{
    cc_settings_free(&f->settings);
    memset(&f->settings, 0, sizeof f->settings);
    if (json != NULL)
        write_file(f->file, json);
    return cc_settings_load(table, json != NULL ? f->file : NULL, f->environ_list, check_required,
                            &f->settings, &f->err);
}

#define assert_refused(f, json, text)                                                              \
    do {                                                                                           \
        assert_int_equal(load((f), (json), false), CC_INVALID);                                    \
        assert_string_equal((f)->err.public_text, (text));                                         \
    } while (0)

static void defaults_hold_when_nothing_else_is_given(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(load(f, NULL, false), CC_OK);

    assert_string_equal(f->settings.name, "anonymous");
    assert_string_equal(f->settings.password, "");
    assert_int_equal(f->settings.limit, 10);
    assert_true(f->settings.enabled);
    assert_int_equal(f->settings.peers.count, 0);
    assert_string_equal(f->settings.common.host, "127.0.0.1");
    assert_int_equal(f->settings.common.drain_timeout_ms, 10000);
}

static void a_service_may_replace_a_common_default(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, NULL, false), CC_OK);
    assert_int_equal(f->settings.common.port, 8104);
}

static void the_file_wins_over_defaults_and_the_environment_over_the_file(void **state)
{
    struct fixture *f = *state;
    f->environ_list[0] = (char[]){"CHAT_LIMIT=33"};
    f->environ_list[1] = (char[]){"CHAT_PEERS= a, b,,c "};
    f->environ_list[2] = (char[]){"LIMIT=1"};

    assert_int_equal(load(f,
                          "{\"name\":\"from file\",\"limit\":22,\"enabled\":false,"
                          "\"peers\":[\"x\"],\"ops_port\":9000}",
                          false),
                     CC_OK);

    assert_string_equal(f->settings.name, "from file");
    assert_int_equal(f->settings.limit, 33);
    assert_false(f->settings.enabled);
    assert_int_equal(f->settings.peers.count, 3);
    assert_string_equal(f->settings.peers.items[0], "a");
    assert_string_equal(f->settings.peers.items[2], "c");
    assert_int_equal(f->settings.common.ops_port, 9000);
}

static void secrets_come_from_files_without_the_last_newline(void **state)
{
    struct fixture *f = *state;
    char json[200], variable[200];
    write_file(f->secret, "pass word\n");
    snprintf(json, sizeof json, "{\"password_file\":\"%s\"}", f->secret);
    assert_int_equal(load(f, json, true), CC_OK);
    assert_string_equal(f->settings.password, "pass word");

    snprintf(variable, sizeof variable, "CHAT_PASSWORD_FILE=%s", f->secret);
    f->environ_list[0] = (char[]){"CHAT_PASSWORD=weaker"};
    f->environ_list[1] = variable;
    assert_int_equal(load(f, NULL, true), CC_OK);
    assert_string_equal(f->settings.password, "pass word");
}

static void faults_name_the_key_and_the_reason(void **state)
{
    struct fixture *f = *state;
    assert_refused(f, "{\"nmae\":\"x\"}", "unknown setting 'nmae'");
    assert_refused(f, "{\"limit_file\":\"x\"}", "unknown setting 'limit_file'");
    assert_refused(f, "{\"limit\":101}", "setting 'limit' must be an integer from 1 to 100");
    assert_refused(f, "{\"limit\":\"5\"}", "setting 'limit' must be an integer from 1 to 100");
    assert_refused(f, "{\"port\":65536}", "setting 'port' must be an integer from 0 to 65535");
    assert_refused(f, "{\"enabled\":1}", "setting 'enabled' must be true or false");
    assert_refused(f, "{\"name\":1}", "setting 'name' must be a string");
    assert_refused(f, "{\"peers\":\"a\"}", "setting 'peers' must be an array of strings");
    assert_refused(f, "{\"peers\":[1]}", "setting 'peers' must be an array of strings");
    assert_refused(f, "{\"password_file\":\"/nonexistent\"}",
                   "setting 'password': can't open /nonexistent");
    assert_string_equal(f->err.field, "password");
}

static void bad_values_in_the_environment_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"", "x", "5x", " 5", "0", "101", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char variable[64];
        snprintf(variable, sizeof variable, "CHAT_LIMIT=%s", bad[i]);
        f->environ_list[0] = variable;
        assert_refused(f, NULL, "setting 'limit' must be an integer from 1 to 100");
    }
    f->environ_list[0] = (char[]){"CHAT_NAME_FILE=/etc/hostname"};
    assert_refused(f, NULL, "setting 'name' is no secret: it can't come from a file");
}

static void a_missing_or_broken_file_is_an_error(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, "[]", false), CC_INVALID);
    assert_int_equal(load(f, "{\"limit\":1,\"limit\":2}", false), CC_INVALID);
    assert_int_equal(load(f, "{", false), CC_INVALID);
    assert_non_null(strstr(f->err.public_text, "settings.json:1:"));
    unlink(f->file);
    assert_int_equal(cc_settings_load(table, f->file, NULL, false, &f->settings, &f->err),
                     CC_INVALID);
    assert_non_null(strstr(f->err.public_text, "can't read settings file"));
}

static void required_settings_are_missed_only_when_asked(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, NULL, false), CC_OK);
    assert_int_equal(load(f, NULL, true), CC_INVALID);
    assert_string_equal(f->err.public_text, "setting 'password' is required");
}

static void printing_shows_every_setting_once_and_masks_secrets(void **state)
{
    struct fixture *f = *state;
    f->environ_list[0] = (char[]){"CHAT_PASSWORD=hunter2"};
    assert_int_equal(load(f, "{\"peers\":[\"a\"]}", false), CC_OK);
    char *text = cc_settings_print(table, &f->settings);

    assert_null(strstr(text, "hunter2"));
    assert_non_null(strstr(text, "\"password\":\"***\""));
    assert_non_null(strstr(text, "\"port\":8104"));
    assert_ptr_equal(strstr(strstr(text, "\"port\":") + 1, "\"port\":"), NULL);
    assert_non_null(strstr(text, "\"peers\":[\"a\"]"));
    assert_non_null(strstr(text, "\"enabled\":true"));
    cc_free(text);

    f->environ_list[0] = NULL;
    assert_int_equal(load(f, NULL, false), CC_OK);
    text = cc_settings_print(table, &f->settings);
    assert_non_null(strstr(text, "\"password\":\"\""));
    cc_free(text);
}

static void a_reload_changes_only_rows_marked_reloadable(void **state)
{
    struct fixture *f = *state;
    struct settings fresh = {0};
    assert_int_equal(load(f, "{\"name\":\"old\",\"limit\":1}", false), CC_OK);
    write_file(f->file, "{\"name\":\"new\",\"limit\":2,\"log_level\":\"debug\",\"port\":1}");
    assert_int_equal(cc_settings_load(table, f->file, NULL, false, &fresh, &f->err), CC_OK);

    cc_settings_keep_fixed(table, &f->settings, &fresh);

    assert_string_equal(fresh.name, "new");
    assert_string_equal(fresh.common.log_level, "debug");
    assert_int_equal(fresh.limit, 1);
    assert_int_equal(fresh.common.port, 8104);
    cc_settings_free(&fresh);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(defaults_hold_when_nothing_else_is_given),
        TEST(a_service_may_replace_a_common_default),
        TEST(the_file_wins_over_defaults_and_the_environment_over_the_file),
        TEST(secrets_come_from_files_without_the_last_newline),
        TEST(faults_name_the_key_and_the_reason),
        TEST(bad_values_in_the_environment_are_refused),
        TEST(a_missing_or_broken_file_is_an_error),
        TEST(required_settings_are_missed_only_when_asked),
        TEST(printing_shows_every_setting_once_and_masks_secrets),
        TEST(a_reload_changes_only_rows_marked_reloadable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
