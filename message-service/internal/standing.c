/* Rights and a person's own document, put together. Any thread. Writes nothing. */

#include "standing.h"

#include <stdio.h>

static enum cc_code stand(struct message_store *store, const struct rights *rights,
                          const char *chat_id, const char *user_id, struct standing *out,
                          struct cc_error *err)
{
    struct receipt receipt;

    CC_TRY(store->ops->get_receipt(store, chat_id, user_id, &receipt, err));
    (void)snprintf(receipt.chat_id, sizeof receipt.chat_id, "%s", chat_id);
    (void)snprintf(receipt.user_id, sizeof receipt.user_id, "%s", user_id);
    struct rights_own own = {.from_seq = receipt.from_seq, .cleared_seq = receipt.cleared_seq};
    *out = (struct standing){.receipt = receipt,
                             .floor_seq = rights_floor(rights, user_id, &own),
                             .since_joining = rights->history == RIGHTS_HISTORY_JOINED};
    return CC_OK;
}

enum cc_code standing_find(struct message_members *members, struct message_store *store,
                           const char *chat_id, const char *user_id, struct standing *out,
                           struct cc_error *err)
{
    struct rights *rights;

    CC_TRY(message_members_rights(members, chat_id, &rights, err));
    enum cc_code code = stand(store, rights, chat_id, user_id, out, err);
    rights_unref(rights);
    return code;
}

enum cc_code standing_of_member(struct message_members *members, struct message_store *store,
                                const char *chat_id, const char *user_id, struct standing *out,
                                struct cc_error *err)
{
    struct rights *rights;

    CC_TRY(message_members_rights(members, chat_id, &rights, err));
    enum cc_code code = rights_may_read(rights, user_id) == CC_OK
                            ? stand(store, rights, chat_id, user_id, out, err)
                            : message_members_none(err);
    rights_unref(rights);
    return code;
}

enum cc_code standing_unread(struct message_store *store, const struct standing *standing,
                             const char *user_id, const struct chat_head *head, struct unread *out,
                             struct cc_error *err)
{
    int64_t read_seq = standing->receipt.read_seq, floor_seq = standing->floor_seq;

    return heads_unread(store, head, user_id, read_seq > floor_seq ? read_seq : floor_seq, out,
                        err);
}
