/* Rights of the members of a chat. Pure functions, any thread. Asks nobody: members.c does. */

#include "domain/rights.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json_reader.h"

static int by_user_id(const void *a, const void *b)
{
    const struct rights_member *left = a, *right = b;
    return strcmp(left->user_id, right->user_id);
}

static void list_recipients(struct rights *rights)
{
    for (size_t i = 0; i < rights->count; i++) {
        if (rights->members[i].state != CC_MEMBER_ACTIVE)
            continue;
        if (rights->recipient_count == CC_RECIPIENTS_MAX) {
            rights->recipient_count = 0;
            rights->recipients_omitted = true;
            return;
        }
        rights->recipients[rights->recipient_count++] = rights->members[i].user_id;
    }
}

struct rights *rights_create(const struct rights_source *source)
{
    size_t bytes = source->count * sizeof source->members[0];
    struct rights *rights = cc_calloc(1, sizeof *rights + bytes);

    atomic_init(&rights->references, 1);
    rights->version = source->version;
    rights->deleted = source->deleted;
    rights->posting = source->posting;
    rights->history = source->history;
    rights->retention_s = source->retention_s;
    rights->count = source->count;
    if (source->count > 0) {
        memcpy(rights->members, source->members, bytes);
        qsort(rights->members, rights->count, sizeof rights->members[0], by_user_id);
    }
    list_recipients(rights);
    return rights;
}

struct rights *rights_ref(struct rights *rights)
{
    if (rights != NULL)
        atomic_fetch_add(&rights->references, 1);
    return rights;
}

void rights_unref(struct rights *rights)
{
    if (rights != NULL && atomic_fetch_sub(&rights->references, 1) == 1)
        cc_free(rights);
}

/* A name that this version does not know gives the weakest right. */
static void put_member(struct rights_member *members, size_t *count,
                       const struct cc_member_change *change)
{
    struct rights_member *at = members;
    while (at < members + *count && strcmp(at->user_id, change->user_id) != 0)
        at++;
    if (at == members + *count)
        (*count)++;
    memcpy(at->user_id, change->user_id, strnlen(change->user_id, CC_UUID_BYTES - 1) + 1);
    at->role = (enum cc_chat_role)cc_name_index(cc_chat_role_names, change->role, CC_ROLE_MEMBER);
    at->state =
        (enum cc_member_state)cc_name_index(cc_member_state_names, change->state, CC_MEMBER_BANNED);
}

struct rights *rights_after(struct rights *before, int64_t version,
                            const struct cc_member_change *changes, size_t count, bool deleted)
{
    size_t known = before == NULL ? 0 : before->count;
    bool news = before == NULL || version > before->version || (deleted && !before->deleted);
    if (!news)
        return rights_ref(before);

    struct rights_member *members = cc_calloc(known + count + 1, sizeof *members);
    if (known > 0)
        memcpy(members, before->members, known * sizeof *members);
    for (size_t i = 0; i < count; i++)
        put_member(members, &known, &changes[i]);
    struct rights_source source = {
        .version = version,
        .deleted = deleted || (before != NULL && before->deleted),
        .posting = before == NULL ? CC_POST_ALL : before->posting,
        .history = before == NULL ? CC_HISTORY_ALL : before->history,
        .retention_s = before == NULL ? 0 : before->retention_s,
        .members = members,
        .count = known,
    };
    struct rights *after = rights_create(&source);
    cc_free(members);
    return after;
}

static void read_settings(const char *system_json, struct rights_source *source)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, system_json, strlen(system_json), CC_IGNORE_UNKNOWN);

    if (cc_json_enter(reader, "settings", CC_OPTIONAL)) {
        source->posting = (enum cc_chat_posting)cc_json_choice(
            reader, "post", CC_OPTIONAL, cc_chat_posting_names, (int)source->posting);
        source->history = (enum cc_chat_history)cc_json_choice(
            reader, "history", CC_OPTIONAL, cc_chat_history_names, (int)source->history);
        if (cc_json_has(reader, "retention_s"))
            source->retention_s = cc_json_int(reader, "retention_s", CC_REQUIRED, 0, INT64_MAX);
        cc_json_leave(reader);
    }
    cc_json_reader_destroy(reader);
}

struct rights *rights_after_settings(struct rights *before, int64_t version,
                                     const char *system_json)
{
    if (before == NULL || version <= before->version)
        return rights_ref(before);
    struct rights_source source = {
        .version = version,
        .deleted = before->deleted,
        .posting = before->posting,
        .history = before->history,
        .members = before->members,
        .count = before->count,
        .retention_s = before->retention_s,
    };
    read_settings(system_json, &source);
    return rights_create(&source);
}

int64_t rights_ttl_s(const struct rights *rights, int64_t ttl_s)
{
    bool bounded = rights->retention_s > 0 && (ttl_s == 0 || ttl_s > rights->retention_s);

    return bounded ? rights->retention_s : ttl_s;
}

const struct rights_member *rights_find(const struct rights *rights, const char *user_id)
{
    struct rights_member key = {0};
    size_t length = strnlen(user_id, CC_UUID_BYTES);
    if (length == CC_UUID_BYTES)
        return NULL;
    memcpy(key.user_id, user_id, length);
    return bsearch(&key, rights->members, rights->count, sizeof rights->members[0], by_user_id);
}

static int64_t higher(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t rights_floor(const struct rights *rights, const char *user_id, const struct rights_own *own)
{
    const struct rights_member *member = rights_find(rights, user_id);

    if (rights->history == CC_HISTORY_ALL)
        return own->cleared_seq;
    return higher(own->cleared_seq, higher(own->from_seq, member == NULL ? 0 : member->joined_seq));
}

enum cc_code rights_may_read(const struct rights *rights, const char *user_id)
{
    const struct rights_member *member = rights_find(rights, user_id);
    if (rights->deleted || member == NULL)
        return CC_NOT_FOUND;
    return member->state == CC_MEMBER_ACTIVE ? CC_OK : CC_FORBIDDEN;
}

enum cc_code rights_may_post(const struct rights *rights, const char *user_id)
{
    enum cc_code code = rights_may_read(rights, user_id);
    if (code != CC_OK)
        return code;
    bool leads = rights_find(rights, user_id)->role != CC_ROLE_MEMBER;
    bool may = rights->posting == CC_POST_ALL || (rights->posting == CC_POST_ADMINS && leads);
    return may ? CC_OK : CC_FORBIDDEN;
}
