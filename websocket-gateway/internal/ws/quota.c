/* Everything on the loop thread but count_in_redis, which the worker runs. A quota outlives its
 * person's sockets until it would be full again: reconnecting wins nothing. */

#include "ws/quota.h"

#include <string.h>

#include "common/alloc.h"
#include "common/id.h"
#include "common/rate_bucket.h"

#include "app.h"
#include "jobs.h"
#include "people.h"
#include "ws/session.h"

#define UNCONFIRMED_MAX 8 /* operations of one person that Redis does not know of */
#define REST_MS         1000
#define SECOND_MS       1000
#define WHOLE_TOKEN     1000

struct quota {
    struct ws_node node;
    struct ws_link used, telling;
    struct ws_bucket bucket; /* what is believed to be left */
    int64_t used_ms;
    int64_t untold, told; /* operations: since the last question; in the one under way */
    char user_id[CC_UUID_BYTES];
};

struct question {
    struct ws_job job;
    struct cc_rate rate;
    size_t count;
    char users[CC_RATE_CHARGE_MAX][CC_UUID_BYTES];
    int64_t tokens[CC_RATE_CHARGE_MAX], levels[CC_RATE_CHARGE_MAX];
};

static struct quota *find(struct ws_app *app, const char *user_id)
{
    struct ws_node *node = ws_table_find(&app->hub.quotas.by_user, user_id);

    return node == NULL ? NULL : WS_CONTAINER(node, struct quota, node);
}

static struct quota *find_or_make(struct ws_app *app, const char *user_id)
{
    struct quota *quota = find(app, user_id);

    if (quota != NULL)
        return quota;
    quota = cc_calloc(1, sizeof *quota);
    memcpy(quota->user_id, user_id, sizeof quota->user_id);
    ws_list_init(&quota->telling);
    ws_list_append(&app->hub.quotas.by_use, &quota->used);
    ws_table_add(&app->hub.quotas.by_user, &quota->node, quota->user_id);
    return quota;
}

static void forget(struct ws_app *app, struct quota *quota)
{
    ws_list_remove(&quota->used);
    ws_list_remove(&quota->telling);
    ws_table_remove(&app->hub.quotas.by_user, &quota->node);
    cc_free(quota);
}

/* ---- Redis ---- */

static enum cc_code count_in_redis(struct ws_job *job, struct cc_redis *redis, struct cc_error *err)
{
    struct question *question = WS_CONTAINER(job, struct question, job);
    const char *keys[CC_RATE_CHARGE_MAX];

    for (size_t i = 0; i < question->count; i++)
        keys[i] = question->users[i];
    return cc_rate_charge(redis, &question->rate, CC_BUCKET_WRITE, keys, question->tokens,
                          question->count, question->levels, err);
}

static void read_on(struct ws_app *app, const char *user_id)
{
    struct ws_person *person = ws_people_find(app, user_id);

    if (person == NULL)
        return;
    WS_LIST_EACH(link, &person->sessions)
    {
        struct ws_session *session = WS_CONTAINER(link, struct ws_session, of_person);

        if (session->reading_stopped)
            ws_session_pace(session);
    }
}

static void believe(struct quota *quota, int64_t level, int64_t now_ms)
{
    quota->bucket.milli_tokens = (int32_t)(level - quota->untold * WHOLE_TOKEN);
    quota->bucket.updated_ms = now_ms;
}

static void ask(struct ws_app *app);

static void answered(struct ws_job *job)
{
    const struct question *question = WS_CONTAINER(job, struct question, job);
    struct ws_app *app = job->app;
    int64_t now_ms = ws_now_ms(app);

    app->hub.quotas.asking = false;
    if (job->code != CC_OK) {
        app->hub.quotas.rests_until_ms = now_ms + REST_MS;
        cc_counter_add(app->hub.metrics.quota_alone, 1);
    }
    for (size_t i = 0; i < question->count; i++) {
        struct quota *quota = find(app, question->users[i]);

        if (quota == NULL)
            continue;
        quota->told = 0;
        if (job->code == CC_OK)
            believe(quota, question->levels[i], now_ms);
        read_on(app, quota->user_id);
    }
    ask(app);
}

static void add_row(struct question *question, struct quota *quota)
{
    memcpy(question->users[question->count], quota->user_id, sizeof quota->user_id);
    question->tokens[question->count++] = quota->untold;
    quota->told = quota->untold;
    quota->untold = 0;
    ws_list_remove(&quota->telling);
}

/* One question at a time: what is taken meanwhile goes into the next. */
static void ask(struct ws_app *app)
{
    struct ws_quotas *quotas = &app->hub.quotas;
    struct question *question;

    if (quotas->asking || ws_list_empty(&quotas->to_tell) ||
        ws_now_ms(app) < quotas->rests_until_ms)
        return;
    question = cc_calloc(1, sizeof *question);
    question->job.work = count_in_redis;
    question->job.done = answered;
    question->job.discard = ws_job_free;
    question->rate = (struct cc_rate){app->settings->rate_write_per_s, SECOND_MS,
                                      app->settings->rate_write_burst};
    WS_LIST_EACH(link, &quotas->to_tell)
    {
        add_row(question, WS_CONTAINER(link, struct quota, telling));
        if (question->count == CC_RATE_CHARGE_MAX)
            break;
    }
    quotas->asking = true;
    ws_job_submit(app, &question->job);
}

/* ---- the loop's side ---- */

bool ws_quota_take(struct ws_app *app, const char *user_id, int *out_wait_ms)
{
    const struct ws_settings *set = app->settings;
    struct ws_quotas *quotas = &app->hub.quotas;
    int64_t now_ms = ws_now_ms(app);
    struct quota *quota;

    if (set->rate_write_per_s == 0)
        return true;
    quota = find_or_make(app, user_id);
    if (!ws_bucket_take(&quota->bucket, now_ms, (int)set->rate_write_per_s,
                        (int)set->rate_write_burst, out_wait_ms))
        return false;
    quota->used_ms = now_ms;
    ws_list_remove(&quota->used);
    ws_list_append(&quotas->by_use, &quota->used);
    if (quota->untold++ == 0)
        ws_list_append(&quotas->to_tell, &quota->telling);
    ask(app);
    return true;
}

bool ws_quota_is_behind(struct ws_app *app, const char *user_id)
{
    const struct quota *quota = find(app, user_id);

    return quota != NULL && quota->untold + quota->told >= UNCONFIRMED_MAX &&
           ws_now_ms(app) >= app->hub.quotas.rests_until_ms;
}

void ws_quotas_tick(struct ws_app *app, int64_t now_ms)
{
    const struct ws_settings *set = app->settings;
    struct ws_quotas *quotas = &app->hub.quotas;
    int64_t full_ms = SECOND_MS;

    if (set->rate_write_per_s > 0) /* from the deepest debt */
        full_ms += 2 * set->rate_write_burst * SECOND_MS / set->rate_write_per_s;
    ask(app);
    WS_LIST_EACH(link, &quotas->by_use)
    {
        struct quota *quota = WS_CONTAINER(link, struct quota, used);

        if (now_ms - quota->used_ms < full_ms)
            return;
        if (quota->untold + quota->told == 0)
            forget(app, quota);
    }
}

void ws_quotas_init(struct ws_app *app)
{
    ws_table_init(&app->hub.quotas.by_user);
    ws_list_init(&app->hub.quotas.by_use);
    ws_list_init(&app->hub.quotas.to_tell);
}

void ws_quotas_finish(struct ws_app *app)
{
    WS_LIST_EACH(link, &app->hub.quotas.by_use)
    forget(app, WS_CONTAINER(link, struct quota, used));
    ws_table_finish(&app->hub.quotas.by_user);
}
