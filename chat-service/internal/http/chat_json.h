#ifndef CHAT_HTTP_CHAT_JSON_H
#define CHAT_HTTP_CHAT_JSON_H

/*
 * Chats, members and requests as JSON, both ways; nowhere else. Shapes: docs/openapi/
 * chat-service.yaml (public), docs/contracts.md (internal).
 */

#include "common/json_reader.h"
#include "common/json_writer.h"
#include "domain/activity.h"
#include "domain/change.h"
#include "domain/chat.h"
#include "domain/membership.h"
#include "domain/permissions.h"
#include "domain/personal.h"

#define CHAT_JSON_MEMBERS_MAX 100         /* larger chats are shown without their members */
#define CHAT_CARD_MAX_BYTES   (32 * 1024) /* a chat with that many members */

/* What a chat object shows. */
struct chat_view {
    struct chat chat;
    const struct membership *members; /* active ones; NULL = not shown */
    size_t member_count;
    const struct chat_activity *activity; /* NULL = not shown */
    const struct personal *me;            /* of whom it is shown to; NULL = not shown */
    const struct membership *reader;      /* theirs; NULL = not known */
    int64_t now_ms;                       /* what has expired by then is not shown; with activity */
};
/* The fields, into an open object. */
void chat_json_put_chat(struct cc_json_writer *writer, const struct chat_view *view);
/* "settings": {post, history, retention_s}, into an open object. */
void chat_json_put_rules(struct cc_json_writer *writer, const struct chat_rules *rules);
/* {user_id, role, joined_at}, with the state of who is out; as an element of an array. */
void chat_json_put_member(struct cc_json_writer *writer, const struct membership *member);

/* A person's own state: {mute_until, pinned, archived, marked_unread, notify, cleared_seq,
 * version}.
 */
void chat_json_put_personal(struct cc_json_writer *writer, const char *key,
                            const struct personal *personal);

/* A chat without its activity, as one text: kept in the cache of lists, sent in chat.updated. NULL
 * when it is too long. */
const char *chat_json_card(struct cc_arena *arena, const struct chat *chat,
                           const struct membership *members, size_t count);
/* False when the text is no card. Strings are copied into the arena. */
bool chat_json_read_card(struct cc_arena *arena, const char *card, struct chat_view *out);

/* Rights as other daemons keep them: who is or was in it, in which role. */
struct chat_rights {
    const struct chat *chat;
    const struct membership *members;
    size_t count;
    const char *next_cursor; /* NULL = these are the last ones */
};
void chat_json_put_rights(struct cc_json_writer *writer, const struct chat_rights *rights);

/* POST /v1/chats */
struct chat_group_input {
    const char *title;
    const char *const *member_ids;
    size_t member_count;
};
bool chat_json_read_group(struct cc_json_reader *reader, struct chat_group_input *out);
/* POST /v1/chats/direct, POST /v1/chats/{chat_id}/transfer */
bool chat_json_read_person(struct cc_json_reader *reader, const char **out_user_id);
/* POST /v1/chats/{chat_id}/members */
struct chat_people_input {
    const char *const *user_ids;
    size_t count;
};
bool chat_json_read_people(struct cc_json_reader *reader, struct chat_people_input *out);
/* PATCH /v1/chats/{chat_id}/members/{user_id}: one of role and banned. */
struct chat_member_input {
    enum chat_action action; /* CHAT_ACT_SET_ROLE, _BAN or _UNBAN */
    enum cc_chat_role role;  /* of CHAT_ACT_SET_ROLE */
};
bool chat_json_read_member(struct cc_json_reader *reader, struct chat_member_input *out);
/* PUT /v1/chats/{chat_id}/me: what is left out has its default. */
bool chat_json_read_wish(struct cc_json_reader *reader, struct personal_wish *out);
/* PATCH /v1/chats/{chat_id}: at least one member. */
bool chat_json_read_edit(struct cc_json_reader *reader, struct chat_edit *out);

#endif
