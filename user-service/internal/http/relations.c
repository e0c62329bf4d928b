/* What other daemons ask about pairs of people; see common/relations.h. Runs on worker threads. */

#include "common/relations.h"
#include "app.h"
#include "http/handlers.h"
#include "sight.h"

/* The pairs of the question and what is stored about them, in the same order. */
static enum cc_code read_question(struct cc_request *req, struct cc_relation **out_pairs,
                                  struct user_bond **out_bonds, size_t *out_count,
                                  struct cc_error *err)
{
    struct user_app *app = cc_request_app(req);
    struct cc_arena *arena = cc_request_arena(req);
    struct cc_json_reader *reader;

    CC_TRY(cc_request_json(req, NULL, &reader, err));
    bool good = cc_relations_read_question(reader, out_pairs, out_count);
    struct user_bond *bonds = cc_arena_calloc(arena, *out_count + 1, sizeof *bonds);
    for (size_t i = 0; i < *out_count; i++)
        bonds[i] = (struct user_bond){.actor_id = (*out_pairs)[i].actor_id,
                                      .user_id = (*out_pairs)[i].user_id};
    *out_bonds = bonds;
    return good ? user_choices_find_bonds(app->choices, bonds, *out_count, arena, err)
                : cc_json_reader_error(reader, err);
}

enum cc_code user_http_contact(struct cc_request *req, struct cc_response *res,
                               struct cc_error *err)
{
    struct user_app *app = cc_request_app(req);
    struct cc_relation *pairs;
    struct user_bond *bonds;
    size_t count;

    CC_TRY(read_question(req, &pairs, &bonds, &count, err));
    int64_t now_ms = cc_wall_ms(app->clock);
    for (size_t i = 0; i < count; i++) {
        pairs[i].blocked = user_bond_refuses_contact(&bonds[i]);
        pairs[i].do_not_disturb = user_preferences_quiet(&bonds[i].preferences, now_ms);
    }
    cc_relations_write_answer(cc_response_json(res), pairs, count);
    return CC_OK;
}

enum cc_code user_http_sight(struct cc_request *req, struct cc_response *res, struct cc_error *err)
{
    struct cc_arena *arena = cc_request_arena(req);
    struct cc_relation *pairs;
    struct user_bond *bonds;
    size_t count;

    CC_TRY(read_question(req, &pairs, &bonds, &count, err));
    bool *visible = cc_arena_calloc(arena, count + 1, sizeof *visible);
    user_sight_resolve(cc_request_app(req), bonds, count, cc_request_trace(req), arena, visible);
    for (size_t i = 0; i < count; i++)
        pairs[i].presence_visible = visible[i];
    cc_relations_write_answer(cc_response_json(res), pairs, count);
    return CC_OK;
}
