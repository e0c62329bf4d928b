/* The frame `sync`: a page of a chat's changes on the same socket. Runs on the loop thread; the
 * page comes from message-service. */

#include <string.h>

#include "common/alloc.h"

#include "app.h"
#include "chats/changes.h"
#include "chats/subscriptions.h"
#include "people.h"
#include "ws/frames.h"
#include "ws/session.h"

/* A page leaves room in the send queue; what does not fit comes with the next one. */
#define PAGE_MAX_BYTES (512 * 1024)
#define OPEN_RETRY_MS  100

struct sync {
    struct ws_call call;
    int64_t frame_id;
    int64_t after_rev;
    char conn_id[CC_UUID_BYTES];
    char chat_id[CC_UUID_BYTES];
};

/* Returns the last rev written. */
static int64_t write_items(struct ws_out *out, const struct ws_changes *changes, int64_t after_rev)
{
    int64_t reached = after_rev;

    cc_json_open_array(&out->json, "items");
    for (size_t i = 0; i < changes->count && out->text.length < PAGE_MAX_BYTES; i++) {
        const struct cc_change *change = &changes->items[i];

        cc_json_open_object(&out->json, NULL);
        cc_json_put_int(&out->json, "rev", change->rev);
        cc_json_put_int(&out->json, "seq", change->seq);
        cc_json_put_text(&out->json, "op", cc_op_names[change->op]);
        cc_change_write(&out->json, change);
        cc_json_close_object(&out->json);
        reached = change->rev;
    }
    cc_json_close_array(&out->json);
    return reached;
}

static void answer(struct ws_session *session, const struct sync *sync,
                   const struct ws_changes *changes)
{
    struct ws_out out;
    int64_t reached;

    ws_out_reply(&out, sync->frame_id);
    cc_json_put_text(&out.json, "chat_id", sync->chat_id);
    reached = write_items(&out, changes, sync->after_rev);
    cc_json_put_int(&out.json, "head_rev", changes->head_rev);
    cc_json_put_int(&out.json, "next_rev", reached);
    cc_json_put_bool(&out.json, "more", reached < changes->head_rev && changes->count > 0);
    cc_json_put_bool(&out.json, "reload", changes->reload);
    ws_out_send(&out, session);
}

static void page_came(struct ws_call *call)
{
    struct sync *sync = WS_CONTAINER(call, struct sync, call);
    struct ws_session *session = ws_session_find(call->app, sync->conn_id);
    struct cc_arena *arena = call->app->hub.arena;
    struct ws_changes changes = {0};

    if (session == NULL)
        return;
    session->syncs_open--;
    if (session->state != WS_READY)
        return;
    if (ws_membership_find(session->app, session->person, sync->chat_id) == NULL)
        call->code = cc_fail(&call->err, CC_NOT_FOUND, "chat_id", "there is no such chat");
    if (call->code == CC_OK)
        call->code = ws_changes_read(arena, call->body, call->body_count, &changes, &call->err);
    if (call->code == CC_OK)
        answer(session, sync, &changes);
    else
        ws_session_error(session, sync->frame_id, &call->err);
    cc_arena_reset(arena);
}

/* A page costs message-service more than its frame costs the client. */
static enum cc_code admit(struct ws_session *session, struct cc_error *err)
{
    const struct ws_settings *set = session->app->settings;
    int wait_ms = OPEN_RETRY_MS;

    if (session->syncs_open >= WS_SYNCS_OPEN_MAX) {
        cc_fail(err, CC_RATE_LIMITED, NULL, "wait for the answer: at most %d syncs at a time",
                WS_SYNCS_OPEN_MAX);
        return cc_fail_retry_after(err, wait_ms);
    }
    if (ws_bucket_take(&session->syncs, ws_now_ms(session->app), (int)set->sync_per_s,
                       (int)set->sync_burst, &wait_ms))
        return CC_OK;
    cc_fail(err, CC_RATE_LIMITED, NULL, "sync at most %lld times a second",
            (long long)set->sync_per_s);
    return cc_fail_retry_after(err, wait_ms);
}

enum cc_code ws_frame_sync(struct ws_session *session, const struct ws_frame *frame,
                           struct cc_error *err)
{
    const char *chat_id = cc_json_uuid(frame->json, "chat_id", CC_REQUIRED);
    int64_t after_rev = cc_json_int(frame->json, "after_rev", CC_REQUIRED, 0, INT64_MAX - 1);
    int64_t limit = cc_json_has(frame->json, "limit")
                        ? cc_json_int(frame->json, "limit", CC_REQUIRED, 1, WS_SYNC_LIMIT_MAX)
                        : WS_CHANGES_LIMIT;
    struct sync *sync;

    CC_TRY(cc_json_reader_error(frame->json, err));
    if (ws_membership_find(session->app, session->person, chat_id) == NULL)
        return cc_fail(err, CC_NOT_FOUND, "chat_id", "there is no such chat");
    CC_TRY(admit(session, err));
    session->syncs_open++;
    sync = cc_calloc(1, sizeof *sync);
    sync->call.done = page_came;
    sync->call.discard = ws_call_free;
    sync->frame_id = frame->id;
    sync->after_rev = after_rev;
    memcpy(sync->conn_id, session->conn_id, sizeof sync->conn_id);
    memcpy(sync->chat_id, chat_id, sizeof sync->chat_id);
    ws_changes_ask(session->app, &sync->call, chat_id, session->person->user_id, after_rev,
                   (int)limit);
    return CC_OK;
}
