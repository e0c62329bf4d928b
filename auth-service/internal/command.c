/* The command line; see command.h. Writes to PostgreSQL and announces in Redis; what goes out by
 * mail and Kafka is sent by the replicas, from the outboxes. */

#include "command.h"

#include <stdio.h>
#include <string.h>

#include "app.h"
#include "domain/email_address.h"
#include "standing.h"

enum { DONE = 0, FAILED = 1, USAGE = 64 };

static enum cc_code find_account(struct auth_app *app, const char *text, struct account *out,
                                 struct cc_error *err)
{
    char email[EMAIL_ADDRESS_BYTES];
    if (!email_address_read(text, email))
        return cc_fail(err, CC_INVALID, NULL, "This is not an e-mail address.");
    CC_TRY(account_store_find_by_email(app->accounts, email, out, err));
    if (!out->active)
        return cc_fail(err, CC_CONFLICT, NULL, "The address is not verified.");
    return CC_OK;
}

static enum cc_code set_role(struct auth_app *app, const char *address, const char *role,
                             struct cc_arena *arena, struct cc_error *err)
{
    struct account account;
    CC_TRY(find_account(app, address, &account, err));
    return auth_set_role(app, &account, role, arena, err);
}

static enum cc_code grant(struct auth_app *app, const char *address, struct cc_arena *arena,
                          struct cc_error *err)
{
    return set_role(app, address, ACCOUNT_ROLE_ADMIN, arena, err);
}

static enum cc_code withdraw(struct auth_app *app, const char *address, struct cc_arena *arena,
                             struct cc_error *err)
{
    return set_role(app, address, ACCOUNT_ROLE_USER, arena, err);
}

static enum cc_code suspend(struct auth_app *app, const char *address, struct cc_arena *arena,
                            struct cc_error *err)
{
    struct account account;
    CC_TRY(find_account(app, address, &account, err));
    return auth_suspend(app, account.account_id, arena, err);
}

static enum cc_code reinstate(struct auth_app *app, const char *address, struct cc_arena *arena,
                              struct cc_error *err)
{
    struct account account;
    CC_TRY(find_account(app, address, &account, err));
    return auth_reinstate(app, account.account_id, arena, err);
}

static enum cc_code rotate(struct auth_app *app, bool at_once, struct cc_error *err)
{
    char kid[KEY_ID_BYTES];
    const int64_t token_life_ms = app->settings->access_token_s * 1000 + SESSION_CLOCK_SKEW_MS;
    CC_TRY(keyring_rotate(app->keyring, at_once, token_life_ms, kid, err));
    printf("%s\n", kid);
    return CC_OK;
}

static enum cc_code rotate_keys(struct auth_app *app, const char *nothing, struct cc_arena *arena,
                                struct cc_error *err)
{
    (void)nothing;
    (void)arena;
    return rotate(app, false, err);
}

static enum cc_code replace_keys(struct auth_app *app, const char *nothing, struct cc_arena *arena,
                                 struct cc_error *err)
{
    (void)nothing;
    (void)arena;
    return rotate(app, true, err);
}

static enum cc_code list_keys(struct auth_app *app, const char *nothing, struct cc_arena *arena,
                              struct cc_error *err)
{
    struct stored_key_list list;
    (void)nothing;
    CC_TRY(key_store_list(app->keys, auth_now_ms(app), arena, &list, err));
    for (size_t i = 0; i < list.count; i++) {
        char from[CC_RFC3339_BYTES], until[CC_RFC3339_BYTES] = "-";
        cc_time_format(list.items[i].signs_from_ms, from);
        if (list.items[i].verifies_until_ms != 0)
            cc_time_format(list.items[i].verifies_until_ms, until);
        printf("%s signs from %s, verifies until %s\n", list.items[i].kid, from, until);
    }
    return CC_OK;
}

static const struct command {
    const char *area, *verb;
    const char *argument; /* "" = none */
    enum cc_code (*run)(struct auth_app *app, const char *argument, struct cc_arena *arena,
                        struct cc_error *err);
    const char *help;
} commands[] = {
    {"admin", "grant", "ADDRESS", grant, "makes the account an administrator's"},
    {"admin", "withdraw", "ADDRESS", withdraw, "makes it an ordinary one; logs it out"},
    {"admin", "suspend", "ADDRESS", suspend, "closes the account for now"},
    {"admin", "reinstate", "ADDRESS", reinstate, "opens it again"},
    {"keys", "rotate", "", rotate_keys, "a new signing key; the present one ends in its time"},
    {"keys", "replace", "", replace_keys,
     "a new signing key at once; tokens of others are refused"},
    {"keys", "list", "", list_keys, "the signing keys in use"},
};
#define COMMANDS (sizeof commands / sizeof *commands)

static int print_usage(void)
{
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(stderr, "auth-service ... %s %s %s: %s\n", commands[i].area, commands[i].verb,
                commands[i].argument, commands[i].help);
    return USAGE;
}

static const struct command *find_command(int count, char **words)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (count >= 2 && strcmp(words[0], commands[i].area) == 0 &&
            strcmp(words[1], commands[i].verb) == 0 &&
            count == (commands[i].argument[0] != '\0' ? 3 : 2))
            return &commands[i];
    return NULL;
}

int auth_command(const struct cc_runtime *runtime, int count, char **words)
{
    const struct command *command = find_command(count, words);
    struct auth_app app = {0};
    struct cc_error err = {0};
    if (command == NULL)
        return print_usage();
    struct cc_arena *arena = cc_arena_create(0);
    enum cc_code code = auth_app_open(&app, runtime, &err);
    if (code == CC_OK)
        code = command->run(&app, count > 2 ? words[2] : "", arena, &err);
    if (code != CC_OK)
        fprintf(stderr, "auth-service: %s %s\n", err.public_text, err.detail);
    auth_app_stop(&app);
    cc_arena_destroy(arena);
    return code == CC_OK ? DONE : FAILED;
}
