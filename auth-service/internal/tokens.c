/* Issuing and rotating tokens; see tokens.h. Runs on request threads. Rules: domain/session.h. */

#include "tokens.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "notices.h"
#include "revocation.h"

#define ROTATE_ROUNDS 3

static enum cc_code refuse(struct cc_error *err)
{
    return cc_fail(err, CC_UNAUTHENTICATED, NULL, "The refresh token is not valid. Log in again.");
}

static struct refresh_token stored_form(const struct auth_app *app, const char *token)
{
    struct refresh_token stored = {.expires_at_ms =
                                       auth_now_ms(app) + app->settings->refresh_token_s * 1000};
    cc_sha256_hex(token, strlen(token), stored.hash);
    return stored;
}

/* Signs an access token for the session and puts the answer together. */
static enum cc_code issue(struct auth_app *app, const struct session *session, const char *role,
                          const char *refresh_token, struct cc_arena *arena,
                          struct auth_tokens *out, struct cc_error *err)
{
    char token_id[CC_UUID_BYTES];
    int64_t now_ms = auth_now_ms(app), life_s = app->settings->access_token_s;
    struct cc_caller subject = {.token_expires_at_ms = now_ms + life_s * 1000};
    const char *access_token;

    memcpy(subject.user_id, session->user_id, sizeof subject.user_id);
    memcpy(subject.session_id, session->session_id, sizeof subject.session_id);
    memcpy(subject.device_id, session->device_id, sizeof subject.device_id);
    (void)snprintf(subject.role, sizeof subject.role, "%s", role);
    cc_ids_next(app->runtime->ids, token_id);
    CC_TRY(keyring_sign(app->keyring, &subject, now_ms, token_id, arena, &access_token, err));
    *out = (struct auth_tokens){
        .access_token = access_token,
        .expires_in_s = life_s,
        .refresh_token = cc_arena_strdup(arena, refresh_token),
        .user_id = cc_arena_strdup(arena, session->user_id),
        .session_id = cc_arena_strdup(arena, session->session_id),
        .device_id = cc_arena_strdup(arena, session->device_id),
    };
    return CC_OK;
}

enum cc_code auth_open_session(struct auth_app *app, const struct account *account,
                               const struct auth_device *device, struct cc_arena *arena,
                               struct auth_tokens *out, struct cc_error *err)
{
    char refresh_token[SESSION_TOKEN_BYTES], device_token[DEVICE_TOKEN_BYTES];
    struct revocation_list replaced;
    int64_t now_ms = auth_now_ms(app);
    struct session session = {.created_at_ms = now_ms, .last_seen_at_ms = now_ms};

    cc_secret_token(app->runtime->random, refresh_token);
    cc_secret_token(app->runtime->random, session.rotation_key);
    const struct refresh_token stored = stored_form(app, refresh_token);
    session.expires_at_ms = stored.expires_at_ms;
    cc_ids_next(app->runtime->ids, session.session_id);
    memcpy(session.user_id, account->account_id, sizeof session.user_id);
    (void)snprintf(session.device_id, sizeof session.device_id, "%s", device->device_id);
    (void)snprintf(session.device_name, sizeof session.device_name, "%s", device->name);
    (void)snprintf(session.address, sizeof session.address, "%s", device->address);
    CC_TRY(account_store_open_session(app->accounts, &session, &stored, account->password_hash,
                                      auth_revoked_until_ms(app), arena, &replaced, err));
    auth_announce_revoked(app, &replaced);
    CC_TRY(issue(app, &session, account->role, refresh_token, arena, out, err));
    device_token_make(app->device_token_key, account->account_id, device->device_id, device_token);
    out->device_token = cc_arena_strdup(arena, device_token);
    return CC_OK;
}

static enum cc_code end_for_reuse(struct auth_app *app, const struct session *session,
                                  struct cc_arena *arena, struct cc_error *err)
{
    struct account account;
    struct session_ending ending = auth_ending(app, session->user_id, SESSION_ENDED_REUSE);
    ending.only = session->session_id;
    CC_TRY(account_store_find_by_id(app->accounts, session->user_id, &account, err));
    ending.notice =
        auth_draft_mail(app, account.email, mail_token_reused(arena), AUTH_NOTICE_LIFE_MS, arena);
    cc_log(CC_LOG_WARN, "an old refresh token was used again: its session ends", "session_id",
           session->session_id, "user_id", session->user_id, NULL);
    CC_TRY(auth_revoke(app, &ending, arena, err));
    return refuse(err);
}

/* Who was suspended is told so; whose session ended otherwise logs in again. */
static enum cc_code refuse_over(struct auth_app *app, const struct session *session,
                                struct cc_error *err)
{
    struct account account;
    if (session->revoked &&
        account_store_find_by_id(app->accounts, session->user_id, &account, err) == CC_OK &&
        account.suspended_at_ms != 0)
        return cc_fail(err, CC_SUSPENDED, NULL, "An administrator has suspended this account.");
    return refuse(err);
}

static enum refresh_verdict judge(const struct auth_app *app, const struct session *session,
                                  const struct refresh_token *token,
                                  const struct auth_device *device)
{
    enum refresh_verdict verdict = refresh_judge(session, token, auth_now_ms(app));
    bool is_stranger = device->device_id == NULL
                           ? session->device_named
                           : strcmp(device->device_id, session->device_id) != 0;
    return verdict != REFRESH_OVER && is_stranger ? REFRESH_REUSE : verdict;
}

/* Finds the token and what follows it. Several callers may do so at the same time: one of them
 * rotates, the others look again and find the token used a moment ago. */
static enum cc_code find_successor(struct auth_app *app, const char *token,
                                   const struct auth_device *device, struct cc_arena *arena,
                                   struct session *out_session, char out[SESSION_TOKEN_BYTES],
                                   struct cc_error *err)
{
    const struct refresh_token presented = stored_form(app, token);
    const struct refresh_use use = {device->address, device->device_id != NULL, auth_now_ms(app)};
    for (int round = 0; round < ROTATE_ROUNDS; round++) {
        struct refresh_token found;
        bool first = true;
        enum cc_code code =
            account_store_find_refresh(app->accounts, presented.hash, &found, out_session, err);
        if (code != CC_OK)
            return code == CC_NOT_FOUND ? refuse(err) : code;
        enum refresh_verdict verdict = judge(app, out_session, &found, device);
        if (verdict == REFRESH_OVER)
            return refuse_over(app, out_session, err);
        if (verdict == REFRESH_REUSE)
            return end_for_reuse(app, out_session, arena, err);
        refresh_successor(out_session, token, out);
        const struct refresh_token successor = stored_form(app, out);
        if (verdict == REFRESH_ROTATE)
            CC_TRY(
                account_store_rotate(app->accounts, presented.hash, &successor, &use, &first, err));
        if (first)
            return CC_OK;
    }
    return cc_fail(err, CC_UNAVAILABLE, NULL, "Please try again.");
}

enum cc_code auth_refresh(struct auth_app *app, const char *refresh_token,
                          const struct auth_device *device, struct cc_arena *arena,
                          struct auth_tokens *out, struct cc_error *err)
{
    struct session session;
    struct account account;
    char successor[SESSION_TOKEN_BYTES];
    CC_TRY(find_successor(app, refresh_token, device, arena, &session, successor, err));
    CC_TRY(account_store_find_by_id(app->accounts, session.user_id, &account, err));
    return issue(app, &session, account.role, successor, arena, out, err);
}

enum cc_code auth_log_out(struct auth_app *app, const char *refresh_token, struct cc_arena *arena,
                          struct cc_error *err)
{
    const struct refresh_token presented = stored_form(app, refresh_token);
    struct refresh_token found;
    struct session session;
    enum cc_code code =
        account_store_find_refresh(app->accounts, presented.hash, &found, &session, err);
    if (code == CC_NOT_FOUND)
        return CC_OK;
    CC_TRY(code);
    struct session_ending ending = auth_ending(app, session.user_id, SESSION_ENDED_LOGOUT);
    ending.only = session.session_id;
    return auth_revoke(app, &ending, arena, err);
}
