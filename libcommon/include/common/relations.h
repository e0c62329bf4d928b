#ifndef COMMON_RELATIONS_H
#define COMMON_RELATIONS_H

/*
 * What people have chosen about each other, as user-service tells it to other daemons: the question
 * and the answer of its two internal routes, written and read by both ends with this codec. Texts
 * live as long as the arena of the reader, or are the caller's. Thread-safe.
 * Source: docs/contracts.md, "Relations".
 */

#include "common/http_client.h"
#include "common/json_reader.h"
#include "common/json_writer.h"

#define CC_RELATIONS_MAX      500 /* pairs in one question */
#define CC_RELATIONS_CONTACT  "/internal/relations/contact"
#define CC_RELATIONS_PRESENCE "/internal/relations/presence"
/* A question of CC_RELATIONS_MAX pairs, and its answer, fit into this. */
#define CC_RELATIONS_BYTES (128 * 1024)

struct cc_relation {
    const char *actor_id;  /* who would write, invite or look */
    const char *user_id;   /* whom that concerns */
    bool blocked;          /* contact: user_id has blocked actor_id, or is gone */
    bool do_not_disturb;   /* contact: user_id wants no push now */
    bool presence_visible; /* presence: actor_id may see whether user_id is there */
};

/* {"pairs":[{"actor_id","user_id"}]} */
void cc_relations_write_question(struct cc_json_writer *writer, const struct cc_relation *pairs,
                                 size_t count);
/* False: faulty, or more than CC_RELATIONS_MAX; the reader has the fault. */
bool cc_relations_read_question(struct cc_json_reader *reader, struct cc_relation **out,
                                size_t *out_count);
/* {"items":[...]}: one for each pair, in the order of the question. */
void cc_relations_write_answer(struct cc_json_writer *writer, const struct cc_relation *items,
                               size_t count);
/* Sets the flags of the pairs that were asked about; false, and none is set, unless the answer is
 * about exactly these. */
bool cc_relations_read_answer(struct cc_json_reader *reader, struct cc_relation *pairs,
                              size_t count);

/* Asks user-service about any number of pairs, in portions; blocks up to timeout_ms for each.
 * route: one of the two above. Errors: those of cc_peer_call; CC_BAD_GATEWAY for an unreadable
 * answer. After a failure the flags mean nothing. */
CC_MUST_CHECK enum cc_code cc_relations_ask(struct cc_peer *user_service, const char *route,
                                            struct cc_relation *pairs, size_t count,
                                            const struct cc_trace *trace, int timeout_ms,
                                            struct cc_arena *arena, struct cc_error *err);

#endif
