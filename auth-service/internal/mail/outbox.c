/* Stored mails and the thread that sends them; see outbox.h.
 * Replicas share the work: what one has claimed, others leave alone. Never logs an address. */

#include "mail/outbox.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/alloc.h"
#include "common/log.h"
#include "common/metrics.h"
#include "mail/mailer.h"
#include "worker.h"

#define CLAIM_MAX       10
#define LEASE_MS        240000 /* longer than CLAIM_MAX mails can take */
#define POLL_MS         1000
#define STORE_AWAY_MS   2000
#define BACKOFF_MOST_MS 60000

struct mail_outbox {
    struct mail_outbox_options options;
    struct mailer *mailer;
    struct cc_arena *arena; /* of the worker */
    struct worker *worker;
    struct cc_counter *sent, *delayed, *dropped;
};

/* 1, 2, 4, ... 60 s. */
static int64_t backoff_ms(int tries)
{
    int64_t wait_ms = INT64_C(1000) << (tries < 6 ? tries : 6);
    return wait_ms < BACKOFF_MOST_MS ? wait_ms : BACKOFF_MOST_MS;
}

/* A request for an address that nobody has leaves a row for nobody (account_store.h). */
static enum cc_code send_now(struct mail_outbox *outbox, const struct outbox_mail *mail,
                             int64_t now_ms, struct cc_error *err)
{
    if (mail->recipient[0] == '\0')
        return CC_NOT_FOUND;
    return mailer_send(outbox->mailer, mail, now_ms, err);
}

/* False when the mail server is away: the rest need not be tried now. */
static bool send_one(struct mail_outbox *outbox, const struct outbox_mail *mail)
{
    struct outbox_store *store = outbox->options.store;
    int64_t now_ms = cc_wall_ms(outbox->options.clock);
    struct cc_error err = {0};
    enum cc_code sent = send_now(outbox, mail, now_ms, &err), stored;

    if (sent == CC_NOT_FOUND) {
        stored = outbox_finish_mail(store, mail->mail_id, &err);
    } else if (sent == CC_UNAVAILABLE || sent == CC_RATE_LIMITED) {
        cc_counter_add(outbox->delayed, 1);
        if (mail->tries == 0)
            cc_log_error(CC_LOG_WARN, "a mail has to wait", &err, "mail_id", mail->mail_id, NULL);
        stored = outbox_delay_mail(store, mail->mail_id, now_ms + backoff_ms(mail->tries), &err);
    } else {
        cc_counter_add(sent == CC_OK ? outbox->sent : outbox->dropped, 1);
        if (sent != CC_OK)
            cc_log_error(CC_LOG_WARN, "a mail was given up", &err, "mail_id", mail->mail_id, NULL);
        stored = outbox_finish_mail(store, mail->mail_id, &err);
    }
    if (stored != CC_OK)
        cc_log_error(CC_LOG_WARN, "the mail outbox can't be written", &err, NULL);
    return sent != CC_UNAVAILABLE;
}

/* What was claimed and not tried waits as long as what was tried. */
static void put_back(struct mail_outbox *outbox, const struct outbox_mail *mail)
{
    struct cc_error err = {0};
    int64_t next_ms = cc_wall_ms(outbox->options.clock) + backoff_ms(mail->tries);
    if (outbox_delay_mail(outbox->options.store, mail->mail_id, next_ms, &err) != CC_OK)
        cc_log_error(CC_LOG_WARN, "the mail outbox can't be written", &err, NULL);
}

static int64_t send_due_mails(void *arg)
{
    struct mail_outbox *outbox = arg;
    struct outbox_claim claim = {cc_wall_ms(outbox->options.clock), LEASE_MS, CLAIM_MAX};
    struct outbox_mail_list mails;
    struct cc_error err = {0};
    bool reachable = true;

    cc_arena_reset(outbox->arena);
    if (outbox_claim_mails(outbox->options.store, &claim, outbox->arena, &mails, &err) != CC_OK) {
        cc_log_error(CC_LOG_WARN, "the mail outbox can't be read", &err, NULL);
        return STORE_AWAY_MS;
    }
    for (size_t i = 0; i < mails.count; i++) {
        if (reachable)
            reachable = send_one(outbox, &mails.items[i]);
        else
            put_back(outbox, &mails.items[i]);
    }
    return mails.count == CLAIM_MAX && reachable ? 0 : POLL_MS;
}

static struct cc_counter *outcome_counter(const char *outcome)
{
    return cc_counter_get("auth_mails_total", "Mails, by what became of a try to send them.",
                          "outcome", outcome, NULL);
}

struct mail_outbox *mail_outbox_start(const struct mail_outbox_options *options)
{
    struct mail_outbox *outbox = cc_calloc(1, sizeof *outbox);
    outbox->options = *options;
    outbox->mailer = mailer_create(&(struct mailer_options){.url = options->smtp_url,
                                                            .from = options->from,
                                                            .require_tls = options->require_tls,
                                                            .ca_file = options->ca_file});
    outbox->arena = cc_arena_create(0);
    outbox->sent = outcome_counter("sent");
    outbox->delayed = outcome_counter("delayed");
    outbox->dropped = outcome_counter("dropped");
    outbox->worker = worker_start("mail", send_due_mails, outbox);
    return outbox;
}

void mail_outbox_stop(struct mail_outbox *outbox)
{
    if (outbox == NULL)
        return;
    worker_stop(outbox->worker);
    mailer_destroy(outbox->mailer);
    cc_arena_destroy(outbox->arena);
    cc_free(outbox);
}

void mail_outbox_wake(struct mail_outbox *outbox)
{
    if (outbox != NULL)
        worker_wake(outbox->worker);
}
