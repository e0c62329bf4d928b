#ifndef OWNER_FIXTURE_H
#define OWNER_FIXTURE_H

/* The owner with a failing store around memory, a chat-service that says what a test wants, and a
 * record of everything that was announced. */

#include "owner.h"
#include "storage/message_store_failing.h"

#define ADA      "00000000-0000-7000-8000-0000000000a1"
#define GRACE    "00000000-0000-7000-8000-0000000000a2"
#define EVE      "00000000-0000-7000-8000-0000000000a3"
#define CHAT_ONE "00000000-0000-7000-8000-0000000000c1"
#define CHAT_TWO "00000000-0000-7000-8000-0000000000c2"

#define TOLD_MAX 4000

struct told { /* one announcement */
    char op_id[CC_UUID_BYTES], client_msg_id[32];
    enum cc_code refusal;
    int64_t rev, seq;
    bool duplicate;
    size_t recipient_count;
};
struct owner_fixture {
    struct message_store *store; /* failing, around memory */
    struct owner *owner;
    struct cc_arena *arena;
    struct cc_error err;
    struct told told[TOLD_MAX];
    size_t told_count;
    enum cc_code rights_code;   /* what chat-service answers */
    int announce_failures;      /* announcing fails so often */
    bool announce_after_effect; /* after having told everybody */
    bool owned;
    int64_t saved_rev; /* of the last head that moved */
};

int owner_fixture_start(void **state);
int owner_fixture_finish(void **state);

/* As a gateway would ask, of somebody in a chat. */
struct operation a_send(struct owner_fixture *f, const char *chat_id, const char *sender_id,
                        const char *client_msg_id, const char *body);
struct operation a_change_of_members(struct owner_fixture *f, const char *id, const char *event,
                                     int64_t version, const struct cc_member_change *members,
                                     size_t count);
/* The op_id and hash of what an operation asks. */
void identify(struct owner_fixture *f, struct operation *operation);

enum cc_code try_apply(struct owner_fixture *f, const struct operation *asked, size_t count);
void must_apply(struct owner_fixture *f, const struct operation *asked, size_t count);
void replace_owner(struct owner_fixture *f); /* another process takes the partition over */
/* A process that does not know that it lost the partition applies `asked`. */
void apply_as_another_owner(struct owner_fixture *f, const struct operation *asked);

struct message_list history(struct owner_fixture *f, const char *chat_id);
void assert_history_is(struct owner_fixture *f, const char *chat_id, int64_t count);
/* The last announcement to that record's asker. */
const struct told *last_told(struct owner_fixture *f, const struct operation *operation);

#endif
