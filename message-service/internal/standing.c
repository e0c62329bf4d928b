/* Rights and a person's own document, put together. Any thread. Writes nothing. */

#include "standing.h"

#include <stdio.h>

static enum cc_code read_own(struct message_store *store, const char *chat_id, const char *user_id,
                             struct standing *out, struct cc_error *err)
{
    struct receipt receipt;

    CC_TRY(store->ops->get_receipt(store, chat_id, user_id, &receipt, err));
    (void)snprintf(receipt.chat_id, sizeof receipt.chat_id, "%s", chat_id);
    (void)snprintf(receipt.user_id, sizeof receipt.user_id, "%s", user_id);
    *out = (struct standing){.receipt = receipt, .floor_seq = receipt.cleared_seq};
    return CC_OK;
}

static void apply_rights(const struct rights *rights, struct standing *standing)
{
    const struct receipt *receipt = &standing->receipt;
    struct rights_own own = {.from_seq = receipt->from_seq, .cleared_seq = receipt->cleared_seq};

    standing->floor_seq = rights_floor(rights, receipt->user_id, &own);
    standing->since_joining = rights->history == CC_HISTORY_JOINED;
    standing->member_version = rights->version;
}

enum cc_code standing_begin(struct message_store *store, struct cc_redis *redis,
                            const char *chat_id, const char *user_id, struct standing *out,
                            struct cc_error *err)
{
    CC_TRY(read_own(store, chat_id, user_id, out, err));
    heads_hint_reads(redis, &out->receipt, 1);
    return CC_OK;
}

enum cc_code standing_complete(struct message_members *members, struct standing *standing,
                               struct cc_error *err)
{
    struct rights *rights;

    CC_TRY(message_members_rights(members, standing->receipt.chat_id, &rights, err));
    apply_rights(rights, standing);
    rights_unref(rights);
    return CC_OK;
}

enum cc_code standing_find(struct message_members *members, struct message_store *store,
                           const char *chat_id, const char *user_id, struct standing *out,
                           struct cc_error *err)
{
    CC_TRY(read_own(store, chat_id, user_id, out, err));
    return standing_complete(members, out, err);
}

enum cc_code standing_of_member(struct message_members *members, struct message_store *store,
                                const char *chat_id, const char *user_id, struct standing *out,
                                struct cc_error *err)
{
    struct rights *rights;

    CC_TRY(message_members_rights(members, chat_id, &rights, err));
    enum cc_code code = rights_may_read(rights, user_id) == CC_OK
                            ? read_own(store, chat_id, user_id, out, err)
                            : message_members_none(err);
    if (code == CC_OK)
        apply_rights(rights, out);
    rights_unref(rights);
    return code;
}

enum cc_code standing_of_nobody(struct message_members *members, const char *chat_id,
                                struct standing *out, struct cc_error *err)
{
    *out = (struct standing){0};
    (void)snprintf(out->receipt.chat_id, sizeof out->receipt.chat_id, "%s", chat_id);
    CC_TRY(standing_complete(members, out, err));
    out->floor_seq = 0;
    return CC_OK;
}

enum cc_code standing_unread(struct message_store *store, const struct standing *standing,
                             const char *user_id, const struct chat_head *head, struct unread *out,
                             struct cc_error *err)
{
    int64_t read_seq = standing->receipt.read_seq, floor_seq = standing->floor_seq;

    return heads_unread(store, head, user_id, read_seq > floor_seq ? read_seq : floor_seq, out,
                        err);
}
