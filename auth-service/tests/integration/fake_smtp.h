#ifndef FAKE_SMTP_H
#define FAKE_SMTP_H

/* A mail server in this process that answers as a test says, with or without STARTTLS (RFC 3207),
 * and tells what it saw. One conversation after the other, on a thread of its own. */

#include <stdbool.h>

struct fake_smtp_answers {                         /* texts outlive the server */
    bool starttls;                                 /* it is offered */
    const char *address;                           /* in its certificate; NULL = its own */
    const char *greeting, *to_recipient, *to_mail; /* whole replies; NULL = welcome, yes, yes */
};
struct fake_smtp_seen {
    int conversations, recipients, mails;
    int recipients_in_clear; /* named without TLS */
};

struct fake_smtp;

struct fake_smtp *fake_smtp_start(const struct fake_smtp_answers *answers);
void fake_smtp_stop(struct fake_smtp *server);
/* From the next conversation on. */
void fake_smtp_answer(struct fake_smtp *server, const struct fake_smtp_answers *answers);
struct fake_smtp_seen fake_smtp_seen(struct fake_smtp *server);

const char *fake_smtp_url(const struct fake_smtp *server);         /* smtp://127.0.0.1:port */
const char *fake_smtp_certificate(const struct fake_smtp *server); /* a PEM file */

#endif
