#ifndef MAIL_TEMPLATES_H
#define MAIL_TEMPLATES_H

/* What the mails say. Nothing in them was written by whoever asked for the mail: names and the like
 * would let anybody send texts of their own to addresses of others. Texts live in the arena. */

#include "common/arena.h"

struct mail_content {
    const char *subject, *text, *html;
};

/* The one-time code that verifies an address. */
struct mail_content mail_code(struct cc_arena *arena, const char *code, int minutes);
/* Somebody tried to register with an address that has an account. */
struct mail_content mail_known_address(struct cc_arena *arena);

#endif
