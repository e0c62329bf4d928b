/* Tells Redis, Kafka and, for removals, asks message-service. Blocking: runs on HTTP workers and on
 * the sweeper's thread. Decides nothing; the order of the calls is announce.c's. */

#include "events/outlet.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/events/chat_updated.h"
#include "common/events/message_created.h"
#include "common/events/message_read.h"
#include "common/http_client.h"
#include "common/json_reader.h"
#include "common/kafka_producer.h"
#include "common/topics.h"
#include "list_cache.h"
#include "member_cache.h"
#include "memberships_cache.h"

#define PRODUCER_NAME      "chat-service"
#define FIRST_POLL_MS      20
#define LONGEST_POLL_MS    400
#define OUTCOME_TIMEOUT_MS 500
#define PERSISTED_WAIT_MS  2000
#define SYSTEM_TEXT_BYTES  (64 * 1024)

#define PERSONAL_TEXT_BYTES 1024

static enum cc_code note_members(struct chat_outlet *base, const struct membership *members,
                                 size_t count, struct cc_error *err)
{
    const struct chat_outlet_servers *outlet = (const struct chat_outlet_servers *)base;

    return chat_memberships_cache_put(outlet->redis, members, count, err);
}

static enum cc_code raise_rights(struct chat_outlet *base,
                                 const struct chat_announcement *announcement, struct cc_error *err)
{
    struct chat_outlet_servers *outlet = (struct chat_outlet_servers *)base;
    const struct chat_member_list *members = announcement->members;
    struct chat_rights rights = {.chat = announcement->chat};

    if (members != NULL)
        rights = (struct chat_rights){
            .chat = announcement->chat, .members = members->items, .count = members->count};
    CC_TRY(chat_member_cache_put(outlet->redis, &rights, err));
    if (announcement->change->kind == CHANGE_CREATED)
        return CC_OK; /* nobody holds anything older */
    return chat_member_cache_publish(outlet->redis, announcement->chat, err);
}

/* system_json: what people's programs turn into a sentence. */
static const char *system_text(struct cc_arena *arena, const struct chat_change *change)
{
    struct cc_strbuf text;
    struct cc_json_writer writer;
    const char *result;

    cc_strbuf_init(&text, SYSTEM_TEXT_BYTES);
    cc_json_writer_init(&writer, &text);
    cc_json_open_object(&writer, NULL);
    cc_json_put_text(&writer, "event", change_kind_names[change->kind]);
    cc_json_put_text(&writer, "actor_id", change->actor_id);
    cc_json_open_array(&writer, "targets");
    for (size_t i = 0; i < change->member_count; i++)
        cc_json_put_text(&writer, NULL, change->members[i].user_id);
    cc_json_close_array(&writer);
    cc_json_put_text(&writer, "title", change->after.title);
    if (change->kind == CHANGE_RULES)
        chat_json_put_rules(&writer, &change->after.rules);
    cc_json_close_object(&writer);
    result = cc_arena_strndup(arena, cc_strbuf_text(&text), text.length);
    cc_strbuf_finish(&text);
    return result;
}

static struct cc_envelope envelope_for(const char *type, const char *chat_id, int64_t at_ms,
                                       const char *event_id)
{
    return (struct cc_envelope){.event_id = event_id,
                                .type = type,
                                .version = 1,
                                .occurred_at_ms = at_ms,
                                .producer = PRODUCER_NAME,
                                .key = chat_id};
}

static const struct cc_member_change *member_changes(struct cc_arena *arena,
                                                     const struct chat_change *change)
{
    struct cc_member_change *changes =
        cc_arena_calloc(arena, change->member_count + 1, sizeof(*changes));

    for (size_t i = 0; i < change->member_count; i++)
        changes[i] =
            (struct cc_member_change){.user_id = change->members[i].user_id,
                                      .role = cc_chat_role_names[change->members[i].role],
                                      .state = cc_member_state_names[change->members[i].state]};
    return changes;
}

/* The operation of the timeline's owner: who may do what, in the order of everything else there. */
static void write_operation(struct chat_outlet_servers *outlet, struct cc_arena *arena,
                            const struct chat_change *change, struct cc_strbuf *out)
{
    char event_id[CC_UUID_BYTES], op_id[CC_UUID_BYTES], hash[65];
    struct cc_json_writer writer;

    cc_ids_next(outlet->ids, event_id);
    change_op_id(change, op_id);
    struct ev_message_created event = {
        .envelope =
            envelope_for(CC_TOPIC_MESSAGE_CREATED, change->after.chat_id, change->at_ms, event_id),
        .op = CC_OP_SYSTEM,
        .op_id = op_id,
        .client_msg_id = change_id(arena, change->after.chat_id, change->after.version),
        .chat_id = change->after.chat_id,
        .sender_id = CC_SYSTEM_SENDER,
        .device_id = "",
        .origin = {.node = "", .conn_id = "", .client_msg_id = ""},
        .type = "system",
        .body = "",
        .received_at_ms = change->at_ms,
        .system_json = system_text(arena, change),
        .member_version = change->after.member_version,
        .counted = change_is_counted(change),
        .members = member_changes(arena, change),
        .member_count = change->member_count,
    };
    cc_request_hash(&event, hash);
    event.request_hash = hash;
    cc_json_writer_init(&writer, out);
    ev_message_created_write(&writer, &event);
}

static enum cc_chat_change update_kind(enum change_kind kind)
{
    switch (kind) {
    case CHANGE_CREATED:
        return CC_CHAT_CREATED;
    case CHANGE_MEMBER_ADDED:
        return CC_CHAT_MEMBER_ADDED;
    case CHANGE_MEMBER_REMOVED:
    case CHANGE_MEMBER_LEFT:
    case CHANGE_MEMBER_BANNED:
        return CC_CHAT_MEMBER_REMOVED;
    case CHANGE_ROLE:
    case CHANGE_MEMBER_UNBANNED:
        return CC_CHAT_ROLE;
    case CHANGE_RULES:
        return CC_CHAT_SETTINGS;
    case CHANGE_DELETED:
        return CC_CHAT_DELETED;
    case CHANGE_METADATA:
        break;
    }
    return CC_CHAT_METADATA;
}

/* NULL when they aren't known. */
static const struct membership *
active_members(struct cc_arena *arena, const struct chat_member_list *members, size_t *out_count)
{
    *out_count = 0;
    if (members == NULL)
        return NULL;
    struct membership *active = cc_arena_calloc(arena, members->count + 1, sizeof(*active));
    for (size_t i = 0; i < members->count; i++)
        if (membership_active(&members->items[i]))
            active[(*out_count)++] = members->items[i];
    return active;
}

/* Whom the change concerns: those it names; of a deletion, whose membership it ended. */
static const char **targets_of(struct cc_arena *arena, const struct chat_announcement *announcement,
                               size_t *out_count)
{
    const struct chat_change *change = announcement->change;
    bool deletes = change->kind == CHANGE_DELETED;
    const struct chat_member_list nobody = {0};
    const struct chat_member_list *all = announcement->members == NULL
                                             ? &nobody /* too many: the timeline tells them */
                                             : announcement->members;
    const struct membership *members = deletes ? all->items : change->members;
    size_t count = deletes ? all->count : change->member_count;
    const char **targets = cc_arena_calloc(arena, count + 1, sizeof(*targets));

    *out_count = 0;
    for (size_t i = 0; i < count; i++)
        if (!deletes || membership_active(&members[i]) ||
            members[i].version == change->after.version)
            targets[(*out_count)++] = members[i].user_id;
    return targets;
}

static void write_update(struct chat_outlet_servers *outlet, struct cc_arena *arena,
                         const struct chat_announcement *announcement, const char *card,
                         struct cc_strbuf *out)
{
    const struct chat_change *change = announcement->change;
    size_t target_count = 0;
    const char **targets = targets_of(arena, announcement, &target_count);
    char event_id[CC_UUID_BYTES];
    struct cc_json_writer writer;

    cc_ids_next(outlet->ids, event_id);
    struct ev_chat_updated event = {
        .envelope =
            envelope_for(CC_TOPIC_CHAT_UPDATED, change->after.chat_id, change->at_ms, event_id),
        .chat_id = change->after.chat_id,
        .version = change->after.version,
        .change = update_kind(change->kind),
        .actor_id = change->actor_id,
        .targets = targets,
        .target_count = target_count,
        .chat_json = card,
    };
    cc_json_writer_init(&writer, out);
    ev_chat_updated_write(&writer, &event);
}

static struct cc_produce record_for(const char *topic, const char *type, const char *chat_id,
                                    const struct cc_strbuf *payload)
{
    return (struct cc_produce){.topic = topic,
                               .key = chat_id,
                               .payload = cc_strbuf_text(payload),
                               .payload_count = payload->length,
                               .type = type,
                               .version = 1};
}

static enum cc_code produce_both(struct chat_outlet_servers *outlet,
                                 const struct chat_announcement *announcement, const char *card,
                                 struct cc_arena *arena, struct cc_error *err)
{
    const struct chat_change *change = announcement->change;
    struct cc_strbuf operation, update;
    enum cc_code code;

    cc_strbuf_init(&operation, CC_EVENT_MAX_BYTES);
    cc_strbuf_init(&update, CC_EVENT_MAX_BYTES);
    write_operation(outlet, arena, change, &operation);
    write_update(outlet, arena, announcement, card, &update);
    struct cc_produce records[] = {
        record_for(outlet->operations_topic, CC_TOPIC_MESSAGE_CREATED, change->after.chat_id,
                   &operation),
        record_for(outlet->updates_topic, CC_TOPIC_CHAT_UPDATED, change->after.chat_id, &update)};
    if (operation.overflowed || update.overflowed)
        code = cc_fail_detail(err, CC_INTERNAL, "the events of %s are too long",
                              change->after.chat_id);
    else
        code = cc_produce_all(outlet->producer, records, 2, err);
    cc_strbuf_finish(&operation);
    cc_strbuf_finish(&update);
    return code;
}

static enum cc_code publish(struct chat_outlet *base, const struct chat_announcement *announcement,
                            struct cc_error *err)
{
    struct chat_outlet_servers *outlet = (struct chat_outlet_servers *)base;
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    size_t count = 0;
    const struct membership *active = active_members(arena, announcement->members, &count);
    const char *card = chat_json_card(arena, announcement->chat, active, count);

    if (card == NULL)
        return cc_fail_detail(err, CC_INTERNAL, "the card of %s is too long",
                              announcement->chat->chat_id);
    /* A small chat of which many were members once: whoever lists it next reads who is in it now.
     */
    if (active != NULL || announcement->chat->member_count > CHAT_JSON_MEMBERS_MAX)
        chat_list_cache_put_card(outlet->redis, announcement->chat, card);
    return produce_both(outlet, announcement, card, arena, err);
}

static void write_personal(struct chat_outlet_servers *outlet, const struct personal *personal,
                           struct cc_strbuf *out)
{
    char event_id[CC_UUID_BYTES];
    struct cc_json_writer writer;
    struct cc_strbuf me;

    cc_strbuf_init(&me, PERSONAL_TEXT_BYTES);
    cc_json_writer_init(&writer, &me);
    chat_json_put_personal(&writer, NULL, personal);
    cc_ids_next(outlet->ids, event_id);
    struct ev_chat_updated event = {
        .envelope =
            envelope_for(CC_TOPIC_CHAT_UPDATED, personal->chat_id, personal->at_ms, event_id),
        .chat_id = personal->chat_id,
        .version = personal->version,
        .change = CC_CHAT_PERSONAL,
        .actor_id = personal->user_id,
        .targets = &personal->user_id,
        .target_count = 1,
        .me_json = cc_strbuf_text(&me),
    };
    cc_json_writer_init(&writer, out);
    ev_chat_updated_write(&writer, &event);
    cc_strbuf_finish(&me);
}

/* Where the chat begins for that person from now on. */
static void write_clearing(struct chat_outlet_servers *outlet, const struct personal *personal,
                           struct cc_strbuf *out)
{
    char event_id[CC_UUID_BYTES];
    struct cc_json_writer writer;

    cc_ids_next(outlet->ids, event_id);
    struct ev_message_read event = {
        .envelope =
            envelope_for(CC_TOPIC_MESSAGE_READ, personal->chat_id, personal->at_ms, event_id),
        .chat_id = personal->chat_id,
        .user_id = personal->user_id,
        .device_id = "",
        .read_seq = -1,
        .delivered_seq = -1,
        .from_seq = -1,
        .cleared_seq = personal->cleared_seq,
        .at_ms = personal->at_ms,
        .origin = {.node = "", .conn_id = "", .client_msg_id = ""},
    };
    cc_json_writer_init(&writer, out);
    ev_message_read_write(&writer, &event);
}

static enum cc_code publish_personal(struct chat_outlet *base, const struct personal *personal,
                                     struct cc_error *err)
{
    struct chat_outlet_servers *outlet = (struct chat_outlet_servers *)base;
    struct cc_strbuf update, clearing;

    cc_strbuf_init(&update, CC_EVENT_MAX_BYTES);
    cc_strbuf_init(&clearing, PERSONAL_TEXT_BYTES);
    write_personal(outlet, personal, &update);
    write_clearing(outlet, personal, &clearing);
    struct cc_produce records[] = {
        record_for(outlet->updates_topic, CC_TOPIC_CHAT_UPDATED, personal->chat_id, &update),
        record_for(outlet->reads_topic, CC_TOPIC_MESSAGE_READ, personal->chat_id, &clearing)};
    enum cc_code code = cc_produce_all(outlet->producer, records, personal->cleared ? 2 : 1, err);
    cc_strbuf_finish(&update);
    cc_strbuf_finish(&clearing);
    return code;
}

static void pause_ms(int64_t duration_ms)
{
    struct timespec time = {.tv_sec = duration_ms / 1000,
                            .tv_nsec = (duration_ms % 1000) * 1000000};

    nanosleep(&time, NULL);
}

/* Asks `there` at least once, again and again, less and less often. */
static enum cc_code await(struct chat_outlet_servers *outlet,
                          bool (*there)(struct chat_outlet_servers *outlet, const void *arg),
                          const void *arg, struct cc_error *err)
{
    const struct cc_clock *clock = cc_clock_system();
    int64_t deadline_ms = cc_mono_ms(clock) + outlet->persisted_wait_ms;
    int64_t wait_ms = FIRST_POLL_MS;

    do {
        if (there(outlet, arg))
            return CC_OK;
        pause_ms(wait_ms < LONGEST_POLL_MS ? wait_ms : LONGEST_POLL_MS);
        wait_ms *= 2;
    } while (cc_mono_ms(clock) < deadline_ms);
    return cc_fail(err, CC_TIMEOUT, NULL, "message-service does not have it yet");
}

/* True once message-service has an outcome of this operation, whichever. */
static bool has_outcome(struct chat_outlet_servers *outlet, const void *path)
{
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct cc_http_answer answer;
    struct cc_error err;

    return cc_peer_call(outlet->message_service, "GET", path, NULL, 0, NULL, OUTCOME_TIMEOUT_MS,
                        arena, &answer, &err) == CC_OK;
}

static enum cc_code await_persisted(struct chat_outlet *base, const struct chat_change *change,
                                    struct cc_error *err)
{
    struct chat_outlet_servers *outlet = (struct chat_outlet_servers *)base;
    char op_id[CC_UUID_BYTES], path[160];

    change_op_id(change, op_id);
    snprintf(path, sizeof(path), "/internal/operations/%s?chat_id=%s", op_id,
             change->after.chat_id);
    return await(outlet, has_outcome, path, err);
}

static void write_heads_question(const struct personal *personal, struct cc_strbuf *out)
{
    struct cc_json_writer writer;

    cc_json_writer_init(&writer, out);
    cc_json_open_object(&writer, NULL);
    cc_json_put_texts(&writer, "chats", &personal->chat_id, 1);
    cc_json_put_text(&writer, "user_id", personal->user_id);
    cc_json_close_object(&writer);
}

static int64_t read_floor(const struct cc_http_answer *answer, struct cc_arena *arena)
{
    struct cc_json_reader *reader =
        cc_json_reader_create(arena, answer->body, answer->body_count, CC_IGNORE_UNKNOWN);
    int64_t floor_seq = -1;

    if (cc_json_array_count(reader, "items", CC_REQUIRED, 1) == 1 &&
        cc_json_enter_element(reader, "items", 0)) {
        floor_seq = cc_json_int(reader, "floor_seq", CC_OPTIONAL, 0, INT64_MAX);
        cc_json_leave(reader);
    }
    cc_json_reader_destroy(reader);
    return floor_seq;
}

static bool is_cleared(struct chat_outlet_servers *outlet, const void *arg)
{
    const struct personal *personal = arg;
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct cc_http_answer answer;
    struct cc_strbuf question;
    struct cc_error err;

    cc_strbuf_init(&question, PERSONAL_TEXT_BYTES);
    write_heads_question(personal, &question);
    enum cc_code code =
        cc_peer_call(outlet->message_service, "POST", "/internal/heads", cc_strbuf_text(&question),
                     question.length, NULL, OUTCOME_TIMEOUT_MS, arena, &answer, &err);
    cc_strbuf_finish(&question);
    return code == CC_OK && read_floor(&answer, arena) >= personal->cleared_seq;
}

static enum cc_code await_cleared(struct chat_outlet *base, const struct personal *personal,
                                  struct cc_error *err)
{
    return await((struct chat_outlet_servers *)base, is_cleared, personal, err);
}

static const struct chat_outlet_ops servers_ops = {.note_members = note_members,
                                                   .raise_rights = raise_rights,
                                                   .publish = publish,
                                                   .publish_personal = publish_personal,
                                                   .await_persisted = await_persisted,
                                                   .await_cleared = await_cleared};

void chat_outlet_servers_init(struct chat_outlet_servers *outlet)
{
    outlet->base.ops = &servers_ops;
    outlet->operations_topic = CC_TOPIC_MESSAGE_CREATED;
    outlet->updates_topic = CC_TOPIC_CHAT_UPDATED;
    outlet->reads_topic = CC_TOPIC_MESSAGE_READ;
    outlet->persisted_wait_ms = PERSISTED_WAIT_MS;
}
