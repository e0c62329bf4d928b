/* Outboxes in memory, for tests: trusted because it passes the contract suite that PostgreSQL
 * passes. One mutex, any thread. */

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "storage/outbox_store.h"

#define ROWS_MAX 256

struct mail_row {
    bool used;
    struct outbox_mail mail; /* its texts are ours */
    int64_t next_try_ms;
};
struct event_row {
    bool used;
    struct outbox_event event;
    int64_t next_try_ms;
};
struct memory_outbox {
    struct outbox_store store; /* first: the interface points here */
    pthread_mutex_t lock;
    struct mail_row mails[ROWS_MAX]; /* in the order of their creation */
    struct event_row events[ROWS_MAX];
};

static struct memory_outbox *lock(struct outbox_store *store)
{
    struct memory_outbox *self = (struct memory_outbox *)store;
    pthread_mutex_lock(&self->lock);
    return self;
}

static enum cc_code unlock(struct memory_outbox *self)
{
    pthread_mutex_unlock(&self->lock);
    return CC_OK;
}

static enum cc_code add_mail(struct outbox_store *store, const struct outbox_mail *mail,
                             struct cc_error *err)
{
    struct memory_outbox *self = lock(store);
    for (size_t i = 0; i < ROWS_MAX; i++) {
        struct mail_row *row = &self->mails[i];
        if (row->used)
            continue;
        *row = (struct mail_row){true, *mail, mail->created_at_ms};
        row->mail.mail_id = cc_strdup(mail->mail_id);
        row->mail.recipient = cc_strdup(mail->recipient);
        row->mail.subject = cc_strdup(mail->subject);
        row->mail.text = cc_strdup(mail->text);
        row->mail.html = cc_strdup(mail->html);
        return unlock(self);
    }
    (void)unlock(self);
    return cc_fail_detail(err, CC_INTERNAL, "the memory outbox is full");
}

static void forget_mail(struct mail_row *row)
{
    cc_free((char *)row->mail.mail_id);
    cc_free((char *)row->mail.recipient);
    cc_free((char *)row->mail.subject);
    cc_free((char *)row->mail.text);
    cc_free((char *)row->mail.html);
    *row = (struct mail_row){0};
}

static enum cc_code claim_mails(struct outbox_store *store, const struct outbox_claim *claim,
                                struct cc_arena *arena, struct outbox_mail_list *out,
                                struct cc_error *err)
{
    struct memory_outbox *self = lock(store);
    struct outbox_mail *items = cc_arena_calloc(arena, ROWS_MAX, sizeof *items);
    size_t count = 0;
    (void)err;
    for (size_t i = 0; i < ROWS_MAX && count < (size_t)claim->limit; i++) {
        struct mail_row *row = &self->mails[i];
        if (!row->used || row->next_try_ms > claim->now_ms)
            continue;
        row->next_try_ms = claim->now_ms + claim->lease_ms;
        struct outbox_mail *item = &items[count++];
        *item = row->mail;
        item->mail_id = cc_arena_strdup(arena, row->mail.mail_id);
        item->recipient = cc_arena_strdup(arena, row->mail.recipient);
        item->subject = cc_arena_strdup(arena, row->mail.subject);
        item->text = cc_arena_strdup(arena, row->mail.text);
        item->html = cc_arena_strdup(arena, row->mail.html);
    }
    *out = (struct outbox_mail_list){items, count};
    return unlock(self);
}

static struct mail_row *find_mail(struct memory_outbox *self, const char *mail_id)
{
    for (size_t i = 0; i < ROWS_MAX; i++)
        if (self->mails[i].used && strcmp(self->mails[i].mail.mail_id, mail_id) == 0)
            return &self->mails[i];
    return NULL;
}

static enum cc_code finish_mail(struct outbox_store *store, const char *mail_id,
                                struct cc_error *err)
{
    struct memory_outbox *self = lock(store);
    struct mail_row *row = find_mail(self, mail_id);
    (void)err;
    if (row != NULL)
        forget_mail(row);
    return unlock(self);
}

static enum cc_code delay_mail(struct outbox_store *store, const char *mail_id, int64_t next_try_ms,
                               struct cc_error *err)
{
    struct memory_outbox *self = lock(store);
    struct mail_row *row = find_mail(self, mail_id);
    (void)err;
    if (row != NULL) {
        row->next_try_ms = next_try_ms;
        row->mail.tries++;
    }
    return unlock(self);
}

void outbox_store_memory_add_event(struct outbox_store *store, const struct outbox_event *event)
{
    struct memory_outbox *self = lock(store);
    for (size_t i = 0; i < ROWS_MAX; i++) {
        if (self->events[i].used)
            continue;
        self->events[i] = (struct event_row){true, *event, event->at_ms};
        break;
    }
    (void)unlock(self);
}

bool outbox_store_memory_has_event(struct outbox_store *store, const char *event_key)
{
    struct memory_outbox *self = lock(store);
    bool found = false;
    for (size_t i = 0; i < ROWS_MAX; i++)
        found = found ||
                (self->events[i].used && strcmp(self->events[i].event.event_key, event_key) == 0);
    (void)unlock(self);
    return found;
}

static enum cc_code claim_events(struct outbox_store *store, const struct outbox_claim *claim,
                                 struct cc_arena *arena, const struct outbox_event **out,
                                 size_t *out_count, struct cc_error *err)
{
    struct memory_outbox *self = lock(store);
    struct outbox_event *items = cc_arena_calloc(arena, ROWS_MAX, sizeof *items);
    size_t count = 0;
    (void)err;
    for (size_t i = 0; i < ROWS_MAX && count < (size_t)claim->limit; i++) {
        struct event_row *row = &self->events[i];
        if (!row->used || row->next_try_ms > claim->now_ms)
            continue;
        row->next_try_ms = claim->now_ms + claim->lease_ms;
        items[count++] = row->event;
    }
    *out = items;
    *out_count = count;
    return unlock(self);
}

static enum cc_code finish_event(struct outbox_store *store, const char *event_key,
                                 struct cc_error *err)
{
    struct memory_outbox *self = lock(store);
    (void)err;
    for (size_t i = 0; i < ROWS_MAX; i++)
        if (self->events[i].used && strcmp(self->events[i].event.event_key, event_key) == 0)
            self->events[i].used = false;
    return unlock(self);
}

static enum cc_code count(struct outbox_store *store, int64_t *out_mails, int64_t *out_events,
                          struct cc_error *err)
{
    struct memory_outbox *self = lock(store);
    int64_t mails = 0, events = 0;
    (void)err;
    for (size_t i = 0; i < ROWS_MAX; i++) {
        mails += self->mails[i].used;
        events += self->events[i].used;
    }
    *out_mails = mails;
    *out_events = events;
    return unlock(self);
}

static void destroy(struct outbox_store *store)
{
    struct memory_outbox *self = (struct memory_outbox *)store;
    for (size_t i = 0; i < ROWS_MAX; i++)
        if (self->mails[i].used)
            forget_mail(&self->mails[i]);
    pthread_mutex_destroy(&self->lock);
    cc_free(self);
}

static const struct outbox_store_ops ops = {
    .add_mail = add_mail,
    .claim_mails = claim_mails,
    .finish_mail = finish_mail,
    .delay_mail = delay_mail,
    .claim_events = claim_events,
    .finish_event = finish_event,
    .count = count,
    .destroy = destroy,
};

struct outbox_store *outbox_store_memory_create(void)
{
    struct memory_outbox *self = cc_calloc(1, sizeof *self);
    self->store.ops = &ops;
    pthread_mutex_init(&self->lock, NULL);
    return &self->store;
}
