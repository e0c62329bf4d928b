#ifndef COMMON_EVENTS_USER_UPDATED_H
#define COMMON_EVENTS_USER_UPDATED_H

/* user.updated: a public profile was made, changed or removed. Key: user_id. */

#include "common/events/envelope.h"

struct ev_user_updated {
    struct cc_envelope envelope;
    const char *user_id;
    const char *change;                /* registered, profile, deleted */
    const char *handle, *display_name; /* after the change; "" when deleted */
};
bool ev_user_updated_read(struct cc_json_reader *reader, struct ev_user_updated *out);
void ev_user_updated_write(struct cc_json_writer *writer, const struct ev_user_updated *event);

#endif
