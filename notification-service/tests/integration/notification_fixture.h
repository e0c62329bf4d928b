#ifndef NOTIFICATION_FIXTURE_H
#define NOTIFICATION_FIXTURE_H

/* notification-service with real Kafka, MongoDB and Redis, its consumers on topics of their own,
 * and neighbours that a test controls. A bearer token is simply the user's id. */

#include "testing.h"

#include <pthread.h>
#include <stdatomic.h>

#include "app.h"
#include "common/events/message_persisted.h"
#include "common/events/notification_new.h"
#include "common/http_server.h"

#define PEOPLE_MAX 300

struct notification_fixture {
    struct notification_app app;
    struct cc_http_server *server, *neighbours;
    struct cc_arena *arena; /* of the running test */
    char persisted_topic[64], notification_topic[64];
    char chat_id[CC_UUID_BYTES];            /* of the running test */
    char people[PEOPLE_MAX][CC_UUID_BYTES]; /* of the running test; [0] sends */
    pthread_mutex_t people_lock;            /* against consumers at the change of tests */
    atomic_int members; /* chat-service: the first n people are active, the next one has left */
    atomic_bool chat_service_away, user_service_away;
    const char *_Atomic level,
        *_Atomic mute_until;       /* what people[1] says of the chat; NULL = nothing */
    atomic_int blocker;            /* user-service: who has blocked everybody; 0 = nobody */
    atomic_int undisturbed;        /* and who wants no push; 0 = nobody */
    atomic_bool quiet[PEOPLE_MAX]; /* was their last notification not to disturb them? */
    atomic_int read_seq;           /* message-service says this for everybody */
    struct cc_error err;
};

int notification_fixture_start(void **state);
int notification_fixture_stop(void **state);
int notification_fixture_begin(void **state);
int notification_fixture_end(void **state);

/* people[0] wrote `body` as message number `seq` of the chat; everybody up to `recipients` gets it.
 * Not produced yet. */
struct ev_message_persisted a_message(struct notification_fixture *f, int64_t seq, const char *body,
                                      size_t recipients);
void announce(struct notification_fixture *f, const struct ev_message_persisted *event);
/* people[1] is to be told of message number `seq`, decided `age_ms` ago. */
void order_delivery(struct notification_fixture *f, int64_t seq, int64_t age_ms);
void produce_text(struct notification_fixture *f, const char *topic, const char *text);

/* A live connection of that person until `expires_in_ms` (may be negative). */
void connect_person(struct notification_fixture *f, int person, int64_t expires_in_ms);

struct answer {
    int status;
    const char *body;
};
/* user_id "" = no token, body NULL = none. */
struct answer call(struct notification_fixture *f, const char *user_id, const char *method,
                   const char *path, const char *body);
/* Was the person's last notification marked as not to disturb? */
bool was_quiet(struct notification_fixture *f, int person);
/* How many notifications a person has; up to 200. */
int told(struct notification_fixture *f, int person);
/* Waits until that person has `count` notifications. */
void wait_told(struct notification_fixture *f, int person, int count);
/* Outcome in the delivery log for a notification's in_app channel; "" when there is none. */
const char *delivery_outcome(struct notification_fixture *f, const char *notification_id);

#endif
