#ifndef EVENTS_ENVELOPE_H
#define EVENTS_ENVELOPE_H

/* The envelope of what this daemon produces. */

#include "common/events/envelope.h"

#include "app.h"

static inline struct cc_envelope ws_envelope(const struct ws_app *app, const char *topic,
                                             const char *key, char event_id[CC_UUID_BYTES])
{
    cc_ids_next(app->runtime.ids, event_id);
    return (struct cc_envelope){.event_id = event_id,
                                .type = topic,
                                .version = 1,
                                .occurred_at_ms = cc_wall_ms(app->runtime.clock),
                                .producer = app->runtime.service,
                                .key = key};
}

#endif
