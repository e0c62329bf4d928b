/* GET /v1/users/presence?ids=a,b: who has a live socket, and when the others last had one, as far
 * as they let the caller see it. Read from Redis, where the gateways keep it; runs on a worker
 * thread. Knows nothing of profiles: somebody who does not exist is offline. */

#include "app.h"
#include "common/liveness.h"
#include "http/handlers.h"
#include "sight.h"

#include <string.h>

static enum cc_code read_ids(struct cc_request *req, const char **out, size_t *out_count,
                             struct cc_error *err)
{
    const char *at = cc_request_query(req, "ids");
    size_t count = 0;
    if (at == NULL || at[0] == '\0')
        return cc_fail(err, CC_INVALID, "ids", "give user ids, separated by commas");
    for (bool more = true; more; count++) {
        size_t length = strcspn(at, ",");
        if (count == USER_PRESENCE_MAX)
            return cc_fail(err, CC_INVALID, "ids", "at most %d ids", USER_PRESENCE_MAX);
        if (!cc_uuid_valid(at, length))
            return cc_fail(err, CC_INVALID, "ids", "every id is a UUID");
        char *id = cc_arena_strndup(cc_request_arena(req), at, length);
        cc_uuid_normalise(id);
        out[count] = id;
        more = at[length] == ',';
        at += length + 1;
    }
    *out_count = count;
    return CC_OK;
}

/* What the caller may not see becomes that of somebody who was never there. */
static enum cc_code hide(struct cc_request *req, const char *const *ids, size_t count,
                         struct cc_liveness *presence, struct cc_error *err)
{
    struct user_app *app = cc_request_app(req);
    struct cc_arena *arena = cc_request_arena(req);
    struct user_bond bonds[USER_PRESENCE_MAX];
    bool visible[USER_PRESENCE_MAX];

    for (size_t i = 0; i < count; i++)
        bonds[i] =
            (struct user_bond){.actor_id = cc_request_caller(req)->user_id, .user_id = ids[i]};
    CC_TRY(user_choices_find_bonds(app->choices, bonds, count, arena, err));
    user_sight_resolve(app, bonds, count, cc_request_trace(req), arena, visible);
    for (size_t i = 0; i < count; i++) {
        if (!visible[i])
            presence[i] = (struct cc_liveness){.state = CC_LIVE_OFFLINE};
    }
    return CC_OK;
}

static void write_presence(struct cc_json_writer *writer, const char *const *ids,
                           const struct cc_liveness *presence, size_t count)
{
    cc_json_open_object(writer, NULL);
    cc_json_open_array(writer, "items");
    for (size_t i = 0; i < count; i++) {
        cc_json_open_object(writer, NULL);
        cc_json_put_text(writer, "user_id", ids[i]);
        cc_json_put_text(writer, "state", cc_live_state_names[presence[i].state]);
        cc_json_put_time(writer, "last_seen_at", presence[i].last_seen_ms);
        cc_json_close_object(writer);
    }
    cc_json_close_array(writer);
    cc_json_close_object(writer);
}

enum cc_code user_http_get_presence(struct cc_request *req, struct cc_response *res,
                                    struct cc_error *err)
{
    struct user_app *app = cc_request_app(req);
    const char *ids[USER_PRESENCE_MAX];
    struct cc_liveness presence[USER_PRESENCE_MAX];
    size_t count = 0;

    CC_TRY(read_ids(req, ids, &count, err));
    CC_TRY(cc_liveness_load(app->redis, ids, count, cc_wall_ms(app->clock), presence, err));
    CC_TRY(hide(req, ids, count, presence, err));
    write_presence(cc_response_json(res), ids, presence, count);
    return CC_OK;
}
