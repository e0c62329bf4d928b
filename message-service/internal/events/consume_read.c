/* Read positions. Runs on the message.read consumer's thread. What this service itself produced for
 * a send or a new member needs no check: the owner gave out those seqs. What somebody asked for is
 * stored before it is answered; what follows from own sends is hinted to Redis and stored later. */

#include "events/consume_read.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/events/message_read.h"
#include "common/hash_map.h"
#include "common/topics.h"
#include "events/event_payload.h"
#include "events/receipts.h"
#include "outcome_frame.h"
#include "reads_cache.h"
#include "standing.h"

#define KNOWN_MAX         50000
#define CLEARING_PRODUCER "chat-service"
#define RECEIPT_EVERY_MS  1000 /* of one person in one chat; what comes between waits for a save */

struct known {
    struct cc_pending pending; /* first */
    char key[CC_UUID_BYTES * 2];
    struct receipt now;            /* own sends may have moved it since it was stored */
    struct receipt told;           /* what the authors know */
    int64_t read_told_ms, told_ms; /* monotonic; of a read mark, of any */
    bool untold;
};

/* One person's marks in one chat, merged over the batch. */
struct person {
    const char *key;
    struct known *known;
    struct receipt after;
    bool told_by_message; /* nothing but own sends and joining moved it: no receipt frame */
    bool stored_later;    /* nothing but own sends moved it, and nobody asked */
    const char *conn_id;  /* who asked last, and is answered */
};
struct mark { /* one record */
    struct ev_message_read ask;
    struct person *person;
    int32_t partition;
    bool trusted;
    struct cc_error refusal; /* code CC_OK = none */
};
struct round {
    struct read_consumer *consumer;
    struct cc_arena *arena;
    struct mark *marks;
    size_t mark_count;
    struct person *persons;
    size_t person_count;
    struct cc_hash_map *by_key;
    struct receipt *stored; /* at once, in this round */
    size_t stored_count;
};

static void free_known(struct cc_pending *pending)
{
    cc_free((struct known *)pending);
}

void read_consumer_init(struct read_consumer *consumer)
{
    consumer->known = cc_write_behind_create(free_known);
}

void read_consumer_finish(struct read_consumer *consumer)
{
    cc_write_behind_destroy(consumer->known);
}

void consume_read_rebalanced(void *app, int32_t partition)
{
    cc_write_behind_forget_partition(((struct read_consumer *)app)->known, partition);
}

/* Decoding */

static bool decode(struct cc_record *record, struct cc_arena *arena, struct mark *out)
{
    struct cc_json_reader *reader = cc_record_reader(record, arena);

    if (!cc_record_readable(record, reader, ev_message_read_read(reader, &out->ask)))
        return false;
    if (strcmp(record->key, out->ask.chat_id) == 0)
        return true;
    cc_record_reject(record, "the key is not the chat");
    return false;
}

/* Own sends and joining: produced by the owner, asked for by nobody. What was cleared: by
 * chat-service, which knows where the chat ends. */
static bool is_trusted(const struct ev_message_read *ask)
{
    const char *producer = ask->envelope.producer;
    bool ours = strcmp(producer, EVENT_PRODUCER_NAME) == 0 ||
                (strcmp(producer, CLEARING_PRODUCER) == 0 && ask->cleared_seq >= 0);

    return ours && ask->origin.node[0] == '\0';
}

/* Positions as they are */

static enum cc_code know_person(struct round *round, struct person *person, const struct mark *mark,
                                struct cc_error *err)
{
    const struct ev_message_read *ask = &mark->ask;
    struct read_consumer *consumer = round->consumer;
    struct known *known = (struct known *)cc_write_behind_get(consumer->known, person->key);

    if (known == NULL) {
        struct receipt stored;
        CC_TRY(consumer->store->ops->get_receipt(consumer->store, ask->chat_id, ask->user_id,
                                                 &stored, err));
        known = cc_calloc(1, sizeof *known);
        (void)snprintf(known->key, sizeof known->key, "%s", person->key);
        (void)snprintf(stored.chat_id, sizeof stored.chat_id, "%s", ask->chat_id);
        (void)snprintf(stored.user_id, sizeof stored.user_id, "%s", ask->user_id);
        known->now = known->told = stored;
        known->pending = (struct cc_pending){.key = known->key, .partition = mark->partition};
        cc_write_behind_add(consumer->known, &known->pending);
    }
    person->known = known;
    person->after = known->now;
    person->told_by_message = person->stored_later = true;
    person->conn_id = "";
    return CC_OK;
}

static enum cc_code find_person(struct round *round, struct mark *mark, struct cc_error *err)
{
    const char *key = cc_arena_printf(round->arena, "%s/%s", mark->ask.chat_id, mark->ask.user_id);
    struct person *person = cc_hash_map_get(round->by_key, key);

    if (person == NULL) {
        person = &round->persons[round->person_count];
        person->key = key;
        CC_TRY(know_person(round, person, mark, err));
        cc_hash_map_put(round->by_key, key, person);
        round->person_count++;
    }
    mark->person = person;
    return CC_OK;
}

/* Rules */

/* refusal is filled for somebody who isn't a member; nobody can say now: the batch comes again. */
static enum cc_code check_membership(struct round *round, struct mark *mark, struct cc_error *err)
{
    struct cc_error fault = {0};
    enum cc_code code = message_members_may_read(round->consumer->members, mark->ask.chat_id,
                                                 mark->ask.user_id, &fault);

    if (code == CC_OK)
        return CC_OK;
    if (code != CC_NOT_FOUND)
        return cc_fail_detail(err, CC_UNAVAILABLE, "membership is not to be had: %s",
                              cc_code_name(code));
    mark->refusal = fault;
    return CC_OK;
}

/* Nobody has read what isn't there. The head in Redis may be behind; the log is not. */
static enum cc_code clamp(struct round *round, struct ev_message_read *ask, struct cc_error *err)
{
    int64_t wanted = ask->read_seq > ask->delivered_seq ? ask->read_seq : ask->delivered_seq;
    struct head_position hint;
    struct chat_head head;

    heads_hint(round->consumer->outlet.redis, &ask->chat_id, 1, &hint);
    if (wanted <= hint.seq)
        return CC_OK;
    CC_TRY(heads_read(round->consumer->store, ask->chat_id, &head, err));
    if (ask->read_seq > head.seq)
        ask->read_seq = head.seq;
    if (ask->delivered_seq > head.seq)
        ask->delivered_seq = head.seq;
    chat_head_finish(&head);
    return CC_OK;
}

static bool raise_to(int64_t *position, int64_t value)
{
    if (value <= *position)
        return false;
    *position = value;
    return true;
}

/* Whoever has read a message has got it. */
static void merge(struct mark *mark)
{
    struct receipt *after = &mark->person->after;
    const struct ev_message_read *ask = &mark->ask;

    bool moved = raise_to(&after->read_seq, ask->read_seq);
    moved |= raise_to(&after->delivered_seq, ask->delivered_seq);
    moved |= raise_to(&after->delivered_seq, after->read_seq);
    bool begins = raise_to(&after->from_seq, ask->from_seq);
    begins |= raise_to(&after->cleared_seq, ask->cleared_seq);
    if (begins || !mark->trusted)
        mark->person->stored_later = false;
    if (!moved)
        return;
    (void)raise_to(&after->at_ms, ask->at_ms);
    mark->person->conn_id = ask->origin.conn_id;
    if (!mark->trusted)
        mark->person->told_by_message = false;
}

static enum cc_code take_marks(struct round *round, struct cc_error *err)
{
    for (size_t i = 0; i < round->mark_count; i++) {
        struct mark *mark = &round->marks[i];
        mark->trusted = is_trusted(&mark->ask);
        CC_TRY(find_person(round, mark, err));
        if (!mark->trusted) {
            CC_TRY(check_membership(round, mark, err));
            if (mark->refusal.code != CC_OK)
                continue;
            CC_TRY(clamp(round, &mark->ask, err));
        }
        merge(mark);
    }
    return CC_OK;
}

/* Effects */

static bool has_moved(const struct person *person)
{
    const struct receipt *before = &person->known->now, *after = &person->after;
    return before->read_seq != after->read_seq || before->delivered_seq != after->delivered_seq ||
           before->from_seq != after->from_seq || before->cleared_seq != after->cleared_seq;
}

/* What somebody asked for, at once; own sends wait for consume_read_save. */
static enum cc_code store_moved(struct round *round, struct cc_error *err)
{
    struct message_store *store = round->consumer->store;
    size_t count = 0;

    round->stored = cc_arena_calloc(round->arena, round->person_count + 1, sizeof *round->stored);
    for (size_t i = 0; i < round->person_count; i++) {
        const struct person *person = &round->persons[i];
        if (!person->stored_later && (has_moved(person) || person->known->pending.unsaved))
            round->stored[count++] = person->after;
    }
    round->stored_count = count;
    return count == 0 ? CC_OK : store->ops->raise_receipts(store, round->stored, count, err);
}

static enum cc_code count_unread(struct read_consumer *consumer, const struct receipt *receipt,
                                 struct read_answer *answer, struct cc_error *err)
{
    struct standing standing;
    struct chat_head head;

    CC_TRY(standing_find(consumer->members, consumer->store, receipt->chat_id, receipt->user_id,
                         &standing, err));
    standing.receipt = *receipt;
    CC_TRY(heads_read(consumer->store, receipt->chat_id, &head, err));
    answer->head_seq = head.seq;
    answer->head_rev = head.rev;
    answer->read_seq = receipt->read_seq;
    enum cc_code code =
        standing_unread(consumer->store, &standing, receipt->user_id, &head, &answer->unread, err);
    chat_head_finish(&head);
    return code;
}

static enum cc_code write_answer(struct round *round, const struct mark *mark,
                                 struct cc_strbuf *frame, struct cc_error *err)
{
    const struct receipt *after = &mark->person->after;
    const char *frame_id = mark->ask.origin.client_msg_id;
    struct read_answer answer = {
        .frame_id = frame_id, .chat_id = mark->ask.chat_id, .read_seq = after->read_seq};

    if (mark->refusal.code != CC_OK) {
        outcome_frame_read_error(frame, frame_id, &mark->refusal);
        return CC_OK;
    }
    CC_TRY(count_unread(round->consumer, after, &answer, err));
    outcome_frame_read(frame, &answer);
    return CC_OK;
}

static enum cc_code put_answer(struct round *round, const struct mark *mark,
                               struct cc_bus_batch *batch, struct cc_error *err)
{
    const struct cc_origin *origin = &mark->ask.origin;
    struct cc_strbuf frame;
    char channel[CC_REDIS_NAME_BYTES];
    struct cc_bus_message message = event_answer(mark->ask.chat_id, mark->ask.user_id, origin);

    cc_strbuf_init(&frame, OUTCOME_FRAME_MAX_BYTES);
    enum cc_code code = write_answer(round, mark, &frame, err);
    cc_redis_name_node(origin->node, channel);
    cc_bus_carry(&message, &frame);
    if (code == CC_OK)
        cc_bus_batch_publish(batch, channel, &message);
    cc_strbuf_finish(&frame);
    return code;
}

/* What is unread has changed: for the person's other devices. */
static enum cc_code put_unread(struct round *round, const struct person *person,
                               struct cc_bus_batch *batch, struct cc_error *err)
{
    const struct receipt *after = &person->after;
    struct read_answer counts = {.chat_id = after->chat_id};
    struct cc_bus_message message = {.kind = CC_BUS_UNREAD};
    char channel[CC_REDIS_NAME_BYTES];
    struct cc_strbuf frame;

    CC_TRY(count_unread(round->consumer, after, &counts, err));
    cc_strbuf_init(&frame, OUTCOME_FRAME_MAX_BYTES);
    outcome_frame_unread(&frame, &counts);
    message.rev = counts.head_rev;
    message.seq = counts.head_seq;
    (void)snprintf(message.chat_id, sizeof message.chat_id, "%s", after->chat_id);
    (void)snprintf(message.conn_id, sizeof message.conn_id, "%s", person->conn_id);
    cc_redis_name_user(after->user_id, channel);
    cc_bus_carry(&message, &frame);
    cc_bus_batch_publish(batch, channel, &message);
    cc_strbuf_finish(&frame);
    return CC_OK;
}

/* False when it has to wait: a moment ago something was told. A read mark waits for no delivery. */
static bool may_tell(struct known *known, const struct receipt *now, int64_t mono_ms)
{
    int64_t *last = now->read_seq > known->told.read_seq ? &known->read_told_ms : &known->told_ms;

    if (*last != 0 && mono_ms - *last < RECEIPT_EVERY_MS)
        return false;
    *last = known->told_ms = mono_ms;
    return true;
}

/* A hint: when it can't be told now, the next save tries again, and nobody's batch waits for it. */
static void tell_authors(struct read_consumer *consumer, struct known *known,
                         const struct receipt *now, struct cc_bus_batch *batch)
{
    struct receipt_move move = {.told = &known->told, .now = now};
    struct cc_error err = {0};
    struct rights *rights;

    if (message_members_rights(consumer->members, now->chat_id, &rights, &err) != CC_OK)
        return;
    if (receipts_tell(batch, consumer->store, rights, &move, &err) == CC_OK)
        known->untold = false;
    rights_unref(rights);
}

/* The authors learn what was read, the person's other devices what is left unread. */
static enum cc_code tell_moved(struct round *round, const struct person *person,
                               struct cc_bus_batch *batch, struct cc_error *err)
{
    struct read_consumer *consumer = round->consumer;
    struct known *known = person->known;
    bool reads = person->after.read_seq != known->now.read_seq;

    if (person->stored_later)
        redis_hint_read(batch, &person->after);
    if (person->told_by_message)
        return CC_OK;
    if (reads)
        CC_TRY(put_unread(round, person, batch, err));
    known->untold = true;
    if (may_tell(known, &person->after, cc_mono_ms(consumer->outlet.clock)))
        tell_authors(consumer, known, &person->after, batch);
    return CC_OK;
}

static enum cc_code tell(struct round *round, struct cc_error *err)
{
    struct cc_bus_batch batch = cc_bus_batch_create(round->arena);

    for (size_t i = 0; i < round->person_count; i++) {
        const struct person *person = &round->persons[i];
        if (has_moved(person))
            CC_TRY(tell_moved(round, person, &batch, err));
    }
    for (size_t i = 0; i < round->mark_count; i++)
        if (round->marks[i].ask.origin.node[0] != '\0')
            CC_TRY(put_answer(round, &round->marks[i], &batch, err));
    reads_cache_raise(&batch, round->stored, round->stored_count);
    (void)redis_outlet_send(&round->consumer->outlet, &batch);
    return CC_OK;
}

static void remember(struct round *round)
{
    for (size_t i = 0; i < round->person_count; i++) {
        const struct person *person = &round->persons[i];
        if (!person->stored_later)
            person->known->pending.unsaved = false;
        else if (has_moved(person))
            person->known->pending.unsaved = true;
        if (person->known->untold)
            person->known->pending.unsaved = true;
        else
            person->known->told = person->after;
        person->known->now = person->after;
    }
    cc_write_behind_trim(round->consumer->known, KNOWN_MAX);
}

static enum cc_code apply_round(struct round *round, struct cc_error *err)
{
    CC_TRY(take_marks(round, err));
    CC_TRY(store_moved(round, err));
    CC_TRY(tell(round, err));
    remember(round);
    return CC_OK;
}

enum cc_code consume_read(void *app, struct cc_batch *batch, struct cc_error *err)
{
    struct round round = {
        .consumer = app,
        .arena = batch->arena,
        .marks = cc_arena_calloc(batch->arena, batch->count + 1, sizeof *round.marks),
        .persons = cc_arena_calloc(batch->arena, batch->count + 1, sizeof *round.persons),
        .by_key = cc_hash_map_create(),
    };

    for (size_t i = 0; i < batch->count; i++) {
        struct mark *mark = &round.marks[round.mark_count];
        mark->partition = batch->records[i].partition;
        if (decode(&batch->records[i], batch->arena, mark))
            round.mark_count++;
    }
    enum cc_code code = apply_round(&round, err);
    cc_hash_map_destroy(round.by_key);
    return code;
}

/* What came too soon after what was told, and what is stored now. */
static void tell_saved(struct read_consumer *consumer, struct cc_pending *const *pending,
                       const struct receipt *saved, size_t count, struct cc_arena *arena)
{
    struct cc_bus_batch batch = cc_bus_batch_create(arena);

    for (size_t i = 0; i < count; i++) {
        struct known *known = (struct known *)pending[i];
        if (!known->untold)
            continue;
        (void)may_tell(known, &known->now, cc_mono_ms(consumer->outlet.clock));
        tell_authors(consumer, known, &known->now, &batch);
        known->told = known->now;
        known->untold = false;
    }
    reads_cache_raise(&batch, saved, count);
    (void)redis_outlet_send(&consumer->outlet, &batch);
}

enum cc_code consume_read_save(void *app, struct cc_arena *arena, struct cc_error *err)
{
    struct read_consumer *consumer = app;
    struct message_store *store = consumer->store;
    size_t count;
    struct cc_pending **pending = cc_write_behind_unsaved(consumer->known, arena, &count);
    struct receipt *unsaved = cc_arena_calloc(arena, count + 1, sizeof *unsaved);

    for (size_t i = 0; i < count; i++)
        unsaved[i] = ((struct known *)pending[i])->now;
    if (count > 0)
        CC_TRY(store->ops->raise_receipts(store, unsaved, count, err));
    tell_saved(consumer, pending, unsaved, count, arena);
    cc_write_behind_saved(consumer->known);
    return CC_OK;
}
