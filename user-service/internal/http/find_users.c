/* GET /v1/users?query=&limit=&cursor=: people by the beginning of their handle, then by that of a
 * word of their name; never by e-mail. Runs on a worker thread. The cursor is the last one of the
 * page before: "h" and the handle, or "n", the user_id and the key of the name. */

#include "app.h"
#include "http/handlers.h"
#include "http/user_json.h"

#include <string.h>

#define LIMIT_MOST    50
#define LIMIT_DEFAULT 20
#define QUERY_MIN     2 /* bytes: nobody walks through everybody with one letter after the other */
#define QUERY_BYTES   256
#define ID_BYTES      (CC_UUID_BYTES - 1)
#define CURSOR_BYTES  (1 + ID_BYTES + USER_NAME_KEY_BYTES)

struct search {
    char handles[CC_HANDLE_BYTES]; /* folded beginning; "" = don't look */
    const char *names;             /* the same of names */
    bool behind_handles;           /* the cursor is among the names */
    const char *after_handle, *after_key, *after_id;
    size_t limit;
};

/* What holds an @ elsewhere than at its beginning may be an e-mail, and finds nobody. */
static enum cc_code read_query(struct cc_request *req, struct search *out, struct cc_error *err)
{
    const char *query = cc_request_query(req, "query");
    bool is_handle = query != NULL && query[0] == '@';
    size_t length = query == NULL ? 0 : strlen(query + is_handle);

    if (length < QUERY_MIN || length > QUERY_BYTES)
        return cc_fail(err, CC_INVALID, "query", "give the beginning of a handle or a name");
    if (strchr(query + is_handle, '@') != NULL)
        return CC_OK;
    if (!cc_handle_prefix(query, out->handles))
        out->handles[0] = '\0';
    if (!is_handle)
        out->names = user_name_fold(query, cc_request_arena(req));
    return CC_OK;
}

static bool read_handle_position(char *text, struct search *out)
{
    char folded[CC_HANDLE_BYTES];
    out->after_handle = text;
    return cc_handle_read(text, folded, NULL) == CC_OK && strcmp(folded, text) == 0;
}

static bool read_name_position(char *text, size_t length, struct cc_arena *arena,
                               struct search *out)
{
    if (length < ID_BYTES || !cc_uuid_valid(text, ID_BYTES))
        return false;
    char *id = cc_arena_strndup(arena, text, ID_BYTES);
    cc_uuid_normalise(id);
    out->after_id = id;
    out->after_key = text + ID_BYTES;
    out->behind_handles = true;
    return strcmp(user_name_fold(out->after_key, arena), out->after_key) == 0;
}

/* Refuses what is no cursor of ours. */
static enum cc_code read_cursor(struct cc_request *req, struct search *out, struct cc_error *err)
{
    const char *cursor = cc_request_query(req, "cursor");
    struct cc_arena *arena = cc_request_arena(req);
    char *text = cc_arena_calloc(arena, CURSOR_BYTES + 1, 1);
    size_t length = 0;

    out->behind_handles = false;
    out->after_handle = out->after_key = out->after_id = "";
    if (cursor == NULL || cursor[0] == '\0')
        return CC_OK;
    bool good = cc_base64url_decode(cursor, strlen(cursor), text, CURSOR_BYTES, &length) &&
                strlen(text) == length && length > 0;
    if (good && text[0] == 'h')
        good = read_handle_position(text + 1, out);
    else
        good = good && text[0] == 'n' && read_name_position(text + 1, length - 1, arena, out);
    return good ? CC_OK : cc_fail(err, CC_INVALID, "cursor", "is not a cursor of this list");
}

/* key NULL: found by the handle. */
static const char *make_cursor(const struct user *last, const char *key, struct cc_arena *arena)
{
    const char *text = key == NULL ? cc_arena_printf(arena, "h%s", last->handle)
                                   : cc_arena_printf(arena, "n%s%s", last->user_id, key);
    char *cursor = cc_arena_alloc(arena, CURSOR_BYTES * 2);
    cc_base64url_encode(text, strlen(text), cursor);
    return cursor;
}

/* Up to one more than the page: by handle, then by name those whom the handle has not found. */
static enum cc_code find(struct cc_request *req, const struct search *search,
                         struct user_found *out, size_t *out_count, struct cc_error *err)
{
    struct user_app *app = cc_request_app(req);
    struct cc_arena *arena = cc_request_arena(req);
    const char *asker_id = cc_request_caller(req)->user_id;
    size_t wanted = search->limit + 1, handles = 0, names = 0;
    const struct user *by_handle = NULL;
    const struct user_found *by_name = NULL;

    if (search->handles[0] != '\0' && !search->behind_handles)
        CC_TRY(user_store_find_by_prefix(app->store, asker_id, search->handles,
                                         search->after_handle, wanted, arena, &by_handle, &handles,
                                         err));
    for (size_t i = 0; i < handles; i++)
        out[i] = (struct user_found){by_handle[i], NULL};
    struct user_name_query query = {.asker_id = asker_id,
                                    .prefix = search->names,
                                    .but_handles = search->handles,
                                    .after_key = search->after_key,
                                    .after_id = search->after_id,
                                    .limit = wanted - handles};
    if (search->names[0] != '\0' && handles < wanted)
        CC_TRY(user_store_find_by_name(app->store, &query, arena, &by_name, &names, err));
    for (size_t i = 0; i < names; i++)
        out[handles + i] = by_name[i];
    *out_count = handles + names;
    return CC_OK;
}

enum cc_code user_http_find_users(struct cc_request *req, struct cc_response *res,
                                  struct cc_error *err)
{
    struct user_found found[LIMIT_MOST + 1];
    const struct user *users[LIMIT_MOST];
    struct search search = {.names = ""};
    size_t count = 0;
    int64_t limit;

    CC_TRY(read_query(req, &search, err));
    CC_TRY(cc_request_query_int(req, "limit", 1, LIMIT_MOST, LIMIT_DEFAULT, &limit, err));
    CC_TRY(read_cursor(req, &search, err));
    search.limit = (size_t)limit;
    CC_TRY(find(req, &search, found, &count, err));
    const char *cursor = NULL;
    if (count > search.limit) {
        count = search.limit;
        cursor = make_cursor(&found[count - 1].user, found[count - 1].key, cc_request_arena(req));
    }
    for (size_t i = 0; i < count; i++)
        users[i] = &found[i].user;
    user_json_write_page(cc_response_json(res), users, count, cursor);
    return CC_OK;
}
