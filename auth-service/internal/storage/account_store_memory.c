/* Accounts and sessions in memory, for tests: trusted because it passes the contract suite that
 * PostgreSQL passes. One mutex, any thread. */

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "storage/account_store.h"
#include "storage/outbox_store.h"

#define ACCOUNTS_MAX 64
#define SESSIONS_MAX 256
#define TOKENS_MAX   1024

struct account_row {
    bool used;
    struct account account;
};
struct session_row {
    bool used;
    struct session session;
    int64_t revoked_at_ms, revoked_until_ms;
};
struct token_row {
    bool used;
    struct refresh_token token;
    char session_id[CC_UUID_BYTES];
};
struct memory_store {
    struct account_store store; /* first: the interface points here */
    struct outbox_store *outbox;
    pthread_mutex_t lock;
    struct account_row accounts[ACCOUNTS_MAX];
    struct session_row sessions[SESSIONS_MAX];
    struct token_row tokens[TOKENS_MAX];
};

/* Every call holds the lock from here to the end of its scope. */
static void release(struct memory_store **self)
{
    pthread_mutex_unlock(&(*self)->lock);
}
#define LOCKED __attribute__((cleanup(release)))

static struct memory_store *lock(struct account_store *store)
{
    struct memory_store *self = (struct memory_store *)store;
    pthread_mutex_lock(&self->lock);
    return self;
}

static enum cc_code full(struct cc_error *err)
{
    return cc_fail_detail(err, CC_INTERNAL, "the memory store is full");
}

static struct account_row *find_account(struct memory_store *self, const char *account_id)
{
    for (size_t i = 0; i < ACCOUNTS_MAX; i++)
        if (self->accounts[i].used && strcmp(self->accounts[i].account.account_id, account_id) == 0)
            return &self->accounts[i];
    return NULL;
}

static struct account_row *find_address(struct memory_store *self, const char *email)
{
    for (size_t i = 0; i < ACCOUNTS_MAX; i++)
        if (self->accounts[i].used && strcmp(self->accounts[i].account.email, email) == 0)
            return &self->accounts[i];
    return NULL;
}

static enum cc_code no_account(struct cc_error *err)
{
    return cc_fail(err, CC_NOT_FOUND, NULL, "There is no such account.");
}

static enum cc_code insert_account(struct account_store *store, const struct account *account,
                                   struct cc_error *err)
{
    LOCKED struct memory_store *self = lock(store);
    if (find_address(self, account->email) != NULL)
        return cc_fail(err, CC_CONFLICT, "accounts_email_key", "It exists already.");
    for (size_t i = 0; i < ACCOUNTS_MAX; i++)
        if (!self->accounts[i].used) {
            self->accounts[i] = (struct account_row){true, *account};
            return CC_OK;
        }
    return full(err);
}

static enum cc_code find_by_email(struct account_store *store, const char *email,
                                  struct account *out, struct cc_error *err)
{
    LOCKED struct memory_store *self = lock(store);
    struct account_row *row = find_address(self, email);
    if (row == NULL)
        return no_account(err);
    *out = row->account;
    return CC_OK;
}

static enum cc_code find_by_id(struct account_store *store, const char *account_id,
                               struct account *out, struct cc_error *err)
{
    LOCKED struct memory_store *self = lock(store);
    struct account_row *row = find_account(self, account_id);
    if (row == NULL)
        return no_account(err);
    *out = row->account;
    return CC_OK;
}

static enum cc_code renew_pending(struct account_store *store, const struct account *account,
                                  struct cc_error *err)
{
    LOCKED struct memory_store *self = lock(store);
    struct account_row *row = find_account(self, account->account_id);
    if (row == NULL || row->account.active)
        return no_account(err);
    memcpy(row->account.password_hash, account->password_hash, ACCOUNT_HASH_BYTES);
    memcpy(row->account.handle, account->handle, ACCOUNT_HANDLE_BYTES);
    memcpy(row->account.display_name, account->display_name, ACCOUNT_DISPLAY_NAME_BYTES);
    row->account.has_profile = account->has_profile;
    return CC_OK;
}

static enum cc_code remove_pending(struct account_store *store, const char *account_id,
                                   struct cc_error *err)
{
    LOCKED struct memory_store *self = lock(store);
    struct account_row *row = find_account(self, account_id);
    (void)err;
    if (row != NULL && !row->account.active)
        row->used = false;
    return CC_OK;
}

static enum cc_code activate(struct account_store *store, const char *account_id,
                             struct cc_error *err)
{
    LOCKED struct memory_store *self = lock(store);
    struct account_row *row = find_account(self, account_id);
    if (row == NULL)
        return no_account(err);
    row->account.active = true;
    row->account.has_profile = true;
    return CC_OK;
}

static enum cc_code change_password_hash(struct account_store *store, const char *account_id,
                                         const char *from, const char *to, struct cc_error *err)
{
    LOCKED struct memory_store *self = lock(store);
    struct account_row *row = find_account(self, account_id);
    if (row == NULL || strcmp(row->account.password_hash, from) != 0)
        return cc_fail(err, CC_CONFLICT, NULL, "It was changed meanwhile.");
    (void)snprintf(row->account.password_hash, ACCOUNT_HASH_BYTES, "%s", to);
    return CC_OK;
}

struct ending { /* which living sessions end, and how */
    const struct session_selection *selection;
    const char *device_id; /* NULL = of any device */
    const char *reason;
    int64_t now_ms, until_ms;
};

static bool is_selected(const struct session *session, const struct ending *ending)
{
    const struct session_selection *selection = ending->selection;
    return !session->revoked && strcmp(session->user_id, selection->user_id) == 0 &&
           (selection->only == NULL || strcmp(session->session_id, selection->only) == 0) &&
           (selection->all_except == NULL ||
            strcmp(session->session_id, selection->all_except) != 0) &&
           (ending->device_id == NULL || strcmp(session->device_id, ending->device_id) == 0);
}

static struct session_revocation revocation_of(const struct session_row *row, const char *reason)
{
    struct session_revocation revocation = {
        .reason = reason, .at_ms = row->revoked_at_ms, .until_ms = row->revoked_until_ms};
    memcpy(revocation.session_id, row->session.session_id, CC_UUID_BYTES);
    memcpy(revocation.user_id, row->session.user_id, CC_UUID_BYTES);
    return revocation;
}

static struct revocation_list end_sessions(struct memory_store *self, const struct ending *ending,
                                           struct cc_arena *arena)
{
    struct session_revocation *items = cc_arena_calloc(arena, SESSIONS_MAX, sizeof *items);
    size_t count = 0;
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        struct session_row *row = &self->sessions[i];
        if (!row->used || !is_selected(&row->session, ending))
            continue;
        row->session.revoked = true;
        row->revoked_at_ms = ending->now_ms;
        row->revoked_until_ms = ending->until_ms;
        items[count] = revocation_of(row, ending->reason);
        outbox_store_memory_add_event(self->outbox, &items[count++]);
    }
    return (struct revocation_list){items, count};
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
    return full(err);
}

static enum cc_code open_session(struct account_store *store, const struct session *session,
                                 const struct refresh_token *token, int64_t until_ms,
                                 struct cc_arena *arena, struct revocation_list *out_replaced,
                                 struct cc_error *err)
{
    LOCKED struct memory_store *self = lock(store);
    const struct session_selection of_user = {.user_id = session->user_id};
    const struct ending ending = {&of_user, session->device_id, SESSION_ENDED_LOGOUT,
                                  session->created_at_ms, until_ms};
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (!self->sessions[i].used) {
            *out_replaced = end_sessions(self, &ending, arena);
            self->sessions[i] = (struct session_row){.used = true, .session = *session};
            return add_token(self, session->session_id, token, err);
        }
    return full(err);
}

static bool is_newer(const struct session *a, const struct session *b)
{
    if (a->created_at_ms != b->created_at_ms)
        return a->created_at_ms > b->created_at_ms;
    return strcmp(a->session_id, b->session_id) > 0;
}

static enum cc_code list_sessions(struct account_store *store, const char *user_id, int64_t now_ms,
                                  struct cc_arena *arena, struct session_list *out,
                                  struct cc_error *err)
{
    LOCKED struct memory_store *self = lock(store);
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

static struct session_row *find_session(struct memory_store *self, const char *session_id)
{
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (self->sessions[i].used && strcmp(self->sessions[i].session.session_id, session_id) == 0)
            return &self->sessions[i];
    return NULL;
}

static enum cc_code revoke(struct account_store *store, const struct session_selection *selection,
                           const char *reason, int64_t now_ms, int64_t until_ms,
                           struct cc_arena *arena, struct revocation_list *out,
                           struct cc_error *err)
{
    LOCKED struct memory_store *self = lock(store);
    if (selection->only != NULL) {
        const struct session_row *row = find_session(self, selection->only);
        if (row == NULL || strcmp(row->session.user_id, selection->user_id) != 0)
            return cc_fail(err, CC_NOT_FOUND, NULL, "There is no such session.");
    }
    *out = end_sessions(self, &(struct ending){selection, NULL, reason, now_ms, until_ms}, arena);
    return CC_OK;
}

static enum cc_code list_revocations(struct account_store *store, int64_t now_ms,
                                     struct cc_arena *arena, struct revocation_list *out,
                                     struct cc_error *err)
{
    LOCKED struct memory_store *self = lock(store);
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

static enum cc_code find_refresh(struct account_store *store, const char *hash,
                                 struct refresh_token *out_token, struct session *out_session,
                                 struct cc_error *err)
{
    LOCKED struct memory_store *self = lock(store);
    struct token_row *row = find_token(self, hash);
    if (row == NULL)
        return cc_fail(err, CC_NOT_FOUND, NULL, "There is no such token.");
    *out_token = row->token;
    *out_session = find_session(self, row->session_id)->session;
    return CC_OK;
}

static enum cc_code rotate(struct account_store *store, const char *hash,
                           const struct refresh_token *successor, int64_t now_ms, bool *out_first,
                           struct cc_error *err)
{
    LOCKED struct memory_store *self = lock(store);
    struct token_row *row = find_token(self, hash);
    struct session_row *session = row == NULL ? NULL : find_session(self, row->session_id);
    *out_first = false;
    if (session == NULL || session->session.revoked || row->token.rotated_at_ms != 0)
        return CC_OK;
    CC_TRY(add_token(self, row->session_id, successor, err));
    row->token.rotated_at_ms = now_ms;
    session->session.last_seen_at_ms = now_ms;
    session->session.expires_at_ms = successor->expires_at_ms;
    *out_first = true;
    return CC_OK;
}

static enum cc_code purge(struct account_store *store, int64_t now_ms, struct cc_error *err)
{
    LOCKED struct memory_store *self = lock(store);
    (void)err;
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

static void destroy(struct account_store *store)
{
    struct memory_store *self = (struct memory_store *)store;
    pthread_mutex_destroy(&self->lock);
    cc_free(self);
}

static const struct account_store_ops ops = {
    .insert_account = insert_account,
    .find_by_email = find_by_email,
    .find_by_id = find_by_id,
    .renew_pending = renew_pending,
    .remove_pending = remove_pending,
    .activate = activate,
    .change_password_hash = change_password_hash,
    .open_session = open_session,
    .list_sessions = list_sessions,
    .revoke = revoke,
    .list_revocations = list_revocations,
    .find_refresh = find_refresh,
    .rotate = rotate,
    .purge = purge,
    .destroy = destroy,
};

struct account_store *account_store_memory_create(struct outbox_store *memory_outbox)
{
    struct memory_store *self = cc_calloc(1, sizeof *self);
    self->store.ops = &ops;
    self->outbox = memory_outbox;
    pthread_mutex_init(&self->lock, NULL);
    return &self->store;
}
