#ifndef CHAT_DOMAIN_CHANGE_H
#define CHAT_DOMAIN_CHANGE_H

/*
 * One change of a chat, as the change log keeps it: what happened, and the chat as it is
 * afterwards. Everything that others are told about a chat follows from its changes in the order of
 * their versions. The builders only say what the next change would be; it happens when the log
 * accepts its version. Results live in the arena; strings of the arguments are borrowed.
 */

#include "common/arena.h"
#include "domain/chat.h"
#include "domain/membership.h"

enum change_kind {
    CHANGE_CREATED,
    CHANGE_MEMBER_ADDED,
    CHANGE_MEMBER_REMOVED,
    CHANGE_MEMBER_LEFT,
    CHANGE_MEMBER_BANNED,
    CHANGE_MEMBER_UNBANNED,
    CHANGE_ROLE,
    CHANGE_METADATA, /* title, description, avatar */
    CHANGE_RULES,    /* the rules, and perhaps metadata as well */
    CHANGE_DELETED,  /* for everybody: every membership ends */
};
/* Stored names, NULL-terminated; also the `event` of the system message. */
extern const char *const change_kind_names[];

struct chat_change {
    enum change_kind kind;
    struct chat after;
    const char *actor_id;
    int64_t at_ms;
    const struct membership *members; /* whom it concerns, as they are afterwards */
    size_t member_count;
    bool announced;
};

struct chat_founding {
    const char *chat_id;
    enum chat_type type;
    const char *title;
    const char *creator_id;
    const char *const *other_ids; /* unique, without the creator */
    size_t other_count;
    int64_t at_ms;
};
/* In a group the creator is the owner; in a direct chat the two are equals. */
struct chat_change *change_found(struct cc_arena *arena, const struct chat_founding *founding);
struct chat_newcomer {
    const char *user_id;
    const struct membership *former; /* not active; NULL = never was in it */
};
/* joined_seq: the head of the chat as far as it is known. */
struct chat_change *change_add(struct cc_arena *arena, const struct chat *before,
                               const char *actor_id, const struct chat_newcomer *newcomers,
                               size_t count, int64_t joined_seq, int64_t at_ms);
struct chat_change *change_remove(struct cc_arena *arena, const struct chat *before,
                                  const char *actor_id, const struct membership *target,
                                  int64_t at_ms);
/* target: a member, or a former one. Out and not to be added again; a former one only the latter.
 */
struct chat_change *change_ban(struct cc_arena *arena, const struct chat *before,
                               const char *actor_id, const struct membership *target,
                               int64_t at_ms);
/* target: banned. Is out still, and may be added. */
struct chat_change *change_unban(struct cc_arena *arena, const struct chat *before,
                                 const char *actor_id, const struct membership *target,
                                 int64_t at_ms);
struct chat_change *change_role(struct cc_arena *arena, const struct chat *before,
                                const char *actor_id, const struct membership *target,
                                enum cc_chat_role role, int64_t at_ms);
/* owner becomes an admin, heir the owner, in one change: there is one at every moment. */
struct chat_change *change_transfer(struct cc_arena *arena, const struct chat *before,
                                    const struct membership *owner, const struct membership *heir,
                                    int64_t at_ms);
/* successor: who takes over from the last owner, and stands in front of the leaver, as the heir of
 * a transfer does: members are stored one after the other, and a reader in between must find an
 * owner; NULL = nobody has to, or nobody is there. */
struct chat_change *change_leave(struct cc_arena *arena, const struct chat *before,
                                 const struct membership *leaver,
                                 const struct membership *successor, int64_t at_ms);
/* What an edit says; what it doesn't say stays. */
struct chat_edit {
    const char *title, *description; /* NULL = stays */
    bool sets_avatar;
    const char *avatar_media_id; /* NULL = no avatar */
    bool sets_post, sets_history, sets_retention;
    struct chat_rules rules;
};
bool chat_edit_sets_rules(const struct chat_edit *edit);
/* NULL when everything is so already. */
struct chat_change *change_edit(struct cc_arena *arena, const struct chat *before,
                                const char *actor_id, const struct chat_edit *edit, int64_t at_ms);

/* Who may post, in nobody's name: it follows from a block, and whose that is concerns nobody else.
 * NULL when it is so already. */
struct chat_change *change_posting(struct cc_arena *arena, const struct chat *before,
                                   enum cc_chat_posting post, int64_t at_ms);

/* Names nobody: whoever is in it is out afterwards. */
struct chat_change *change_delete(struct cc_arena *arena, const struct chat *before,
                                  const char *actor_id, int64_t at_ms);

/* Text "<chat_id>/<version>": the id of the row, and the client_msg_id of its system operation. */
const char *change_id(struct cc_arena *arena, const char *chat_id, int64_t version);
/* op_id of its system operation: the same however often the change is announced. */
void change_op_id(const struct chat_change *change, char out[CC_UUID_BYTES]);

/* Somebody who was in it is out. */
bool change_ends_memberships(const struct chat_change *change);
/* Whether people see it in the timeline (it takes a seq), or only programs (it takes a rev). */
bool change_is_counted(const struct chat_change *change);
/* True when both would make the same chat: the same title and the same people. */
bool change_same_founding(const struct chat_change *a, const struct chat_change *b);

#endif
