/* Builders and facts of changes. Any thread; pure. Whether a change is allowed is said elsewhere
 * (permissions.h), whether it happens is decided by the change log. */

#include "domain/change.h"

#include <inttypes.h>
#include <string.h>

#include "common/events/message.h"

const char *const change_kind_names[] = {
    [CHANGE_CREATED] = "chat_created",
    [CHANGE_MEMBER_ADDED] = "member_added",
    [CHANGE_MEMBER_REMOVED] = "member_removed",
    [CHANGE_MEMBER_LEFT] = "member_left",
    [CHANGE_MEMBER_BANNED] = "member_banned",
    [CHANGE_MEMBER_UNBANNED] = "member_unbanned",
    [CHANGE_ROLE] = "role_changed",
    [CHANGE_METADATA] = "metadata_changed",
    [CHANGE_RULES] = "settings_changed",
    [CHANGE_DELETED] = "chat_deleted",
    NULL,
};

/* The next version of the chat, with room for the people concerned. */
static struct chat_change *next_change(struct cc_arena *arena, enum change_kind kind,
                                       const struct chat *before, const char *actor_id,
                                       int64_t at_ms)
{
    struct chat_change *change = CC_ARENA_NEW(arena, struct chat_change);

    change->kind = kind;
    change->after = *before;
    change->after.version = before->version + 1;
    if (kind != CHANGE_METADATA)
        change->after.member_version = change->after.version;
    change->actor_id = actor_id;
    change->at_ms = at_ms;
    return change;
}

static struct membership *room_for(struct cc_arena *arena, struct chat_change *change, size_t count)
{
    struct membership *members = cc_arena_calloc(arena, count, sizeof(*members));

    change->members = members;
    change->member_count = count;
    return members;
}

/* Gives the person the chat's next place. */
static struct membership newcomer(struct chat_change *change, const char *user_id,
                                  enum cc_chat_role role)
{
    return (struct membership){.chat_id = change->after.chat_id,
                               .user_id = user_id,
                               .role = role,
                               .state = CC_MEMBER_ACTIVE,
                               .version = change->after.version,
                               .joined_at_ms = change->at_ms,
                               .place = change->after.place_count++};
}

struct chat_change *change_found(struct cc_arena *arena, const struct chat_founding *founding)
{
    const struct chat nothing = {.chat_id = founding->chat_id,
                                 .type = founding->type,
                                 .title = founding->title,
                                 .description = "",
                                 .created_by = founding->creator_id,
                                 .created_at_ms = founding->at_ms,
                                 .member_count = (int64_t)founding->other_count + 1};
    struct chat_change *change =
        next_change(arena, CHANGE_CREATED, &nothing, founding->creator_id, founding->at_ms);
    struct membership *members = room_for(arena, change, founding->other_count + 1);
    bool group = founding->type == CHAT_GROUP;

    change->after.owner_count = group ? 1 : 0;
    members[0] = newcomer(change, founding->creator_id, group ? CC_ROLE_OWNER : CC_ROLE_MEMBER);
    for (size_t i = 0; i < founding->other_count; i++)
        members[i + 1] = newcomer(change, founding->other_ids[i], CC_ROLE_MEMBER);
    return change;
}

/* Who comes back has the old place. */
static struct membership returning(const struct chat_change *change,
                                   const struct membership *former)
{
    struct membership member = *former;

    member.role = CC_ROLE_MEMBER;
    member.state = CC_MEMBER_ACTIVE;
    member.version = change->after.version;
    member.joined_at_ms = change->at_ms;
    return member;
}

struct chat_change *change_add(struct cc_arena *arena, const struct chat *before,
                               const char *actor_id, const struct chat_newcomer *newcomers,
                               size_t count, int64_t joined_seq, int64_t at_ms)
{
    struct chat_change *change = next_change(arena, CHANGE_MEMBER_ADDED, before, actor_id, at_ms);
    struct membership *members = room_for(arena, change, count);

    for (size_t i = 0; i < count; i++) {
        if (newcomers[i].former == NULL)
            members[i] = newcomer(change, newcomers[i].user_id, CC_ROLE_MEMBER);
        else
            members[i] = returning(change, newcomers[i].former);
        members[i].joined_seq = joined_seq;
    }
    change->after.member_count += (int64_t)count;
    return change;
}

/* The membership as the change leaves it. The counts of the chat follow from what it was. */
static struct membership become(struct chat_change *change, const struct membership *before,
                                enum cc_chat_role role, enum cc_member_state state)
{
    struct membership after = *before;
    bool was_there = membership_active(before), is_there = state == CC_MEMBER_ACTIVE;

    after.role = role;
    after.state = state;
    after.version = change->after.version;
    change->after.member_count += is_there - was_there;
    change->after.owner_count +=
        (is_there && role == CC_ROLE_OWNER) - (was_there && before->role == CC_ROLE_OWNER);
    return after;
}

/* One person who is out afterwards. */
static struct chat_change *put_out(struct cc_arena *arena, enum change_kind kind,
                                   const struct chat *before, const char *actor_id,
                                   const struct membership *target, enum cc_member_state state,
                                   int64_t at_ms)
{
    struct chat_change *change = next_change(arena, kind, before, actor_id, at_ms);

    room_for(arena, change, 1)[0] = become(change, target, CC_ROLE_MEMBER, state);
    return change;
}

struct chat_change *change_remove(struct cc_arena *arena, const struct chat *before,
                                  const char *actor_id, const struct membership *target,
                                  int64_t at_ms)
{
    return put_out(arena, CHANGE_MEMBER_REMOVED, before, actor_id, target, CC_MEMBER_REMOVED,
                   at_ms);
}

struct chat_change *change_ban(struct cc_arena *arena, const struct chat *before,
                               const char *actor_id, const struct membership *target, int64_t at_ms)
{
    return put_out(arena, CHANGE_MEMBER_BANNED, before, actor_id, target, CC_MEMBER_BANNED, at_ms);
}

struct chat_change *change_unban(struct cc_arena *arena, const struct chat *before,
                                 const char *actor_id, const struct membership *target,
                                 int64_t at_ms)
{
    return put_out(arena, CHANGE_MEMBER_UNBANNED, before, actor_id, target, CC_MEMBER_REMOVED,
                   at_ms);
}

struct chat_change *change_role(struct cc_arena *arena, const struct chat *before,
                                const char *actor_id, const struct membership *target,
                                enum cc_chat_role role, int64_t at_ms)
{
    struct chat_change *change = next_change(arena, CHANGE_ROLE, before, actor_id, at_ms);

    room_for(arena, change, 1)[0] = become(change, target, role, CC_MEMBER_ACTIVE);
    return change;
}

struct chat_change *change_transfer(struct cc_arena *arena, const struct chat *before,
                                    const struct membership *owner, const struct membership *heir,
                                    int64_t at_ms)
{
    struct chat_change *change = next_change(arena, CHANGE_ROLE, before, owner->user_id, at_ms);
    struct membership *members = room_for(arena, change, 2);

    members[0] = become(change, heir, CC_ROLE_OWNER, CC_MEMBER_ACTIVE);
    members[1] = become(change, owner, CC_ROLE_ADMIN, CC_MEMBER_ACTIVE);
    return change;
}

struct chat_change *change_leave(struct cc_arena *arena, const struct chat *before,
                                 const struct membership *leaver,
                                 const struct membership *successor, int64_t at_ms)
{
    struct chat_change *change =
        next_change(arena, CHANGE_MEMBER_LEFT, before, leaver->user_id, at_ms);
    struct membership *members = room_for(arena, change, successor == NULL ? 1 : 2);

    if (successor != NULL)
        *members++ = become(change, successor, CC_ROLE_OWNER, CC_MEMBER_ACTIVE);
    *members = become(change, leaver, CC_ROLE_MEMBER, CC_MEMBER_LEFT);
    return change;
}

bool chat_edit_sets_rules(const struct chat_edit *edit)
{
    return edit->sets_post || edit->sets_history || edit->sets_retention;
}

static struct chat_rules edited_rules(const struct chat_rules *before, const struct chat_edit *edit)
{
    return (struct chat_rules){
        .post = edit->sets_post ? edit->rules.post : before->post,
        .history = edit->sets_history ? edit->rules.history : before->history,
        .retention_s = edit->sets_retention ? edit->rules.retention_s : before->retention_s};
}

static bool same_rules(const struct chat_rules *a, const struct chat_rules *b)
{
    return a->post == b->post && a->history == b->history && a->retention_s == b->retention_s;
}

/* Either may be NULL. */
static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

struct chat_change *change_edit(struct cc_arena *arena, const struct chat *before,
                                const char *actor_id, const struct chat_edit *edit, int64_t at_ms)
{
    struct chat after = *before;

    after.rules = edited_rules(&before->rules, edit);
    if (edit->title != NULL)
        after.title = edit->title;
    if (edit->description != NULL)
        after.description = edit->description;
    if (edit->sets_avatar)
        after.avatar_media_id = edit->avatar_media_id;
    bool rules_stay = same_rules(&after.rules, &before->rules);
    if (rules_stay && same_text(after.title, before->title) &&
        same_text(after.description, before->description) &&
        same_text(after.avatar_media_id, before->avatar_media_id))
        return NULL;
    return next_change(arena, rules_stay ? CHANGE_METADATA : CHANGE_RULES, &after, actor_id, at_ms);
}

struct chat_change *change_posting(struct cc_arena *arena, const struct chat *before,
                                   enum cc_chat_posting post, int64_t at_ms)
{
    const struct chat_edit edit = {.sets_post = true, .rules = {.post = post}};

    return change_edit(arena, before, CC_SYSTEM_SENDER, &edit, at_ms);
}

struct chat_change *change_delete(struct cc_arena *arena, const struct chat *before,
                                  const char *actor_id, int64_t at_ms)
{
    struct chat_change *change = next_change(arena, CHANGE_DELETED, before, actor_id, at_ms);

    change->after.deleted = true;
    change->after.title = change->after.description = "";
    change->after.avatar_media_id = NULL;
    change->after.member_count = change->after.owner_count = 0;
    return change;
}

const char *change_id(struct cc_arena *arena, const char *chat_id, int64_t version)
{
    return cc_arena_printf(arena, "%s/%" PRId64, chat_id, version);
}

void change_op_id(const struct chat_change *change, char out[CC_UUID_BYTES])
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(256);

    cc_op_id("system", change->after.chat_id,
             change_id(arena, change->after.chat_id, change->after.version), out);
}

bool change_ends_memberships(const struct chat_change *change)
{
    return change->kind == CHANGE_MEMBER_REMOVED || change->kind == CHANGE_MEMBER_LEFT ||
           change->kind == CHANGE_MEMBER_BANNED || change->kind == CHANGE_DELETED;
}

bool change_is_counted(const struct chat_change *change)
{
    /* That a direct chat exists is not news to either of the two. Whom a ban is lifted from learns
     * of it when added. */
    return change->after.type == CHAT_GROUP && change->kind != CHANGE_MEMBER_UNBANNED;
}

static bool concerns(const struct chat_change *change, const char *user_id)
{
    for (size_t i = 0; i < change->member_count; i++)
        if (strcmp(change->members[i].user_id, user_id) == 0)
            return true;
    return false;
}

bool change_same_founding(const struct chat_change *a, const struct chat_change *b)
{
    if (strcmp(a->after.title, b->after.title) != 0 || a->member_count != b->member_count)
        return false;
    for (size_t i = 0; i < a->member_count; i++)
        if (!concerns(b, a->members[i].user_id))
            return false;
    return true;
}
