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

static struct registration make_registration(struct auth_app *app, const struct register_input *in,
                                             const char *verification_id)
{
    const int64_t now_ms = auth_now_ms(app);
    struct registration made = {
        .account = {.role = ACCOUNT_ROLE_USER, .created_at_ms = now_ms},
        .expires_at_ms = now_ms + REGISTRATION_LIFE_MS,
    };
    struct account *account = &made.account;
    registration_key(verification_id, made.key);
    cc_ids_next(app->runtime->ids, account->account_id);
    memcpy(account->email, in->email, sizeof account->email);
    (void)snprintf(account->handle, sizeof account->handle, "%s", in->handle);
    (void)snprintf(account->display_name, sizeof account->display_name, "%s", in->display_name);
    return made;
}

static enum cc_code enroll(struct auth_app *app, const struct register_input *in,
                           const char *verification_id, struct cc_arena *arena,
                           struct cc_error *err)
{
    const struct outbox_mail *code = NULL, *notice;
    const struct otp_request request = {.verification_id = verification_id, .email = in->email};
    struct registration made = make_registration(app, in, verification_id);
    CC_TRY(password_hash(app->hasher, in->password, made.account.password_hash, err));
    CC_TRY(auth_draft_code(app, OTP_PURPOSE_VERIFY, &request, arena, &code, err));
    notice = auth_draft_mail(app, in->email, mail_known_address(arena), AUTH_NOTICE_LIFE_MS, arena);
    return account_store_enroll(app->accounts, &made, code, notice, err);
}

enum cc_code auth_http_register(struct cc_request *req, struct cc_response *res,
                                struct cc_error *err)
{
    struct auth_app *app = cc_request_app(req);
    struct register_input in;
    struct auth_counted counted;
    char verification_id[VERIFICATION_ID_BYTES];

    CC_TRY(register_input_read(req, &in, err));
    CC_TRY(auth_limit_mail(app, in.email, auth_client_address(req), &counted, err));
    cc_secret_token(app->runtime->random, verification_id);
    enum cc_code enrolled = enroll(app, &in, verification_id, cc_request_arena(req), err);
    if (enrolled != CC_OK)
        auth_uncount(app, &counted);
    CC_TRY(enrolled);
    mail_outbox_wake(app->mails);
    verification_write(res, "verification_required", verification_id);
    return CC_OK;
}
