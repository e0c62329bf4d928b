/* Ending sessions and telling everybody; see revocation.h. Runs on request and upkeep threads. */

#include "revocation.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/bus.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/topics.h"

int64_t auth_revoked_until_ms(const struct auth_app *app)
{
    return auth_now_ms(app) + app->settings->access_token_s * 1000 + SESSION_CLOCK_SKEW_MS;
}

enum cc_code auth_copy_revocation(struct auth_app *app, const struct session_revocation *revocation,
                                  struct cc_error *err)
{
    char key[CC_REDIS_NAME_BYTES], life_ms[24];
    int64_t left_ms = revocation->until_ms - auth_now_ms(app);
    if (left_ms <= 0)
        return CC_OK;
    if (app->verifier != NULL) /* the command line has none */
        cc_jwt_revoke_session(app->verifier, revocation->session_id, revocation->until_ms);
    cc_redis_name_revoked(revocation->session_id, key);
    (void)snprintf(life_ms, sizeof life_ms, "%" PRId64, left_ms);
    return cc_redis_do(app->redis, NULL, err, "SET", key, "1", "PX", life_ms, NULL);
}

/* Gateways close with 4304 whoever was suspended: they learn the reason from the person's channel,
 * before the one that names the session only. */
static enum cc_code publish_reason(struct auth_app *app,
                                   const struct session_revocation *revocation,
                                   struct cc_error *err)
{
    char channel[CC_REDIS_NAME_BYTES], frame[CC_UUID_BYTES + 32];
    struct cc_strbuf text;
    if (strcmp(revocation->reason, SESSION_ENDED_SUSPENDED) != 0)
        return CC_OK;
    int length = snprintf(frame, sizeof frame, "%s %s", revocation->session_id, revocation->reason);
    const struct cc_bus_message message = {
        .kind = CC_BUS_REVOKED, .frame = frame, .frame_count = (size_t)length};
    cc_redis_name_user(revocation->user_id, channel);
    cc_strbuf_init(&text, sizeof frame + 256);
    cc_bus_write(&message, &text);
    enum cc_code code =
        cc_redis_do(app->redis, NULL, err, "PUBLISH", channel, cc_strbuf_text(&text), NULL);
    cc_strbuf_finish(&text);
    return code;
}

static enum cc_code publish(struct auth_app *app, const struct session_revocation *revocation,
                            struct cc_error *err)
{
    CC_TRY(auth_copy_revocation(app, revocation, err));
    CC_TRY(publish_reason(app, revocation, err));
    return cc_redis_do(app->redis, NULL, err, "PUBLISH", CC_CHANNEL_SESSION_REVOKED,
                       revocation->session_id, NULL);
}

void auth_announce_revoked(struct auth_app *app, const struct revocation_list *ended)
{
    struct cc_error err = {0};
    enum cc_code told = CC_OK;
    if (ended->count == 0)
        return;
    event_publisher_wake(app->events);
    for (size_t i = 0; i < ended->count; i++) {
        enum cc_code code = publish(app, &ended->items[i], &err);
        told = code != CC_OK ? code : told;
    }
    if (told != CC_OK)
        cc_log_error(CC_LOG_WARN, "a revocation has not reached Redis", &err, NULL);
    cc_counter_add(cc_counter_get("auth_sessions_revoked_total", "Sessions that were ended.",
                                  "reason", ended->items[0].reason, NULL),
                   ended->count);
}

struct session_ending auth_ending(const struct auth_app *app, const char *user_id,
                                  const char *reason)
{
    return (struct session_ending){.user_id = user_id,
                                   .reason = reason,
                                   .now_ms = auth_now_ms(app),
                                   .until_ms = auth_revoked_until_ms(app)};
}

enum cc_code auth_revoke(struct auth_app *app, const struct session_ending *ending,
                         struct cc_arena *arena, struct cc_error *err)
{
    struct revocation_list ended;
    CC_TRY(account_store_revoke(app->accounts, ending, arena, &ended, err));
    auth_announce_revoked(app, &ended);
    if (ended.count > 0 && ending->notice != NULL)
        mail_outbox_wake(app->mails);
    return CC_OK;
}

enum cc_code auth_change_account(struct auth_app *app, const struct account_change *change,
                                 const struct session_ending *ending, struct cc_arena *arena,
                                 struct cc_error *err)
{
    struct revocation_list ended;
    CC_TRY(account_store_change(app->accounts, change, ending, arena, &ended, err));
    auth_announce_revoked(app, &ended);
    mail_outbox_wake(app->mails);
    return CC_OK;
}
