/* Accounts in memory, for tests: trusted because it passes the contract suite that PostgreSQL
 * passes. One mutex, any thread. Sessions: account_sessions_memory.c. */

#include "storage/account_store_memory.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"

struct account_row *memory_find_account(struct memory_store *self, const char *account_id)
{
    for (size_t i = 0; i < ACCOUNTS_MAX; i++)
        if (self->accounts[i].used && strcmp(self->accounts[i].account.account_id, account_id) == 0)
            return &self->accounts[i];
    return NULL;
}

struct account_row *memory_find_address(struct memory_store *self, const char *email)
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

static struct account_row *free_row(struct memory_store *self)
{
    for (size_t i = 0; i < ACCOUNTS_MAX; i++)
        if (!self->accounts[i].used)
            return &self->accounts[i];
    return NULL;
}

static enum cc_code add_registration(struct memory_store *self,
                                     const struct registration *registration, struct cc_error *err)
{
    for (size_t i = 0; i < ACCOUNTS_MAX; i++)
        if (!self->registrations[i].used) {
            self->registrations[i] = (struct registration_row){true, *registration};
            return CC_OK;
        }
    return memory_full(err);
}

static const struct registration *find_registration(const struct memory_store *self,
                                                    const char *key, const char *email,
                                                    int64_t now_ms)
{
    for (size_t i = 0; i < ACCOUNTS_MAX; i++) {
        const struct registration *found = &self->registrations[i].registration;
        if (self->registrations[i].used && strcmp(found->key, key) == 0 &&
            strcmp(found->account.email, email) == 0 && found->expires_at_ms > now_ms)
            return found;
    }
    return NULL;
}

static enum cc_code enroll(struct account_store *store, const struct registration *registration,
                           const struct outbox_mail *code, const struct outbox_mail *notice,
                           struct cc_error *err)
{
    MEMORY_LOCKED struct memory_store *self = memory_lock(store);
    const struct account_row *row = memory_find_address(self, registration->account.email);
    CC_TRY(add_registration(self, registration, err));
    return outbox_add_mail(self->outbox, row != NULL && row->account.active ? notice : code, err);
}

static enum cc_code repeat(struct account_store *store, const char *email,
                           const char *registration_key, int64_t now_ms, struct cc_error *err)
{
    MEMORY_LOCKED struct memory_store *self = memory_lock(store);
    const struct registration *newest = NULL;
    struct registration copy;
    for (size_t i = 0; i < ACCOUNTS_MAX; i++) {
        const struct registration *found = &self->registrations[i].registration;
        if (self->registrations[i].used && strcmp(found->account.email, email) == 0 &&
            found->expires_at_ms > now_ms &&
            (newest == NULL || found->account.created_at_ms > newest->account.created_at_ms))
            newest = found;
    }
    if (newest == NULL)
        return CC_OK;
    copy = *newest;
    (void)snprintf(copy.key, sizeof copy.key, "%s", registration_key);
    return add_registration(self, &copy, err);
}

static enum cc_code admit(struct account_store *store, const char *registration_key,
                          const char *email, int64_t now_ms, struct account *out,
                          struct cc_error *err)
{
    MEMORY_LOCKED struct memory_store *self = memory_lock(store);
    const struct registration *asked = find_registration(self, registration_key, email, now_ms);
    struct account_row *row = memory_find_address(self, email);
    if (asked == NULL || (row != NULL && row->account.active &&
                          strcmp(row->account.password_hash, asked->account.password_hash) != 0))
        return cc_fail(err, CC_NOT_FOUND, NULL, "There is no such registration.");
    if (row == NULL) {
        row = free_row(self);
        if (row == NULL)
            return memory_full(err);
        *row = (struct account_row){true, asked->account};
    } else if (!row->account.active) {
        memcpy(row->account.password_hash, asked->account.password_hash, ACCOUNT_HASH_BYTES);
        memcpy(row->account.handle, asked->account.handle, ACCOUNT_HANDLE_BYTES);
        memcpy(row->account.display_name, asked->account.display_name, ACCOUNT_DISPLAY_NAME_BYTES);
    }
    *out = row->account;
    return CC_OK;
}

static enum cc_code find_by_email(struct account_store *store, const char *email,
                                  struct account *out, struct cc_error *err)
{
    MEMORY_LOCKED struct memory_store *self = memory_lock(store);
    struct account_row *row = memory_find_address(self, email);
    if (row == NULL)
        return no_account(err);
    *out = row->account;
    return CC_OK;
}

static enum cc_code find_by_id(struct account_store *store, const char *account_id,
                               struct account *out, struct cc_error *err)
{
    MEMORY_LOCKED struct memory_store *self = memory_lock(store);
    struct account_row *row = memory_find_account(self, account_id);
    if (row == NULL)
        return no_account(err);
    *out = row->account;
    return CC_OK;
}

static enum cc_code activate(struct account_store *store, const char *account_id,
                             const char *handle, struct cc_error *err)
{
    MEMORY_LOCKED struct memory_store *self = memory_lock(store);
    struct account_row *row = memory_find_account(self, account_id);
    if (row == NULL)
        return no_account(err);
    row->account.active = true;
    row->account.has_profile = true;
    (void)snprintf(row->account.handle, ACCOUNT_HANDLE_BYTES, "%s", handle);
    return CC_OK;
}

static enum cc_code queue_mail(struct account_store *store, const char *registration_key,
                               const struct outbox_mail *mail, struct cc_error *err)
{
    MEMORY_LOCKED struct memory_store *self = memory_lock(store);
    const struct account_row *row = memory_find_address(self, mail->recipient);
    struct outbox_mail queued = *mail;
    bool has_account = row != NULL && row->account.active;
    bool is_wanted =
        registration_key == NULL
            ? has_account
            : !has_account && find_registration(self, registration_key, mail->recipient,
                                                mail->created_at_ms) != NULL;
    if (!is_wanted)
        queued.recipient = "";
    return outbox_add_mail(self->outbox, &queued, err);
}

static void write_change(struct account *account, const struct account_change *change)
{
    if (change->password_hash != NULL)
        (void)snprintf(account->password_hash, ACCOUNT_HASH_BYTES, "%s", change->password_hash);
    if (change->role != NULL)
        (void)snprintf(account->role, ACCOUNT_ROLE_BYTES, "%s", change->role);
    if (change->standing == STANDING_REINSTATE)
        account->suspended_at_ms = 0;
    if (change->standing == STANDING_SUSPEND && account->suspended_at_ms == 0)
        account->suspended_at_ms = change->now_ms;
}

static enum cc_code change_account(struct account_store *store, const struct account_change *change,
                                   const struct session_ending *ending, struct cc_arena *arena,
                                   struct revocation_list *out_ended, struct cc_error *err)
{
    MEMORY_LOCKED struct memory_store *self = memory_lock(store);
    struct account_row *row = memory_find_account(self, change->account_id);
    if (row == NULL)
        return no_account(err);
    if (change->only_if_hash != NULL &&
        strcmp(row->account.password_hash, change->only_if_hash) != 0)
        return cc_fail(err, CC_CONFLICT, NULL, "It was changed meanwhile.");
    write_change(&row->account, change);
    *out_ended = (struct revocation_list){0};
    if (ending != NULL)
        CC_TRY(memory_end_sessions(self, ending, NULL, arena, out_ended, err));
    return change->notice != NULL ? outbox_add_mail(self->outbox, change->notice, err) : CC_OK;
}

static void destroy(struct account_store *store)
{
    struct memory_store *self = (struct memory_store *)store;
    pthread_mutex_destroy(&self->lock);
    cc_free(self);
}

static const struct account_store_ops ops = {
    .enroll = enroll,
    .admit = admit,
    .repeat = repeat,
    .find_by_email = find_by_email,
    .find_by_id = find_by_id,
    .activate = activate,
    .queue_mail = queue_mail,
    .change = change_account,
    .has_used_address = memory_has_used_address,
    .open_session = memory_open_session,
    .list_sessions = memory_list_sessions,
    .revoke = memory_revoke,
    .list_revocations = memory_list_revocations,
    .find_refresh = memory_find_refresh,
    .rotate = memory_rotate,
    .close = memory_close,
    .find_deletion = memory_find_deletion,
    .advance_deletions = memory_advance_deletions,
    .purge = memory_purge_sessions,
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
