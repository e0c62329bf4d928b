#ifndef MAIL_OUTBOX_H
#define MAIL_OUTBOX_H

/*
 * Mails are stored first and sent by a thread of their own, which tries again until they are taken,
 * refused for good, or of no more use. A mail server that is away loses nothing. At least once: the
 * Message-ID stays the same. Thread-safe.
 */

#include <stdbool.h>

#include "common/clock.h"
#include "storage/outbox_store.h"

struct mail_outbox;
struct mail_outbox_options {
    struct outbox_store *store; /* borrowed, as is the clock */
    const struct cc_clock *clock;
    const char *smtp_url, *from, *ca_file; /* mailer.h */
    bool require_tls;
};

struct mail_outbox *mail_outbox_start(const struct mail_outbox_options *options);
/* Waits for a mail that is being sent. Accepts NULL. */
void mail_outbox_stop(struct mail_outbox *outbox);

/* A mail was queued: sends it at once. Accepts NULL. */
void mail_outbox_wake(struct mail_outbox *outbox);

#endif
