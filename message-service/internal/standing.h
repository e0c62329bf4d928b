#ifndef STANDING_H
#define STANDING_H

/*
 * Where somebody stands in a chat: how far they have read it, and where it begins for them. All
 * that shows one person something of a chat asks here, so that "deleted for me" and "since joining"
 * hold everywhere alike. Thread-safe; blocks as long as members.h and the store do. Source:
 * docs/ARCHITECTURE.md "Where a chat begins".
 */

#include "heads.h"
#include "members.h"

struct standing {
    struct receipt receipt; /* as stored, and named also when there is none; see heads_hint_reads */
    int64_t floor_seq;      /* messages up to it are not shown to that person */
    bool since_joining;     /* the chat shows nobody what was before they came */
    int64_t member_version; /* the chat's, as of which all this was judged */
};
/* From the person's own document alone, raised by what Redis hints: the floor is what they deleted,
 * and may be higher. Errors: those of the store. */
CC_MUST_CHECK enum cc_code standing_begin(struct message_store *store, struct cc_redis *redis,
                                          const char *chat_id, const char *user_id,
                                          struct standing *out, struct cc_error *err);
/* Completes what was begun. Errors: those of members.h. */
CC_MUST_CHECK enum cc_code standing_complete(struct message_members *members,
                                             struct standing *standing, struct cc_error *err);
/* Both, as stored. Errors: those of members.h and the store. */
CC_MUST_CHECK enum cc_code standing_find(struct message_members *members,
                                         struct message_store *store, const char *chat_id,
                                         const char *user_id, struct standing *out,
                                         struct cc_error *err);
/* The same; CC_NOT_FOUND for everybody but active members, as for a chat that isn't there. */
CC_MUST_CHECK enum cc_code standing_of_member(struct message_members *members,
                                              struct message_store *store, const char *chat_id,
                                              const char *user_id, struct standing *out,
                                              struct cc_error *err);

/* What is not of a person: since_joining and member_version. Errors: those of members.h. */
CC_MUST_CHECK enum cc_code standing_of_nobody(struct message_members *members, const char *chat_id,
                                              struct standing *out, struct cc_error *err);

/* What they have unread of a chat with that head. */
CC_MUST_CHECK enum cc_code standing_unread(struct message_store *store,
                                           const struct standing *standing, const char *user_id,
                                           const struct chat_head *head, struct unread *out,
                                           struct cc_error *err);

#endif
