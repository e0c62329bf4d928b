#ifndef MAIL_TEMPLATES_H
#define MAIL_TEMPLATES_H

/* What the mails say, as text and as HTML made from the same sentences. Nothing in them was written
 * by whoever asked for the mail: names and the like would let anybody send texts of their own to
 * addresses of others. Texts live in the arena. */

#include "common/arena.h"

struct mail_content {
    const char *subject, *text, *html;
};

/* One-time codes: to verify an address; to choose another password. */
struct mail_content mail_code(struct cc_arena *arena, const char *code, int minutes);
struct mail_content mail_reset_code(struct cc_arena *arena, const char *code, int minutes);
/* Somebody tried to register with an address that has an account. */
struct mail_content mail_known_address(struct cc_arena *arena);
/* What happened to the account. */
struct mail_content mail_password_changed(struct cc_arena *arena);
struct mail_content mail_token_reused(struct cc_arena *arena);
struct mail_content mail_suspended(struct cc_arena *arena);
struct mail_content mail_reinstated(struct cc_arena *arena);
struct mail_content mail_deleted(struct cc_arena *arena);

#endif
