#ifndef NOTICES_H
#define NOTICES_H

/* Mails as rows for the outbox. */

#include "app.h"
#include "mail/templates.h"

#define AUTH_NOTICE_LIFE_MS (INT64_C(72) * 3600 * 1000) /* worth sending for so long */

/* A mail that is made now; in the arena. */
const struct outbox_mail *auth_draft_mail(struct auth_app *app, const char *recipient,
                                          struct mail_content content, int64_t life_ms,
                                          struct cc_arena *arena);

#endif
