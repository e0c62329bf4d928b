/* POST /v1/auth/register. Runs on worker threads. Known and unknown addresses get the same answer
 * after the same work; what differs is the mail. */

#include "app.h"
#include "http/auth_json.h"
#include "http/handlers.h"
#include "profile.h"
#include "verification.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"

#define NOTICE_LIFE_MS (INT64_C(24) * 3600 * 1000)

static struct account make_account(struct auth_app *app, const struct register_input *in,
                                   const char *password_hash)
{
    struct account account = {.role = "user", .created_at_ms = auth_now_ms(app)};
    cc_ids_next(app->runtime->ids, account.account_id);
    memcpy(account.email, in->email, sizeof account.email);
    (void)snprintf(account.password_hash, sizeof account.password_hash, "%s", password_hash);
    (void)snprintf(account.handle, sizeof account.handle, "%s", in->handle);
    (void)snprintf(account.display_name, sizeof account.display_name, "%s", in->display_name);
    return account;
}

/* The account of the address: the one that is there, or `wanted`, inserted. */
static enum cc_code find_or_insert(struct auth_app *app, const struct account *wanted,
                                   struct account *out, bool *out_inserted, struct cc_error *err)
{
    *out_inserted = false;
    enum cc_code code = account_store_find_by_email(app->accounts, wanted->email, out, err);
    if (code != CC_NOT_FOUND)
        return code;
    code = account_store_insert(app->accounts, wanted, err);
    if (code == CC_CONFLICT) /* somebody registers it at the same time */
        return account_store_find_by_email(app->accounts, wanted->email, out, err);
    CC_TRY(code);
    *out = *wanted;
    *out_inserted = true;
    return CC_OK;
}

/* The last registration counts: password, names. An account whose handle somebody else has is
 * removed again if it was made by this request. */
static enum cc_code renew(struct auth_app *app, struct cc_request *req, struct account *account,
                          bool inserted, struct cc_error *err)
{
    struct cc_error ignored = {0};
    enum cc_code code =
        auth_put_profile(app, account, cc_request_trace(req), cc_request_arena(req), err);
    if (code == CC_CONFLICT && inserted &&
        account_store_remove_pending(app->accounts, account->account_id, &ignored) != CC_OK)
        cc_log_error(CC_LOG_WARN, "a registration was not removed", &ignored, "user_id",
                     account->account_id, NULL);
    CC_TRY(code);
    account->has_profile = true;
    code = account_store_renew_pending(app->accounts, account, err);
    return code == CC_NOT_FOUND ? CC_OK : code; /* verified in this very moment */
}

static enum cc_code send_notice(struct auth_app *app, struct cc_request *req, const char *email,
                                struct cc_error *err)
{
    const struct mail_content notice = mail_known_address(cc_request_arena(req));
    return mail_outbox_post(app->mails, email, &notice, NOTICE_LIFE_MS, err);
}

enum cc_code auth_http_register(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err)
{
    struct auth_app *app = cc_request_app(req);
    struct register_input in;
    char password_hash_text[ACCOUNT_HASH_BYTES];
    struct account account;
    bool inserted;

    CC_TRY(register_input_read(req, &in, err));
    CC_TRY(otp_store_count_send(app->otp, in.email, err));
    CC_TRY(password_hash(app->hasher, in.password, password_hash_text, err));
    struct account wanted = make_account(app, &in, password_hash_text);
    CC_TRY(find_or_insert(app, &wanted, &account, &inserted, err));
    if (account.active) {
        CC_TRY(send_notice(app, req, in.email, err));
    } else {
        memcpy(wanted.account_id, account.account_id, sizeof wanted.account_id);
        CC_TRY(renew(app, req, &wanted, inserted, err));
        CC_TRY(auth_send_code(app, in.email, cc_request_arena(req), err));
    }
    status_write(res, 202, "verification_required");
    return CC_OK;
}
