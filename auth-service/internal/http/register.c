/* POST /v1/auth/register. Runs on worker threads. Known and unknown addresses get the same answer
 * after the same work; what differs is the mail. The handle is taken when the address is verified:
 * whoever hears that it is taken has read the mail. */

#include "app.h"
#include "guess_limits.h"
#include "http/auth_json.h"
#include "http/client_address.h"
#include "http/handlers.h"
#include "notices.h"
#include "verification.h"

#include <stdio.h>
#include <string.h>

static struct account make_account(struct auth_app *app, const struct register_input *in)
{
    struct account account = {.role = ACCOUNT_ROLE_USER, .created_at_ms = auth_now_ms(app)};
    cc_ids_next(app->runtime->ids, account.account_id);
    memcpy(account.email, in->email, sizeof account.email);
    (void)snprintf(account.handle, sizeof account.handle, "%s", in->handle);
    (void)snprintf(account.display_name, sizeof account.display_name, "%s", in->display_name);
    return account;
}

static enum cc_code enroll(struct auth_app *app, const struct register_input *in,
                           struct cc_arena *arena, struct cc_error *err)
{
    const struct outbox_mail *code = NULL, *notice;
    struct account account = make_account(app, in);
    CC_TRY(password_hash(app->hasher, in->password, account.password_hash, err));
    CC_TRY(auth_draft_code(app, OTP_PURPOSE_VERIFY, in->email, arena, &code, err));
    notice = auth_draft_mail(app, in->email, mail_known_address(arena), AUTH_NOTICE_LIFE_MS, arena);
    return account_store_enroll(app->accounts, &account, code, notice, err);
}

enum cc_code auth_http_register(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err)
{
    struct auth_app *app = cc_request_app(req);
    struct register_input in;
    struct auth_counted counted;

    CC_TRY(register_input_read(req, &in, err));
    CC_TRY(auth_limit_mail(app, in.email, auth_client_address(req), &counted, err));
    enum cc_code enrolled = enroll(app, &in, cc_request_arena(req), err);
    if (enrolled != CC_OK)
        auth_uncount(app, &counted);
    CC_TRY(enrolled);
    mail_outbox_wake(app->mails);
    status_write(res, 202, "verification_required");
    return CC_OK;
}
