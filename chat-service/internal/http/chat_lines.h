#ifndef CHAT_HTTP_CHAT_LINES_H
#define CHAT_HTTP_CHAT_LINES_H

/*
 * The lines of a person's list of chats: one query for the memberships, one for what the person
 * says of the chats, one round trip to the cache for all activities, one for the cards of those
 * that are shown; only what the cache lacks is read chat by chat (and put back). Runs on HTTP
 * workers; results live in the arena.
 */

#include "app.h"
#include "domain/chat_list.h"
#include "http/chat_json.h"

struct chat_lines {
    struct chat_app *app;
    struct cc_arena *arena;
    struct chat_list_entry *entries; /* in no order */
    size_t count;
};
/* filter: CHAT_MEMBERS_ACTIVE or _EVER; of former memberships no activity is read. */
CC_MUST_CHECK enum cc_code chat_lines_load(struct chat_app *app, struct cc_arena *arena,
                                           const char *user_id, enum chat_member_filter filter,
                                           struct chat_lines *out, struct cc_error *err);
/* How far the person has read each chat, into the entries. False: message-service does not say, and
 * nothing is known. */
bool chat_lines_load_reads(const struct chat_lines *lines, const char *user_id,
                           const struct cc_trace *trace);
/* Writes these entries, all of active members, as elements of an open array. */
CC_MUST_CHECK enum cc_code chat_lines_write(const struct chat_lines *lines,
                                            const struct chat_list_entry *const *entries,
                                            size_t count, struct cc_json_writer *writer,
                                            struct cc_error *err);

#endif
