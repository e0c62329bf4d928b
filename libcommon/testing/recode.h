#ifndef RECODE_H
#define RECODE_H

/* Each pair of event codec functions in one shape, for tests that hold for every event. */

#include "common/events/chat_updated.h"
#include "common/events/message_created.h"
#include "common/events/message_persisted.h"
#include "common/events/message_read.h"
#include "common/events/notification_new.h"
#include "common/events/session_revoked.h"
#include "common/events/user_updated.h"

/* Decodes, then encodes; false when the event is refused. */
typedef bool (*recoder)(struct cc_json_reader *reader, struct cc_json_writer *writer);

#define DEFINE_RECODE(type)                                                                        \
    static inline bool recode_##type(struct cc_json_reader *reader, struct cc_json_writer *writer) \
    {                                                                                              \
        struct ev_##type event = {0};                                                              \
        if (!ev_##type##_read(reader, &event))                                                     \
            return false;                                                                          \
        ev_##type##_write(writer, &event);                                                         \
        return true;                                                                               \
    }

DEFINE_RECODE(message_created)
DEFINE_RECODE(message_persisted)
DEFINE_RECODE(message_read)
DEFINE_RECODE(chat_updated)
DEFINE_RECODE(notification_new)
DEFINE_RECODE(session_revoked)
DEFINE_RECODE(user_updated)

#endif
