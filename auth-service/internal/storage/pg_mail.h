#ifndef STORAGE_PG_MAIL_H
#define STORAGE_PG_MAIL_H

/* A mail as parameters of the statement that queues it, alone or in somebody's transaction. */

#include "storage/outbox_store.h"
#include "storage/pg_number.h"

#define PG_MAIL_COLUMNS                                                                            \
    "mail_id, recipient, subject, text_body, html_body, created_at_ms, expires_at_ms, next_try_ms"
#define PG_MAIL_INSERT                                                                             \
    "INSERT INTO mail_outbox (" PG_MAIL_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $6)"

struct pg_mail { /* lives as long as the mail */
    struct pg_number created, expires;
    const char *params[7];
};
static inline void pg_mail_init(struct pg_mail *self, const struct outbox_mail *mail)
{
    self->created = pg_number(mail->created_at_ms);
    self->expires = pg_number(mail->expires_at_ms);
    self->params[0] = mail->mail_id;
    self->params[1] = mail->recipient;
    self->params[2] = mail->subject;
    self->params[3] = mail->text;
    self->params[4] = mail->html;
    self->params[5] = self->created.text;
    self->params[6] = self->expires.text;
}

#endif
