#ifndef WS_SESSION_H
#define WS_SESSION_H

/* One client connection: its state, what it has still to be sent, and what it has asked. Loop
 * thread only. An idle one should cost little, so that whatever is rare hangs on a pointer. */

#include "common/error.h"
#include "common/id.h"
#include "common/json_writer.h"

#include "table.h"
#include "ws/limits.h"
#include "ws/outbox.h"

struct ws_app;
struct ws_auth;
struct ws_resume;
struct ws_person;
struct ws_send;
struct ws_watch;

enum ws_close { /* docs/errors.md; RFC 6455 7.4.1 has the others */
                WS_CLOSE_PROTOCOL_RFC = 1002,
                WS_CLOSE_TOO_BIG = 1009,
                WS_CLOSE_DRAIN = 4100,
                WS_CLOSE_INTERNAL = 4101,
                WS_CLOSE_SLOW = 4104,
                WS_CLOSE_NO_PONG = 4105,
                WS_CLOSE_RATE = 4108,
                WS_CLOSE_EXPIRED = 4200,
                WS_CLOSE_BAD_TOKEN = 4300,
                WS_CLOSE_REVOKED = 4301,
                WS_CLOSE_REPLACED = 4302,
                WS_CLOSE_PROTOCOL = 4303,
                WS_CLOSE_SUSPENDED = 4304,
};
enum ws_state { WS_NEW, WS_AUTHENTICATING, WS_READY, WS_CLOSING };

struct ws_typing { /* one chat at a time: a person types in one place */
    char chat_id[CC_UUID_BYTES];
    int64_t sent_ms, until_ms;
    bool untold; /* until it is known whether the chat is closed */
};

struct ws_session {
    struct ws_app *app;
    void *conn; /* the transport's; NULL once it is gone */
    struct ws_node node;
    struct ws_link everyone, of_person;
    struct ws_person *person; /* from authentication on */
    enum ws_state state;
    uint16_t close_code;
    bool ping_due, reading_stopped;
    bool writing;                /* a frame was taken from `out` and is not written yet */
    uint8_t syncs_open;          /* pages that were asked for and have not come */
    bool away;                   /* nobody is at the client, it says */
    int64_t heard_ms;            /* last sign of life */
    int64_t pinged_ms;           /* 0 = no answer is owed */
    int64_t deadline_ms;         /* WS_NEW: authenticate; WS_CLOSING: killed then */
    int64_t drain_ms;            /* 0 = not draining; closed then */
    int64_t token_expires_at_ms; /* wall */
    struct ws_outbox out;
    struct ws_outbox held; /* live frames that wait for the end of a resume */
    struct ws_bucket operations, reads, moods, syncs, watched, refreshes;
    struct ws_send *sends, **sends_end; /* operations whose outcome is awaited, oldest first */
    struct ws_send *unaccepted;         /* the oldest that Kafka has not taken yet; NULL: none */
    unsigned send_count, unanswered;    /* all of them; those not yet answered at all */
    struct ws_auth *auth;               /* while WS_AUTHENTICATING */
    struct ws_resume *resume;           /* while changes are replayed */
    struct ws_watch *watches;
    struct ws_typing *typing;
    struct cc_strbuf *partial;          /* a frame that came in pieces */
    char *handshake_token;              /* from the Authorization header, until it is used */
    char *device_id, *client_device_id; /* of the token; as the client names itself, or NULL */
    char session_id[CC_UUID_BYTES];
    char conn_id[CC_UUID_BYTES];
};

/* token: of the handshake's Authorization header, or NULL. Says hello. */
struct ws_session *ws_session_open(struct ws_app *app, void *conn, const char *token);
/* The connection is gone: everything of the session is undone and freed. */
void ws_session_closed(struct ws_session *session);
/* Bytes of a message, in order; `last` ends the message. */
void ws_session_receive(struct ws_session *session, const void *bytes, size_t count, bool last);
void ws_session_heard(struct ws_session *session); /* any sign of life */
void ws_session_tick(struct ws_session *session, int64_t now_ms);

/* Sends a frame (a reference is taken). Live events go through ws_session_deliver, which holds them
 * back during a resume. */
void ws_session_push(struct ws_session *session, struct ws_buffer *frame, enum ws_weight weight);
void ws_session_deliver(struct ws_session *session, struct ws_buffer *frame, enum ws_weight weight);
/* Everything written: the next frame, or NULL. The caller unrefs it. */
struct ws_buffer *ws_session_next(struct ws_session *session);
/* Nothing more is read; what is queued is still written, then the connection ends with `code`. */
void ws_session_close(struct ws_session *session, enum ws_close code);
/* Stops or resumes reading, by how much is unanswered and how full the producer is. */
void ws_session_pace(struct ws_session *session);

struct ws_session *ws_session_find(struct ws_app *app, const char *conn_id); /* NULL = gone */

/* A frame under construction. */
struct ws_out {
    struct cc_strbuf text;
    struct cc_json_writer json;
};
#define WS_NO_ID (-1)
void ws_out_event(struct ws_out *out, const char *type); /* {"t":type */
void ws_out_reply(struct ws_out *out, int64_t frame_id); /* {"re":id,"ok":true */
struct ws_buffer *ws_out_finish(struct ws_out *out);     /* } and the frame, one reference */
void ws_out_send(struct ws_out *out, struct ws_session *session);
/* The error frame; frame_id WS_NO_ID when it answers no frame. */
void ws_session_error(struct ws_session *session, int64_t frame_id, const struct cc_error *err);

#endif
