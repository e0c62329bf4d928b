#ifndef HUB_H
#define HUB_H

/* Who is connected to this process, what they listen to, and how their sockets are reached. Loop
 * thread only. */

#include "chats/listing.h"
#include "chats/shared_calls.h"
#include "chats/unread.h"
#include "table.h"
#include "ws/quota.h"

struct cc_counter;
struct cc_gauge;
struct cc_histogram;
struct cc_arena;

struct ws_buffer;

/* What the rest asks of a connection; server.c has the real one, tests have theirs. */
struct ws_transport {
    /* Writes at once what nothing waits in front of; false: not now, queue it and want_write. */
    bool (*write_now)(void *conn, struct ws_buffer *frame);
    void (*want_write)(void *conn);
    void (*read)(void *conn, bool on); /* false: stop reading its socket */
    void (*kill)(void *conn);          /* soon, without ceremony */
};

struct ws_metrics {
    struct cc_gauge *connections, *subscriptions, *loop_queue_depth;
    struct cc_counter *deliveries, *repairs, *bus_lost, *frames_out, *sight_unknown;
    struct cc_counter *quota_alone;
    struct cc_histogram *delivery_seconds;
};

struct ws_hub {
    const struct ws_transport *transport;
    struct cc_arena *arena;      /* of the frame or event being handled */
    struct ws_table sessions;    /* struct ws_session by conn_id */
    struct ws_table people;      /* struct ws_person by user_id */
    struct ws_table chats;       /* struct ws_chat by chat_id */
    struct ws_link all_sessions; /* struct ws_session.everyone */
    struct ws_link no_baseline;  /* struct ws_chat.waiting: subscribed, head not yet asked */
    struct ws_quotas quotas;
    struct ws_link graces;   /* people who may have gone offline; presence.c */
    struct ws_link sign_ins; /* struct ws_auth.waiting: their chats are asked for in turn */
    unsigned chat_loads;     /* lists of chats asked for and not yet answered */
    struct ws_shared_calls shared;
    struct ws_review review;
    struct ws_unreads unreads;
    struct ws_metrics metrics;
    bool draining;
    /* Grows when events may have been lost: what is known by following them is not relied on. */
    unsigned losses;
    uint64_t sight_questions; /* so many times user-service was asked who may see whom */
    int64_t heads_due_ms, canary_due_ms, canary_seen_ms, presence_due_ms, sweep_due_ms;
    int64_t second_due_ms;  /* what is done once a second */
    int64_t second_look_ms; /* at chats that seemed behind; 0 = at none */
};

struct ws_app;
void ws_hub_init(struct ws_app *app);
void ws_hub_finish(struct ws_app *app); /* closes and frees what is left */
/* Everything that happens by the clock: deadlines, pings, typing, presence, heads, canary. Every
 * 100 ms. */
void ws_hub_tick(struct ws_app *app);
void ws_hub_drain(struct ws_app *app);

#endif
