/* Collection `reactions`: who reacted to what. Any thread; the owner of a chat is the only writer.
 * A reaction that was taken back stays as a row that is off, so that an older change can't bring it
 * back. */

#include "storage/mongo_private.h"

static enum cc_code add_reaction(mongo_bulk *bulk, const void *changes, size_t index,
                                 struct cc_error *err)
{
    const struct change *change = ((const struct change *const *)changes)[index];
    char id[MESSAGE_ROW_ID_BYTES];
    bson_t fields;

    message_row_reaction_id(change->message.message_id, &change->reaction, id);
    CC_AUTO(bson)
    bson_t *filter =
        BCON_NEW("_id", BCON_UTF8(id), "rev", "{", "$lt", BCON_INT64(change->rev), "}");
    CC_AUTO(bson) bson_t *update = bson_new();
    BSON_APPEND_DOCUMENT_BEGIN(update, "$set", &fields);
    message_row_from_reaction(&fields, change);
    bson_append_document_end(update, &fields);
    return mongo_bulk_upsert(bulk, filter, update, err);
}

enum cc_code message_mongo_put_reactions(struct message_store *store,
                                         const struct change *const *changes, size_t count,
                                         struct cc_error *err)
{
    return message_mongo_write_each(store, REACTIONS_COLLECTION, add_reaction, changes, count, err);
}

static void take_on(const bson_t *row, void *arg)
{
    *(bool *)arg = cc_bson_bool(row, "on", false);
}

enum cc_code message_mongo_find_reaction(struct message_store *store, const char *message_id,
                                         const char *user_id, const char *emoji, bool *out,
                                         struct cc_error *err)
{
    const struct cc_reaction wanted = {user_id, emoji, true};
    char id[MESSAGE_ROW_ID_BYTES];
    bool on = false;

    message_row_reaction_id(message_id, &wanted, id);
    CC_AUTO(bson) bson_t *filter = BCON_NEW("_id", BCON_UTF8(id));
    CC_TRY(message_mongo_visit(store, REACTIONS_COLLECTION, filter, take_on, &on, err));
    *out = on;
    return CC_OK;
}

struct collector {
    struct cc_arena *arena;
    const struct person_range *range;
    struct reaction_list list;
    size_t capacity;
};

static void collect(const bson_t *row, void *arg)
{
    struct collector *own = arg;
    int64_t seq = cc_bson_int(row, "seq", 0);
    bool wanted = seq >= own->range->from_seq && seq <= own->range->to_seq;

    if (!wanted || !cc_bson_bool(row, "on", false))
        return;
    own->list.items = mongo_grow(own->arena, own->list.items, own->list.count, &own->capacity,
                                 sizeof *own->list.items);
    own->list.items[own->list.count++] = (struct own_reaction){
        .message_id = cc_arena_strdup(own->arena, cc_bson_text(row, "message_id")),
        .emoji = cc_arena_strdup(own->arena, cc_bson_text(row, "emoji")),
    };
}

enum cc_code message_mongo_reactions_of(struct message_store *store,
                                        const struct person_range *range, struct cc_arena *arena,
                                        struct reaction_list *out, struct cc_error *err)
{
    struct collector own = {.arena = arena, .range = range};

    CC_TRY(message_mongo_visit_person(store, REACTIONS_COLLECTION, range, collect, &own, err));
    *out = own.list;
    return CC_OK;
}
