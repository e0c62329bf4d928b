#ifndef WS_FANOUT_H
#define WS_FANOUT_H

/* What comes through Redis, to whom it belongs. Loop thread. */

#include "ws/backlog.h"
#include "ws/buffer.h"
#include "ws/outbox.h"

struct ws_about;
struct ws_app;
struct ws_chat;
struct ws_person;

/* Subscriber thread: the event as a loop item; NULL when it is none of ours. */
struct ws_bus_event *ws_fanout_read(struct ws_app *app, const char *channel, const char *payload,
                                    size_t count);
/* Delivers what waits in the chat, in order, until it must wait again. */
void ws_fanout_go_on(struct ws_app *app, struct ws_chat *chat);
void ws_fanout_to_person(struct ws_app *app, const struct ws_person *person,
                         struct ws_buffer *frame, enum ws_weight weight); /* all their sockets */
/* To every socket of every local member but the connection `except_conn` ("" = none). */
void ws_fanout_to_members(struct ws_app *app, struct ws_chat *chat, struct ws_buffer *frame,
                          const char *except_conn, enum ws_weight weight);
/* The same for a change of the chat's log; members whose chat begins after what it is about get its
 * rev alone, so that nobody sees a hole. */
void ws_fanout_change(struct ws_app *app, struct ws_chat *chat, int64_t rev,
                      const struct ws_about *about, struct ws_buffer *frame,
                      const char *except_conn);

#endif
