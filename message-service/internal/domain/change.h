#ifndef MESSAGE_DOMAIN_CHANGE_H
#define MESSAGE_DOMAIN_CHANGE_H

/*
 * One row of a chat's log: an operation and what became of it. Accepted ones carry the chat's next
 * rev and the message as it is afterwards, the new or the altered one; a refusal is a row too,
 * without a rev, so that a replay answers what was answered then. Strings are borrowed from the
 * arena that the change was read into or decided in.
 */

#include "common/arena.h"
#include "common/events/message_persisted.h"

struct change {
    const char *chat_id, *op_id;
    enum cc_op op;
    const char *event_id;     /* of the record that was judged; repeats have others */
    const char *request_hash; /* the same op_id with another one is another request */
    const char *sender_id, *device_id;
    enum cc_code refusal;                   /* CC_OK = accepted */
    int64_t rev;                            /* 0 when refused */
    int64_t head_seq;                       /* the chat's seq after it */
    int64_t member_version;                 /* of a system operation: after it; else 0 */
    bool silent;                            /* nobody is to be told by push */
    struct cc_message message;              /* empty when refused; seq 0: takes a rev only */
    struct cc_reaction reaction;            /* what op react did */
    const struct cc_member_change *members; /* of a system operation */
    size_t member_count;
};

static inline bool change_accepted(const struct change *change)
{
    return change->refusal == CC_OK;
}
/* True when it adds a message to the timeline, or alters one that is there (a bare system operation
 * does neither). */
static inline bool change_adds_message(const struct change *change)
{
    bool adds = change->op == CC_OP_CREATE || change->op == CC_OP_SYSTEM;
    return adds && change_accepted(change) && change->message.seq > 0;
}
static inline bool change_alters_message(const struct change *change)
{
    bool adds = change->op == CC_OP_CREATE || change->op == CC_OP_SYSTEM;
    return !adds && change_accepted(change);
}
/* True when it made a version of its message: what it said, or says anew. */
static inline bool change_makes_version(const struct change *change)
{
    return change->op == CC_OP_EDIT || change->op == CC_OP_CREATE;
}

struct change_list {
    struct change **items; /* by rev, ascending */
    size_t count;
};
struct message_list {
    struct cc_message *items; /* by seq, ascending */
    size_t count;
};

/* Deep copies. */
struct change *change_copy(struct cc_arena *arena, const struct change *change);
struct cc_message message_copy(struct cc_arena *arena, const struct cc_message *message);

/* True when a system message says {"event":"<name>"}. */
bool change_is_event(const struct change *change, const char *name);

#endif
