/* Deletions in memory, for tests; see account_store_memory.h. */

#include "storage/account_store_memory.h"

#include <stdio.h>
#include <string.h>

#include "common/topics.h"

static void forget_person(struct account *account)
{
    (void)snprintf(account->email, EMAIL_ADDRESS_BYTES, "%s@deleted.invalid", account->account_id);
    account->password_hash[0] = account->handle[0] = account->display_name[0] = '\0';
    (void)snprintf(account->role, ACCOUNT_ROLE_BYTES, "%s", ACCOUNT_ROLE_USER);
    account->active = false;
}

static struct deletion_row *find_row(struct memory_store *self, const char *deletion_id)
{
    for (size_t i = 0; i < ACCOUNTS_MAX; i++)
        if (self->deletions[i].used &&
            strcmp(self->deletions[i].deletion.deletion_id, deletion_id) == 0)
            return &self->deletions[i];
    return NULL;
}

static enum cc_code note_deletion(struct memory_store *self, const struct account_closing *closing,
                                  const struct session_ending *ending, struct cc_error *err)
{
    struct outbox_event event = {.topic = CC_TOPIC_USER_UPDATED,
                                 .reason = "",
                                 .at_ms = ending->now_ms,
                                 .until_ms = ending->until_ms};
    size_t at = 0;
    while (at < ACCOUNTS_MAX && self->deletions[at].used)
        at++;
    if (at == ACCOUNTS_MAX)
        return memory_full(err);
    struct deletion_row *row = &self->deletions[at];
    *row = (struct deletion_row){.used = true, .erase_from_ms = ending->until_ms};
    row->deletion.requested_at_ms = row->deletion.changed_at_ms = ending->now_ms;
    (void)snprintf(row->deletion.deletion_id, CC_UUID_BYTES, "%s", closing->deletion_id);
    (void)snprintf(row->deletion.user_id, CC_UUID_BYTES, "%s", closing->account_id);
    (void)snprintf(row->deletion.state, DELETION_STATE_BYTES, "requested");
    (void)snprintf(event.event_key, CC_UUID_BYTES, "%s", closing->deletion_id);
    (void)snprintf(event.user_id, CC_UUID_BYTES, "%s", closing->account_id);
    outbox_store_memory_add_event(self->outbox, &event);
    return CC_OK;
}

enum cc_code memory_close(struct account_store *store, const struct account_closing *closing,
                          const struct session_ending *ending, struct cc_arena *arena,
                          struct revocation_list *out_ended, struct cc_error *err)
{
    MEMORY_LOCKED struct memory_store *self = memory_lock(store);
    struct account_row *row = memory_find_account(self, closing->account_id);
    if (row == NULL || !row->account.active ||
        strcmp(row->account.password_hash, closing->only_if_hash) != 0)
        return cc_fail(err, CC_CONFLICT, NULL, "It was changed meanwhile.");
    CC_TRY(note_deletion(self, closing, ending, err));
    for (size_t i = 0; i < ACCOUNTS_MAX; i++)
        if (strcmp(self->registrations[i].registration.account.email, row->account.email) == 0)
            self->registrations[i].used = false;
    forget_person(&row->account);
    CC_TRY(memory_end_sessions(self, ending, NULL, arena, out_ended, err));
    return outbox_add_mail(self->outbox, closing->notice, err);
}

enum cc_code memory_find_deletion(struct account_store *store, const char *deletion_id,
                                  struct account_deletion *out, struct cc_error *err)
{
    MEMORY_LOCKED struct memory_store *self = memory_lock(store);
    const struct deletion_row *row = find_row(self, deletion_id);
    if (row == NULL)
        return cc_fail(err, CC_NOT_FOUND, NULL, "There is no such deletion.");
    *out = row->deletion;
    return CC_OK;
}

static void step_to(struct deletion_row *row, const char *state, int64_t now_ms)
{
    (void)snprintf(row->deletion.state, DELETION_STATE_BYTES, "%s", state);
    row->deletion.changed_at_ms = now_ms;
}

static void erase(struct memory_store *self, const char *user_id)
{
    struct account_row *account = memory_find_account(self, user_id);
    if (account != NULL)
        account->used = false;
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (strcmp(self->sessions[i].session.user_id, user_id) == 0)
            self->sessions[i] = (struct session_row){0};
}

enum cc_code memory_advance_deletions(struct account_store *store, int64_t now_ms,
                                      struct cc_error *err)
{
    MEMORY_LOCKED struct memory_store *self = memory_lock(store);
    (void)err;
    for (size_t i = 0; i < ACCOUNTS_MAX; i++) {
        struct deletion_row *row = &self->deletions[i];
        if (!row->used)
            continue;
        if (strcmp(row->deletion.state, "requested") == 0 &&
            !outbox_store_memory_has_event(self->outbox, row->deletion.deletion_id))
            step_to(row, "announced", now_ms);
        if (strcmp(row->deletion.state, "announced") == 0 && row->erase_from_ms <= now_ms) {
            erase(self, row->deletion.user_id);
            step_to(row, "completed", now_ms);
        }
        row->used = strcmp(row->deletion.state, "completed") != 0 ||
                    row->deletion.changed_at_ms > now_ms - INT64_C(30) * 24 * 3600 * 1000;
    }
    return CC_OK;
}
