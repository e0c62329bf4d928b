/* The question about blocks; see blocks.h. Runs on HTTP workers. */

#include "blocks.h"

#include "common/relations.h"
#include "people.h"

enum cc_code chat_blocks_must_allow(struct cc_peer *user_service, const char *asker_id,
                                    const char *const *user_ids, size_t count, const char *field,
                                    const struct cc_trace *trace, struct cc_arena *arena,
                                    struct cc_error *err)
{
    struct cc_relation *pairs = cc_arena_calloc(arena, count + 1, sizeof(*pairs));

    for (size_t i = 0; i < count; i++)
        pairs[i] = (struct cc_relation){.actor_id = asker_id, .user_id = user_ids[i]};
    CC_TRY(cc_relations_ask(user_service, CC_RELATIONS_CONTACT, pairs, count, trace,
                            BLOCKS_TIMEOUT_MS, arena, err));
    for (size_t i = 0; i < count; i++)
        if (pairs[i].blocked)
            return chat_people_none(field, err);
    return CC_OK;
}
