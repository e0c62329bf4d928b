#ifndef CHAT_HTTP_CHAT_ACCESS_H
#define CHAT_HTTP_CHAT_ACCESS_H

/*
 * What handlers about one chat share: finding it for its caller, changing it, showing it. Blocking;
 * results live in the request's arena.
 */

#include "app.h"
#include "common/http_route.h"

struct chat_access {
    struct chat *chat;
    struct membership *actor; /* the caller, active */
};
/* The chat of the path parameter chat_id. CC_NOT_FOUND for strangers and for what isn't there. */
CC_MUST_CHECK enum cc_code chat_access_load(struct cc_request *req, struct chat_access *out,
                                            struct cc_error *err);
/* What is known of the chat's timeline; empty when nothing is yet. */
CC_MUST_CHECK enum cc_code chat_activity_find(struct cc_request *req, const char *chat_id,
                                              struct chat_activity **out, struct cc_error *err);
/* The newest seq of the chat's timeline of which anything here tells: its last message may be known
 * to message-service alone for a moment. */
CC_MUST_CHECK enum cc_code chat_head_seq(struct cc_request *req, const char *chat_id, int64_t *out,
                                         struct cc_error *err);
/* A membership, or NULL when there is none. */
CC_MUST_CHECK enum cc_code chat_member_find(struct cc_request *req, const char *chat_id,
                                            const char *user_id, struct membership **out,
                                            struct cc_error *err);

/* Decides, from the chat as it is now, what the next change is; NULL = nothing has to change.
 * Called again when somebody else changed the chat meanwhile. */
typedef enum cc_code (*chat_decide)(struct cc_request *req, const struct chat_access *access,
                                    void *input, struct chat_change **out, struct cc_error *err);
/* Decides and commits until no other change comes in between. out_reach: CHAT_REACH_ALL when
 * nothing had to change. */
CC_MUST_CHECK enum cc_code chat_change_commit(struct cc_request *req, chat_decide decide,
                                              void *input, enum chat_reach *out_reach,
                                              struct cc_error *err);

/* What the caller's own state of a chat becomes; false: it stays as it is. */
typedef bool (*chat_personal_decide)(const struct personal *before, const void *input,
                                     int64_t now_ms, struct personal *out);
/* Decides and stores until no other change comes in between. out_result: as it is afterwards. */
CC_MUST_CHECK enum cc_code chat_personal_change(struct cc_request *req, const char *chat_id,
                                                chat_personal_decide decide, const void *input,
                                                struct personal *out_result, struct cc_error *err);

/* Cursor of the page after this one, of a list that was asked for one more than `limit`; NULL = it
 * is the last. */
const char *chat_next_place(struct cc_arena *arena, const struct chat_member_list *members,
                            size_t limit);

/* Answers with the chat as the store has it now: the public object, with ETag. */
CC_MUST_CHECK enum cc_code chat_respond(struct cc_request *req, struct cc_response *res,
                                        const char *chat_id, struct cc_error *err);

#endif
