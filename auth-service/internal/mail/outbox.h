#ifndef MAIL_OUTBOX_H
#define MAIL_OUTBOX_H

/*
 * Mails are stored first and sent by a thread of their own, which tries again until they are taken,
 * refused for good, or of no more use. A mail server that is away loses nothing. At least once: the
 * Message-ID stays the same. Thread-safe.
 */

#include "common/clock.h"
#include "common/id.h"
#include "mail/templates.h"
#include "storage/outbox_store.h"

struct mail_outbox;
struct mail_outbox_options {
    struct outbox_store *store; /* borrowed, as are clock and ids */
    const struct cc_clock *clock;
    struct cc_ids *ids;
    const char *smtp_url, *from;
};

struct mail_outbox *mail_outbox_start(const struct mail_outbox_options *options);
/* Waits for a mail that is being sent. Accepts NULL. */
void mail_outbox_stop(struct mail_outbox *outbox);

/* Stores a mail for sending; life_ms: how long it is worth sending. Errors: of the store. */
CC_MUST_CHECK enum cc_code mail_outbox_post(struct mail_outbox *outbox, const char *recipient,
                                            const struct mail_content *content, int64_t life_ms,
                                            struct cc_error *err);

#endif
