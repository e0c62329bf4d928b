#ifndef MESSAGE_DOMAIN_RIGHTS_H
#define MESSAGE_DOMAIN_RIGHTS_H

/*
 * Who may do what in a chat, as of one membership version. A value that never changes once made:
 * a change of membership makes a new one. Shared by reference counting, which is thread-safe.
 * Source: docs/contracts.md "Making a chat".
 */

#include <stdatomic.h>
#include <stdbool.h>

#include "common/chat_terms.h"
#include "common/events/message_created.h"
#include "common/events/message_persisted.h"

struct rights_member {
    char user_id[CC_UUID_BYTES];
    enum cc_chat_role role;
    enum cc_member_state state;
    int64_t joined_seq; /* where the chat ended when they came; 0 = not known, or they founded it */
};
struct rights {
    atomic_int references;
    int64_t version; /* the chat's membership version */
    bool deleted;    /* the chat is gone for everybody */
    enum cc_chat_posting posting;
    enum cc_chat_history history; /* what members see from before they came */
    int64_t retention_s;          /* messages live so long at most; 0 = for ever */
    /* Active members when there are at most CC_RECIPIENTS_MAX, else 0 and `recipients_omitted`. */
    const char *recipients[CC_RECIPIENTS_MAX];
    size_t recipient_count;
    bool recipients_omitted;
    size_t count;
    struct rights_member members[]; /* active and former ones, by user_id */
};

struct rights_source {
    int64_t version;
    bool deleted;
    enum cc_chat_posting posting;
    enum cc_chat_history history;
    const struct rights_member *members; /* in any order, each user once; copied */
    size_t count;
    int64_t retention_s;
};
struct rights *rights_create(const struct rights_source *source);
struct rights *rights_ref(struct rights *rights); /* accepts NULL */
void rights_unref(struct rights *rights);         /* accepts NULL */

/* The rights after a system operation; before NULL = nobody yet. What is not newer than `before`
 * changes nothing: chat-service may have told more than the log has come to. */
struct rights *rights_after(struct rights *before, int64_t version,
                            const struct cc_member_change *changes, size_t count, bool deleted);

/* The same for a change of the chat's settings, as the system message tells it
 * ({"settings":{"post":..., "history":..., "retention_s":...}}); what it does not tell stays. */
struct rights *rights_after_settings(struct rights *before, int64_t version,
                                     const char *system_json);

/* NULL when that person never was a member. */
const struct rights_member *rights_find(const struct rights *rights, const char *user_id);

/* How long a message may live that was sent with this ttl_s (0 = for ever); 0 = for ever. */
int64_t rights_ttl_s(const struct rights *rights, int64_t ttl_s);

/* What one person's own documents say of where a chat begins for them. */
struct rights_own {
    int64_t from_seq;    /* membership begins after it; 0 = not known, or they founded it */
    int64_t cleared_seq; /* they deleted the chat for themselves up to here */
};
/* The seq up to which a member sees nothing of the chat: the one notion behind "deleted for me" and
 * "since joining". */
int64_t rights_floor(const struct rights *rights, const char *user_id,
                     const struct rights_own *own);

/* CC_OK, CC_NOT_FOUND for a stranger or a deleted chat, CC_FORBIDDEN for a former member or one who
 * may not post. */
enum cc_code rights_may_read(const struct rights *rights, const char *user_id);
enum cc_code rights_may_post(const struct rights *rights, const char *user_id);

#endif
