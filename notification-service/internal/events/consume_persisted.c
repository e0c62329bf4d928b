/* message.persisted -> notification.new: decides who is told of each new message, and takes back
 * what tells of a deleted one. On the consumer's thread. A batch that comes again produces the same
 * notification ids, and delivery is idempotent by them. */

#include "app.h"
#include "common/log.h"
#include "common/relations.h"
#include "common/topics.h"
#include "domain/notify.h"
#include "events/consumers.h"
#include "members.h"
#include "presence.h"

#define BATCH_MAX          50
#define LINGER_MS          100 /* a push takes longer by itself */
#define CHOICES_TIMEOUT_MS 3000

struct news { /* a message that somebody is told of */
    struct ev_message_persisted event;
    struct cc_span span;
};

struct telling { /* one person, one message */
    const struct news *news;
    const char *user_id;
    enum notify_kind kind;
    bool quiet; /* the person does not want to be disturbed */
};

struct plan {
    struct notification_app *app;
    struct cc_arena *arena;
    int64_t now_ms;
    struct news *news;
    size_t news_count;
    struct telling *tellings;
    size_t telling_count, telling_capacity;
    const char **retracted; /* message ids */
    size_t retracted_count;
};

static void add_telling(struct plan *plan, struct telling telling)
{
    if (plan->telling_count == plan->telling_capacity) {
        size_t capacity = plan->telling_capacity == 0 ? 256 : plan->telling_capacity * 2;
        struct telling *larger = cc_arena_calloc(plan->arena, capacity, sizeof *larger);
        for (size_t i = 0; i < plan->telling_count; i++)
            larger[i] = plan->tellings[i];
        plan->tellings = larger;
        plan->telling_capacity = capacity;
    }
    plan->tellings[plan->telling_count++] = telling;
}

/* The people of the chat; the event names them unless there are too many. Of a large chat where
 * only who is mentioned is told, it is enough to know that it is one. */
static enum cc_code load_people(struct plan *plan, const struct news *news, bool some_want_all,
                                struct notification_members *out, struct cc_error *err)
{
    const struct ev_message_persisted *event = &news->event;
    bool mentions = event->message.mention_count > 0 || event->message.mention_all;
    size_t enough = mentions || some_want_all ? SIZE_MAX : NOTIFY_EVERYBODY_MAX;
    if (event->recipients_omitted)
        return notification_members_load(plan->app->chat_service, event->chat_id, enough,
                                         &news->span.trace, plan->arena, out, err);
    *out = (struct notification_members){event->recipients, event->recipient_count};
    return CC_OK;
}

static enum cc_code plan_tellings(struct plan *plan, const struct news *news, struct cc_error *err)
{
    struct notification_members people;
    struct notification_wishes wishes;
    CC_TRY(notification_states_load(plan->app->states, news->event.chat_id, &news->span.trace,
                                    plan->arena, &wishes, err));
    CC_TRY(load_people(plan, news, wishes.any_all, &people, err));
    for (size_t i = 0; i < people.count; i++) {
        const char *user_id = people.user_ids[i];
        enum notify_kind kind =
            notify_kind_for(&news->event, user_id, people.count,
                            notification_wish_of(&wishes, user_id), plan->now_ms);
        if (kind != NOTIFY_NOT)
            add_telling(plan, (struct telling){.news = news, .user_id = user_id, .kind = kind});
    }
    return CC_OK;
}

/* Who is connected sees the message as it is. */
static void drop_online(struct plan *plan)
{
    const char **user_ids = cc_arena_calloc(plan->arena, plan->telling_count, sizeof *user_ids);
    bool *online = cc_arena_calloc(plan->arena, plan->telling_count, sizeof *online);
    size_t kept = 0;

    for (size_t i = 0; i < plan->telling_count; i++)
        user_ids[i] = plan->tellings[i].user_id;
    notification_presence_load(plan->app->redis, user_ids, plan->telling_count, plan->now_ms,
                               plan->arena, online);
    for (size_t i = 0; i < plan->telling_count; i++)
        if (!online[i])
            plan->tellings[kept++] = plan->tellings[i];
    plan->telling_count = kept;
}

/* Nobody is told of somebody whom they have blocked. What cannot be asked is asked again with the
 * whole batch: a block holds while user-service is away. */
static enum cc_code heed_choices(struct plan *plan, struct cc_error *err)
{
    struct cc_relation *pairs =
        cc_arena_calloc(plan->arena, plan->telling_count + 1, sizeof *pairs);
    size_t kept = 0;

    for (size_t i = 0; i < plan->telling_count; i++)
        pairs[i] = (struct cc_relation){.actor_id = plan->tellings[i].news->event.sender_id,
                                        .user_id = plan->tellings[i].user_id};
    CC_TRY(cc_relations_ask(plan->app->user_service, CC_RELATIONS_CONTACT, pairs,
                            plan->telling_count, &plan->news[0].span.trace, CHOICES_TIMEOUT_MS,
                            plan->arena, err));
    for (size_t i = 0; i < plan->telling_count; i++) {
        if (pairs[i].blocked)
            continue;
        plan->tellings[kept] = plan->tellings[i];
        plan->tellings[kept++].quiet = pairs[i].do_not_disturb;
    }
    cc_counter_add(plan->app->blocked, plan->telling_count - kept);
    plan->telling_count = kept;
    return CC_OK;
}

static void write_record(struct plan *plan, const struct telling *telling, struct cc_produce *out)
{
    struct ev_notification_new notification;
    struct cc_json_writer writer;
    struct cc_strbuf text;
    char event_id[CC_UUID_BYTES];

    notify_compose(&telling->news->event, telling->user_id, telling->kind, plan->arena,
                   &notification);
    cc_ids_next(plan->app->ids, event_id);
    notification.envelope.event_id = event_id;
    notification.envelope.occurred_at_ms = plan->now_ms;
    notification.quiet = telling->quiet;
    cc_strbuf_init(&text, CC_EVENT_MAX_BYTES);
    cc_json_writer_init(&writer, &text);
    ev_notification_new_write(&writer, &notification);
    *out = (struct cc_produce){
        .topic = plan->app->notification_topic,
        .key = telling->user_id,
        .payload = cc_arena_strndup(plan->arena, cc_strbuf_text(&text), text.length),
        .payload_count = text.length,
        .type = CC_TOPIC_NOTIFICATION_NEW,
        .version = 1,
        .trace = &telling->news->span.trace,
    };
    cc_strbuf_finish(&text);
}

static enum cc_code tell(struct plan *plan, struct cc_error *err)
{
    for (size_t i = 0; i < plan->news_count; i++)
        CC_TRY(plan_tellings(plan, &plan->news[i], err));
    if (plan->telling_count == 0)
        return CC_OK;
    drop_online(plan);
    CC_TRY(heed_choices(plan, err));
    struct cc_produce *records = cc_arena_calloc(plan->arena, plan->telling_count, sizeof *records);
    for (size_t i = 0; i < plan->telling_count; i++)
        write_record(plan, &plan->tellings[i], &records[i]);
    return cc_produce_all(plan->app->producer, records, plan->telling_count, err);
}

static void read_record(struct plan *plan, struct cc_record *record)
{
    struct news *news = &plan->news[plan->news_count];
    struct cc_json_reader *reader = cc_record_reader(record, plan->arena);

    if (!cc_record_readable(record, reader, ev_message_persisted_read(reader, &news->event)))
        return;
    if (notify_is_news(&news->event, plan->now_ms)) {
        cc_span_begin(&news->span, "notify", CC_SPAN_CONSUMER, &record->trace);
        plan->news_count++;
    } else if (notify_is_retraction(&news->event)) {
        plan->retracted[plan->retracted_count++] = news->event.message.message_id;
    }
}

static enum cc_code apply(void *memory, struct cc_batch *batch, struct cc_error *err)
{
    struct notification_app *app = memory;
    struct plan plan = {.app = app,
                        .arena = batch->arena,
                        .now_ms = cc_wall_ms(app->clock),
                        .news = cc_arena_calloc(batch->arena, batch->count, sizeof *plan.news),
                        .retracted =
                            cc_arena_calloc(batch->arena, batch->count, sizeof *plan.retracted)};

    for (size_t i = 0; i < batch->count; i++)
        read_record(&plan, &batch->records[i]);
    enum cc_code code = app->store->ops->retract(app->store, plan.retracted, plan.retracted_count,
                                                 plan.now_ms, err);
    if (code == CC_OK)
        code = tell(&plan, err);
    for (size_t i = 0; i < plan.news_count; i++)
        cc_span_end(&plan.news[i].span, code == CC_OK ? NULL : cc_code_name(code), NULL);
    return code;
}

const struct cc_consumer_row notification_persisted_row = {
    .topic = CC_TOPIC_MESSAGE_PERSISTED,
    .group = "notification-service",
    .batch_max = BATCH_MAX,
    .apply = apply,
    .linger_ms = LINGER_MS,
};
