/* DELETE /v1/users/me and GET /v1/auth/deletions/{deletion_id}. Runs on worker threads. The rest of
 * a deletion is done by the thread "deletions" (app.c); its steps: domain/deletion.h. */

#include "app.h"
#include "http/auth_json.h"
#include "http/handlers.h"
#include "notices.h"
#include "passwords.h"
#include "revocation.h"

static enum cc_code close_account(struct auth_app *app, const struct account *account,
                                  struct account_deletion *deletion, struct cc_arena *arena,
                                  struct cc_error *err)
{
    struct revocation_list ended;
    const struct session_ending all = auth_ending(app, account->account_id, SESSION_ENDED_DELETED);
    const struct account_closing closing = {
        .account_id = account->account_id,
        .deletion_id = deletion->deletion_id,
        .only_if_hash = account->password_hash,
        .notice =
            auth_draft_mail(app, account->email, mail_deleted(arena), AUTH_NOTICE_LIFE_MS, arena),
    };
    CC_TRY(account_store_close(app->accounts, &closing, &all, arena, &ended, err));
    deletion->requested_at_ms = deletion->changed_at_ms = all.now_ms;
    auth_announce_revoked(app, &ended);
    event_publisher_wake(app->events);
    mail_outbox_wake(app->mails);
    return CC_OK;
}

enum cc_code auth_http_delete_account(struct cc_request *req, struct cc_response *res,
                                      struct cc_error *err)
{
    struct auth_app *app = cc_request_app(req);
    const struct cc_caller *caller = cc_request_caller(req);
    struct account account;
    struct account_deletion deletion = {.state = "requested"};
    const char *password;

    CC_TRY(password_input_read(req, &password, err));
    CC_TRY(account_store_find_by_id(app->accounts, caller->user_id, &account, err));
    CC_TRY(auth_check_own_password(app, &account, password, caller->device_id, "/password", err));
    cc_ids_next(app->runtime->ids, deletion.deletion_id);
    CC_TRY(close_account(app, &account, &deletion, cc_request_arena(req), err));
    cc_response_status(res, 202);
    deletion_write(res, &deletion);
    return CC_OK;
}

enum cc_code auth_http_get_deletion(struct cc_request *req, struct cc_response *res,
                                    struct cc_error *err)
{
    struct auth_app *app = cc_request_app(req);
    struct account_deletion deletion;
    const char *deletion_id;
    CC_TRY(cc_request_uuid(req, "deletion_id", &deletion_id, err));
    CC_TRY(account_store_find_deletion(app->accounts, deletion_id, &deletion, err));
    deletion_write(res, &deletion);
    return CC_OK;
}
