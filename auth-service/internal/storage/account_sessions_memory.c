/* Sessions and refresh tokens in memory, for tests; see account_store_memory.h. */

#include "storage/account_store_memory.h"

#include <stdio.h>
#include <string.h>

#include "common/topics.h"
#include "domain/network_address.h"

static bool is_selected(const struct session *session, const struct session_ending *ending,
                        const char *device_id)
{
    return !session->revoked && strcmp(session->user_id, ending->user_id) == 0 &&
           (ending->only == NULL || strcmp(session->session_id, ending->only) == 0) &&
           (ending->all_except == NULL || strcmp(session->session_id, ending->all_except) != 0) &&
           (device_id == NULL || strcmp(session->device_id, device_id) == 0);
}

static struct session_revocation revocation_of(const struct session_row *row, const char *reason)
{
    struct session_revocation revocation = {
        .reason = reason, .at_ms = row->revoked_at_ms, .until_ms = row->revoked_until_ms};
    memcpy(revocation.session_id, row->session.session_id, CC_UUID_BYTES);
    memcpy(revocation.user_id, row->session.user_id, CC_UUID_BYTES);
    return revocation;
}

static void queue_event(struct memory_store *self, const struct session_revocation *revocation)
{
    struct outbox_event event = {.topic = CC_TOPIC_SESSION_REVOKED,
                                 .reason = revocation->reason,
                                 .at_ms = revocation->at_ms,
                                 .until_ms = revocation->until_ms};
    memcpy(event.event_key, revocation->session_id, CC_UUID_BYTES);
    memcpy(event.user_id, revocation->user_id, CC_UUID_BYTES);
    outbox_store_memory_add_event(self->outbox, &event);
}

enum cc_code memory_end_sessions(struct memory_store *self, const struct session_ending *ending,
                                 const char *device_id, struct cc_arena *arena,
                                 struct revocation_list *out, struct cc_error *err)
{
    struct session_revocation *items = cc_arena_calloc(arena, SESSIONS_MAX, sizeof *items);
    size_t count = 0;
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        struct session_row *row = &self->sessions[i];
        if (!row->used || !is_selected(&row->session, ending, device_id))
            continue;
        row->session.revoked = true;
        row->revoked_at_ms = ending->now_ms;
        row->revoked_until_ms = ending->until_ms;
        items[count] = revocation_of(row, ending->reason);
        queue_event(self, &items[count++]);
    }
    *out = (struct revocation_list){items, count};
    if (count > 0 && ending->notice != NULL)
        return outbox_add_mail(self->outbox, ending->notice, err);
    return CC_OK;
}

static enum cc_code add_token(struct memory_store *self, const char *session_id,
                              const struct refresh_token *token, struct cc_error *err)
{
    for (size_t i = 0; i < TOKENS_MAX; i++)
        if (!self->tokens[i].used) {
            self->tokens[i] = (struct token_row){.used = true, .token = *token};
            memcpy(self->tokens[i].session_id, session_id, CC_UUID_BYTES);
            return CC_OK;
        }
    return memory_full(err);
}

enum cc_code memory_open_session(struct account_store *store, const struct session *session,
                                 const struct refresh_token *token, const char *only_if_hash,
                                 int64_t until_ms, struct cc_arena *arena,
                                 struct revocation_list *out_replaced, struct cc_error *err)
{
    MEMORY_LOCKED struct memory_store *self = memory_lock(store);
    const struct account_row *account = memory_find_account(self, session->user_id);
    const struct session_ending ending = {.user_id = session->user_id,
                                          .reason = SESSION_ENDED_LOGOUT,
                                          .now_ms = session->created_at_ms,
                                          .until_ms = until_ms};
    if (account == NULL || account->account.suspended_at_ms != 0 ||
        strcmp(account->account.password_hash, only_if_hash) != 0)
        return cc_fail(err, CC_CONFLICT, NULL, "The account was changed meanwhile.");
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (!self->sessions[i].used) {
            CC_TRY(
                memory_end_sessions(self, &ending, session->device_id, arena, out_replaced, err));
            self->sessions[i] = (struct session_row){.used = true, .session = *session};
            return add_token(self, session->session_id, token, err);
        }
    return memory_full(err);
}

static bool is_newer(const struct session *a, const struct session *b)
{
    if (a->created_at_ms != b->created_at_ms)
        return a->created_at_ms > b->created_at_ms;
    return strcmp(a->session_id, b->session_id) > 0;
}

enum cc_code memory_list_sessions(struct account_store *store, const char *user_id, int64_t now_ms,
                                  struct cc_arena *arena, struct session_list *out,
                                  struct cc_error *err)
{
    MEMORY_LOCKED struct memory_store *self = memory_lock(store);
    struct session *items = cc_arena_calloc(arena, SESSIONS_MAX, sizeof *items);
    size_t count = 0;
    (void)err;
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        const struct session *session = &self->sessions[i].session;
        if (!self->sessions[i].used || session->revoked || session->expires_at_ms <= now_ms ||
            strcmp(session->user_id, user_id) != 0)
            continue;
        size_t at = count++;
        for (; at > 0 && is_newer(session, &items[at - 1]); at--)
            items[at] = items[at - 1];
        items[at] = *session;
    }
    *out = (struct session_list){items, count};
    return CC_OK;
}

enum cc_code memory_has_used_address(struct account_store *store, const char *email,
                                     const char *address, bool *out, struct cc_error *err)
{
    MEMORY_LOCKED struct memory_store *self = memory_lock(store);
    const struct account_row *account = memory_find_address(self, email);
    char asked[NETWORK_ADDRESS_BYTES], place[NETWORK_ADDRESS_BYTES];
    (void)err;
    *out = false;
    network_address_scope(address, asked);
    for (size_t i = 0; i < SESSIONS_MAX && account != NULL; i++) {
        network_address_scope(self->sessions[i].session.address, place);
        if (self->sessions[i].used && strcmp(place, asked) == 0 &&
            strcmp(self->sessions[i].session.user_id, account->account.account_id) == 0)
            *out = true;
    }
    return CC_OK;
}

static struct session_row *find_session(struct memory_store *self, const char *session_id)
{
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (self->sessions[i].used && strcmp(self->sessions[i].session.session_id, session_id) == 0)
            return &self->sessions[i];
    return NULL;
}

enum cc_code memory_revoke(struct account_store *store, const struct session_ending *ending,
                           struct cc_arena *arena, struct revocation_list *out,
                           struct cc_error *err)
{
    MEMORY_LOCKED struct memory_store *self = memory_lock(store);
    if (ending->only != NULL) {
        const struct session_row *row = find_session(self, ending->only);
        if (row == NULL || strcmp(row->session.user_id, ending->user_id) != 0)
            return cc_fail(err, CC_NOT_FOUND, NULL, "There is no such session.");
    }
    return memory_end_sessions(self, ending, NULL, arena, out, err);
}

enum cc_code memory_list_revocations(struct account_store *store, int64_t now_ms,
                                     struct cc_arena *arena, struct revocation_list *out,
                                     struct cc_error *err)
{
    MEMORY_LOCKED struct memory_store *self = memory_lock(store);
    struct session_revocation *items = cc_arena_calloc(arena, SESSIONS_MAX, sizeof *items);
    size_t count = 0;
    (void)err;
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (self->sessions[i].used && self->sessions[i].session.revoked &&
            self->sessions[i].revoked_until_ms > now_ms)
            items[count++] = revocation_of(&self->sessions[i], "");
    *out = (struct revocation_list){items, count};
    return CC_OK;
}

static struct token_row *find_token(struct memory_store *self, const char *hash)
{
    for (size_t i = 0; i < TOKENS_MAX; i++)
        if (self->tokens[i].used && strcmp(self->tokens[i].token.hash, hash) == 0)
            return &self->tokens[i];
    return NULL;
}

enum cc_code memory_find_refresh(struct account_store *store, const char *hash,
                                 struct refresh_token *out_token, struct session *out_session,
                                 struct cc_error *err)
{
    MEMORY_LOCKED struct memory_store *self = memory_lock(store);
    struct token_row *row = find_token(self, hash);
    if (row == NULL)
        return cc_fail(err, CC_NOT_FOUND, NULL, "There is no such token.");
    *out_token = row->token;
    *out_session = find_session(self, row->session_id)->session;
    return CC_OK;
}

enum cc_code memory_rotate(struct account_store *store, const char *hash,
                           const struct refresh_token *successor, const struct refresh_use *use,
                           bool *out_first, struct cc_error *err)
{
    MEMORY_LOCKED struct memory_store *self = memory_lock(store);
    struct token_row *row = find_token(self, hash);
    struct session_row *session = row == NULL ? NULL : find_session(self, row->session_id);
    *out_first = false;
    if (session == NULL || session->session.revoked || row->token.rotated_at_ms != 0)
        return CC_OK;
    CC_TRY(add_token(self, row->session_id, successor, err));
    row->token.rotated_at_ms = use->now_ms;
    session->session.last_seen_at_ms = use->now_ms;
    session->session.device_named = session->session.device_named || use->names_device;
    (void)snprintf(session->session.address, SESSION_ADDRESS_BYTES, "%s", use->address);
    session->session.expires_at_ms = successor->expires_at_ms;
    *out_first = true;
    return CC_OK;
}

enum cc_code memory_purge_sessions(struct account_store *store, int64_t now_ms,
                                   struct cc_error *err)
{
    MEMORY_LOCKED struct memory_store *self = memory_lock(store);
    (void)err;
    for (size_t i = 0; i < ACCOUNTS_MAX; i++)
        if (self->registrations[i].registration.expires_at_ms <= now_ms)
            self->registrations[i].used = false;
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (self->sessions[i].session.expires_at_ms <= now_ms &&
            self->sessions[i].revoked_until_ms <= now_ms)
            self->sessions[i].used = false;
    for (size_t i = 0; i < TOKENS_MAX; i++)
        if (self->tokens[i].token.expires_at_ms <= now_ms ||
            find_session(self, self->tokens[i].session_id) == NULL)
            self->tokens[i].used = false;
    return CC_OK;
}
