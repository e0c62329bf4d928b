#ifndef EVENTS_CONSUMERS_H
#define EVENTS_CONSUMERS_H

/* What this daemon takes from Kafka, for each topic as member of one group that all its replicas
 * share: who takes a record announces it on Redis, where every replica hears it. Consumer threads;
 * `app` is struct ws_app. A failed PUBLISH fails the batch, which then comes again. */

#include "common/kafka_consumer.h"

#define WS_GROUP "websocket-gateway"

enum cc_code ws_consume_persisted(void *app, struct cc_batch *batch, struct cc_error *err);
enum cc_code ws_consume_chat_updated(void *app, struct cc_batch *batch, struct cc_error *err);
enum cc_code ws_consume_session_revoked(void *app, struct cc_batch *batch, struct cc_error *err);
enum cc_code ws_consume_notification(void *app, struct cc_batch *batch, struct cc_error *err);
enum cc_code ws_consume_user_updated(void *app, struct cc_batch *batch, struct cc_error *err);

#endif
