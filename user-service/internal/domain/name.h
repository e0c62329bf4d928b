#ifndef USER_NAME_H
#define USER_NAME_H

/*
 * Names as people look for them: folded (NFKD, case, without accents), words of letters and digits
 * with one space between. A person is found by the beginning of any word and what follows it, so
 * that a name has one key for each word: "Ada Lovelace" has "ada lovelace" and "lovelace".
 * Thread-safe. Source: Unicode Standard Annex 15; Unicode 3.13, default case folding.
 */

#include <stddef.h>

#include "common/arena.h"

#define USER_NAME_KEYS_MAX  8
#define USER_NAME_KEY_BYTES 128 /* longer ones are cut between characters */

/* The folded text, in the arena; "" when there is no letter or digit in it. */
const char *user_name_fold(const char *typed, struct cc_arena *arena);
/* Different keys of a name, in the arena, those of its first words. Returns how many. */
size_t user_name_keys(const char *display_name, struct cc_arena *arena,
                      const char *out[USER_NAME_KEYS_MAX]);

#endif
