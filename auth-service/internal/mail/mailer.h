#ifndef MAIL_MAILER_H
#define MAIL_MAILER_H

/* Hands one mail to the mail server (SMTP, STARTTLS when it is offered; smtps:// for TLS from the
 * first byte). Belongs to one thread; keeps its connection between mails. */

#include "storage/outbox_store.h"

struct mailer;

struct mailer_options { /* copied */
    const char *url;    /* smtp://[user:password@]host:port */
    const char *from;   /* "Name <address>" or an address */
    bool require_tls;   /* a server without STARTTLS counts as away */
    const char
        *ca_file; /* PEM: who vouches for the server's certificate; "" = as the system has it */
};
struct mailer *mailer_create(const struct mailer_options *options);
void mailer_destroy(struct mailer *mailer);

/* Blocks up to 20 s. Errors: CC_UNAVAILABLE the server is away; CC_RATE_LIMITED it does not take
 * this mail now (a 4xx reply); CC_UNPROCESSABLE it never will (5xx), or the mail expired. After
 * CC_UNAVAILABLE it may have arrived all the same. */
CC_MUST_CHECK enum cc_code mailer_send(struct mailer *mailer, const struct outbox_mail *mail,
                                       int64_t now_ms, struct cc_error *err);

#endif
