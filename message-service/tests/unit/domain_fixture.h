#ifndef DOMAIN_FIXTURE_H
#define DOMAIN_FIXTURE_H

/* A chat in which Ada is the owner and Grace a member, and operations that people ask for. What is
 * returned lives as long as the test. */

#include "domain/decide.h"
#include "testing.h"

#define CHAT  "00000000-0000-7000-8000-0000000000c1"
#define ADA   "00000000-0000-7000-8000-0000000000a1"
#define GRACE "00000000-0000-7000-8000-0000000000a2"
#define EVE   "00000000-0000-7000-8000-0000000000a3"
#define OP    "00000000-0000-8000-8000-0000000000f1"
#define MSG   "00000000-0000-8000-8000-0000000000e1"

#define EDIT_WINDOW_MS 60000
#define THUMB          "\xf0\x9f\x91\x8d"

int domain_start(void **state); /* of each test: *state is the struct chat_state */
int domain_finish(void **state);
struct cc_arena *domain_arena(void); /* of the running test */

struct rights *some_rights(int64_t version);
struct ev_message_created a_send(const char *sender_id, const char *body);
struct ev_message_created a_system(const char *json, bool counted, int64_t version,
                                   const struct cc_member_change *members, size_t count);
struct change decide_on(struct chat_state *chat, const struct ev_message_created *ask,
                        const struct cc_message *target, bool reacted);
struct change decide_alone(struct chat_state *chat, const struct ev_message_created *ask);
enum cc_code verdict(struct chat_state *chat, const struct ev_message_created *ask);
enum cc_code verdict_on(struct chat_state *chat, const struct ev_message_created *ask,
                        const struct cc_message *target);
/* Ada's message, fourth in its chat, which stands at rev 9, seq 7. */
struct cc_message a_message(struct chat_state *chat);
struct ev_message_created an_operation(enum cc_op op, const char *sender_id);
struct ev_message_created an_edit(const char *sender_id, const char *body);
struct ev_message_created a_reaction(const char *sender_id, const char *emoji, bool on);

#endif
