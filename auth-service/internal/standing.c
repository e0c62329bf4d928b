/* Suspending, reinstating, roles; see standing.h. Runs on request threads and on the main thread of
 * the command line. */

#include "standing.h"

#include <string.h>

#include "common/log.h"
#include "notices.h"
#include "revocation.h"

static struct account_change change_of(const struct auth_app *app, const char *user_id)
{
    return (struct account_change){.account_id = user_id, .now_ms = auth_now_ms(app)};
}

enum cc_code auth_suspend(struct auth_app *app, const char *user_id, struct cc_arena *arena,
                          struct cc_error *err)
{
    struct account account;
    struct account_change change = change_of(app, user_id);
    CC_TRY(account_store_find_by_id(app->accounts, user_id, &account, err));
    change.standing = STANDING_SUSPEND;
    if (account.suspended_at_ms == 0) /* told once */
        change.notice =
            auth_draft_mail(app, account.email, mail_suspended(arena), AUTH_NOTICE_LIFE_MS, arena);
    const struct session_ending all = auth_ending(app, user_id, SESSION_ENDED_SUSPENDED);
    CC_TRY(auth_change_account(app, &change, &all, arena, err));
    cc_log(CC_LOG_INFO, "an account was suspended", "user_id", user_id, NULL);
    return CC_OK;
}

enum cc_code auth_reinstate(struct auth_app *app, const char *user_id, struct cc_arena *arena,
                            struct cc_error *err)
{
    struct account account;
    struct account_change change = change_of(app, user_id);
    CC_TRY(account_store_find_by_id(app->accounts, user_id, &account, err));
    change.standing = STANDING_REINSTATE;
    if (account.suspended_at_ms != 0)
        change.notice =
            auth_draft_mail(app, account.email, mail_reinstated(arena), AUTH_NOTICE_LIFE_MS, arena);
    CC_TRY(auth_change_account(app, &change, NULL, arena, err));
    cc_log(CC_LOG_INFO, "an account was reinstated", "user_id", user_id, NULL);
    return CC_OK;
}

enum cc_code auth_set_role(struct auth_app *app, const struct account *account, const char *role,
                           struct cc_arena *arena, struct cc_error *err)
{
    struct account_change change = change_of(app, account->account_id);
    const struct session_ending all = auth_ending(app, account->account_id, SESSION_ENDED_ADMIN);
    bool loses =
        strcmp(account->role, ACCOUNT_ROLE_ADMIN) == 0 && strcmp(role, ACCOUNT_ROLE_ADMIN) != 0;
    change.role = role;
    CC_TRY(auth_change_account(app, &change, loses ? &all : NULL, arena, err));
    cc_log(CC_LOG_INFO, "a role was changed", "user_id", account->account_id, "role", role, NULL);
    return CC_OK;
}
