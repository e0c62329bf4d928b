#ifndef COMMON_EVENTS_USER_UPDATED_H
#define COMMON_EVENTS_USER_UPDATED_H

/* user.updated: something of a person's account was made, changed or removed. Key: user_id. Readers
 * ignore changes they don't know. */

#include "common/events/envelope.h"

struct ev_user_updated {
    struct cc_envelope envelope;
    const char *user_id;
    const char *change;                /* registered, profile, settings, blocks, deleted */
    const char *handle, *display_name; /* after the change; "" when deleted */
    int64_t change_version; /* of what changed: the profile's, the settings'; 0 = it has none */
};
bool ev_user_updated_read(struct cc_json_reader *reader, struct ev_user_updated *out);
void ev_user_updated_write(struct cc_json_writer *writer, const struct ev_user_updated *event);

#endif
