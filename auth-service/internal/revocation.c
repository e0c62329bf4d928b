/* Ending sessions and telling everybody; see revocation.h. Runs on request and upkeep threads. */

#include "revocation.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/bus_publish.h"
#include "common/events/session_revoked.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/topics.h"

#define COPIES_AT_ONCE 128

int64_t auth_revoked_until_ms(const struct auth_app *app)
{
    return auth_now_ms(app) + app->settings->access_token_s * 1000 + SESSION_CLOCK_SKEW_MS;
}

struct copy { /* SET revoked:{session} 1 PX life */
    char key[CC_REDIS_NAME_BYTES], life_ms[24];
    const char *argv[5];
};

static struct cc_redis_args copy_init(struct copy *self,
                                      const struct session_revocation *revocation, int64_t now_ms)
{
    int64_t left_ms = revocation->until_ms - now_ms;
    cc_redis_name_revoked(revocation->session_id, self->key);
    (void)snprintf(self->life_ms, sizeof self->life_ms, "%" PRId64, left_ms > 0 ? left_ms : 1);
    self->argv[0] = "SET";
    self->argv[1] = self->key;
    self->argv[2] = "1";
    self->argv[3] = "PX";
    self->argv[4] = self->life_ms;
    return (struct cc_redis_args){.argc = 5, .argv = self->argv};
}

static enum cc_code copy_some(struct auth_app *app, const struct session_revocation *items,
                              size_t count, struct cc_error *err)
{
    struct copy copies[COPIES_AT_ONCE];
    struct cc_redis_args commands[COPIES_AT_ONCE];
    for (size_t i = 0; i < count; i++) {
        if (app->verifier != NULL) /* the command line has none */
            cc_jwt_revoke_session(app->verifier, items[i].session_id, items[i].until_ms);
        commands[i] = copy_init(&copies[i], &items[i], auth_now_ms(app));
    }
    return cc_redis_pipeline(app->redis, commands, count, NULL, err);
}

enum cc_code auth_copy_revocations(struct auth_app *app, const struct revocation_list *list,
                                   struct cc_error *err)
{
    for (size_t at = 0; at < list->count; at += COPIES_AT_ONCE) {
        size_t left = list->count - at;
        CC_TRY(
            copy_some(app, &list->items[at], left < COPIES_AT_ONCE ? left : COPIES_AT_ONCE, err));
    }
    return CC_OK;
}

/* Gateways close with 4304 whoever was suspended: they learn the reason from the person's channel,
 * before the one that names the session only. */
static enum cc_code publish_reason(struct auth_app *app,
                                   const struct session_revocation *revocation,
                                   struct cc_error *err)
{
    char channel[CC_REDIS_NAME_BYTES];
    struct cc_strbuf frame;
    if (strcmp(revocation->reason, SESSION_ENDED_SUSPENDED) != 0)
        return CC_OK;
    cc_strbuf_init(&frame, EV_SESSION_FRAME_BYTES);
    const struct cc_bus_message message =
        ev_session_publication(revocation->session_id, revocation->reason, &frame);
    cc_redis_name_user(revocation->user_id, channel);
    enum cc_code code = cc_bus_publish(app->redis, channel, &message, err);
    cc_strbuf_finish(&frame);
    return code;
}

static enum cc_code publish(struct auth_app *app, const struct session_revocation *revocation,
                            struct cc_error *err)
{
    CC_TRY(copy_some(app, revocation, 1, err));
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
