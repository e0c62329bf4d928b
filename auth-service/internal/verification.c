/* Codes by mail; see verification.h. Runs on request threads. The code itself is in the mail only:
 * Redis holds a keyed hash, and no log line names it. */

#include "verification.h"

#include <string.h>

#include "common/log.h"
#include "guess_limits.h"
#include "notices.h"

enum cc_code auth_draft_code(struct auth_app *app, const char *purpose,
                             const struct otp_request *request, struct cc_arena *arena,
                             const struct outbox_mail **out, struct cc_error *err)
{
    char code[OTP_BYTES];
    const int minutes = (int)(app->settings->otp_ttl_s + 59) / 60;
    otp_generate(app->runtime->random, code);
    CC_TRY(otp_store_put(app->otp, purpose, request, code, err));
    const struct mail_content content = strcmp(purpose, OTP_PURPOSE_RESET) == 0
                                            ? mail_reset_code(arena, code, minutes)
                                            : mail_code(arena, code, minutes);
    *out = auth_draft_mail(app, request->email, content, app->settings->otp_ttl_s * 1000, arena);
    return CC_OK;
}

static enum cc_code queue_code(struct auth_app *app, const char *purpose,
                               const struct otp_request *request, struct cc_arena *arena,
                               struct cc_error *err)
{
    const struct outbox_mail *mail = NULL;
    char key[REGISTRATION_KEY_BYTES];
    const bool verifies = strcmp(purpose, OTP_PURPOSE_VERIFY) == 0;
    registration_key(request->verification_id, key);
    if (verifies && request->by_address)
        CC_TRY(account_store_repeat(app->accounts, request->email, key, auth_now_ms(app), err));
    CC_TRY(auth_draft_code(app, purpose, request, arena, &mail, err));
    return account_store_queue_mail(app->accounts, verifies ? key : NULL, mail, err);
}

enum cc_code auth_send_code(struct auth_app *app, const char *purpose,
                            const struct otp_request *request, const char *address,
                            struct cc_arena *arena, struct cc_error *err)
{
    struct auth_counted counted;
    CC_TRY(auth_limit_mail(app, request->email, address, &counted, err));
    enum cc_code queued = queue_code(app, purpose, request, arena, err);
    if (queued == CC_OK)
        mail_outbox_wake(app->mails);
    else
        auth_uncount(app, &counted);
    return queued;
}

enum cc_code auth_find_request(struct auth_app *app, const char *purpose,
                               const char *verification_id, const char *email,
                               struct cc_arena *arena, struct otp_request *out,
                               struct cc_error *err)
{
    char newest[VERIFICATION_ID_BYTES];
    *out = (struct otp_request){verification_id, email, .by_address = verification_id == NULL};
    if (!out->by_address)
        return CC_OK;
    CC_TRY(otp_store_newest(app->otp, purpose, email, newest, err));
    out->verification_id = cc_arena_strdup(arena, newest);
    return CC_OK;
}

enum cc_code auth_take_code(struct auth_app *app, const char *purpose,
                            const struct otp_request *request, const char *code,
                            const char *address, struct cc_error *err)
{
    struct auth_counted counted;
    CC_TRY(auth_limit_code(app, address, &counted, err));
    enum cc_code taken = otp_store_take(app->otp, purpose, request, code, err);
    if (taken != CC_BAD_CREDENTIALS) /* right, or not known */
        auth_uncount(app, &counted);
    return taken;
}

void auth_give_back_code(struct auth_app *app, const char *purpose,
                         const struct otp_request *request, const char *code)
{
    struct cc_error err = {0};
    if (otp_store_give_back(app->otp, purpose, request, code, &err) != CC_OK)
        cc_log_error(CC_LOG_WARN, "a one-time code is lost, its owner needs another", &err, NULL);
}
