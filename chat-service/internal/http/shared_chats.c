/* POST /internal/users/{user_id}/shared {user_ids}: which of these are in a chat with that person.
 * user-service asks before it shows presence to those who share a chat. */

#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "http/routes.h"

#define OTHERS_MAX 500

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct membership *)a)->chat_id, ((const struct membership *)b)->chat_id);
}

/* mine: by chat id, as the store lists them. */
static enum cc_code shares_one(struct cc_request *req, const struct chat_member_list *mine,
                               const char *other_id, bool *out, struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);
    struct chat_member_list theirs = {0};

    CC_TRY(app->store->ops->list_memberships(app->store, other_id, CHAT_MEMBERS_ACTIVE,
                                             cc_request_arena(req), &theirs, err));
    *out = false;
    for (size_t i = 0; i < theirs.count && !*out; i++)
        *out = bsearch(&theirs.items[i], mine->items, mine->count, sizeof(*mine->items), compare) !=
               NULL;
    return CC_OK;
}

enum cc_code chat_http_shared(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct chat_app *app = cc_request_app(req);
    struct cc_json_reader *reader = NULL;
    struct chat_member_list mine = {0};
    const char *user_id = NULL, **shared;
    size_t asked = 0, count = 0;

    CC_TRY(cc_request_uuid(req, "user_id", &user_id, err));
    CC_TRY(cc_request_json(req, NULL, &reader, err));
    const char *const *others = cc_json_uuids(reader, "user_ids", CC_REQUIRED, OTHERS_MAX, &asked);
    if (!cc_json_reader_done(reader))
        return cc_json_reader_error(reader, err);
    CC_TRY(app->store->ops->list_memberships(app->store, user_id, CHAT_MEMBERS_ACTIVE,
                                             cc_request_arena(req), &mine, err));
    shared = cc_arena_calloc(cc_request_arena(req), asked + 1, sizeof(*shared));
    for (size_t i = 0; i < asked && mine.count > 0; i++) {
        bool shares = false;

        CC_TRY(shares_one(req, &mine, others[i], &shares, err));
        if (shares)
            shared[count++] = others[i];
    }
    struct cc_json_writer *writer = cc_response_json(res);
    cc_json_open_object(writer, NULL);
    cc_json_put_texts(writer, "user_ids", shared, count);
    cc_json_close_object(writer);
    return CC_OK;
}
