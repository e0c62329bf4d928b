#ifndef NOTIFICATION_EVENTS_CONSUMERS_H
#define NOTIFICATION_EVENTS_CONSUMERS_H

/* The topics that notification-service consumes. */

#include "common/kafka_consumer.h"

extern const struct cc_consumer_row notification_persisted_row; /* message.persisted: who is told */
extern const struct cc_consumer_row notification_delivery_row;  /* notification.new: telling them */
extern const struct cc_consumer_row notification_push_row;    /* notification.new: their devices */
extern const struct cc_consumer_row notification_deleted_row; /* user.updated: deletions */
extern const struct cc_consumer_row notification_chats_row;   /* chat.updated: deleted chats */
extern const struct cc_consumer_row notification_revoked_row; /* session.revoked: push tokens */

#endif
