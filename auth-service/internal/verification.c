/* Codes by mail; see verification.h. Runs on request threads. The code itself is in the mail only:
 * Redis holds a keyed hash, and no log line names it. */

#include "verification.h"

enum cc_code auth_send_code(struct auth_app *app, const char *email, struct cc_arena *arena,
                            struct cc_error *err)
{
    char code[OTP_BYTES];
    const int minutes = (int)(app->settings->otp_ttl_s + 59) / 60;
    otp_generate(app->runtime->random, code);
    CC_TRY(otp_store_put(app->otp, OTP_PURPOSE_VERIFY, email, code, err));
    const struct mail_content mail = mail_code(arena, code, minutes);
    return mail_outbox_post(app->mails, email, &mail, app->settings->otp_ttl_s * 1000, err);
}
