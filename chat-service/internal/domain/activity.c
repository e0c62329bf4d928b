/* Folding a chat's timeline into its last message. Any thread; pure. */

#include "domain/activity.h"

#include <stddef.h>
#include <string.h>

bool activity_apply(struct chat_activity *activity, const struct activity_fact *fact)
{
    if (fact->rev <= activity->rev)
        return false;
    activity->rev = fact->rev;
    activity->seq = fact->head_seq;
    if (fact->is_new_message) {
        activity->last_message_id = fact->message_id;
        activity->last_message_json = fact->message_json;
        activity->last_activity_at_ms = fact->created_at_ms;
    } else if (activity->last_message_id != NULL &&
               strcmp(activity->last_message_id, fact->message_id) == 0) {
        activity->last_message_json = fact->message_json; /* edited, deleted, reacted to */
    }
    return true;
}
