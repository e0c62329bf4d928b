/* Records to publications. Knows no topic. */

#include "events/relay.h"

#include "app.h"

static void relay_one(struct cc_record *record, struct cc_arena *arena, ws_announce announce,
                      struct cc_bus_batch *publications)
{
    struct cc_json_reader *reader = cc_record_reader(record, arena);

    (void)cc_record_readable(record, reader, announce(reader, publications));
}

enum cc_code ws_relay(struct ws_app *gateway, struct cc_batch *batch, ws_announce announce,
                      struct cc_error *err)
{
    struct cc_bus_batch publications = cc_bus_batch_create(batch->arena);

    for (size_t i = 0; i < batch->count; i++)
        if (cc_batch_still_owned(batch, &batch->records[i]))
            relay_one(&batch->records[i], batch->arena, announce, &publications);
    return cc_bus_batch_send(&publications, gateway->redis, err);
}
