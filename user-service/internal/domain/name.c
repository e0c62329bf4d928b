/* Folding of names; see name.h. Runs on the caller's thread. */

#include "domain/name.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

static bool is_of(ucs4_t character, uint32_t categories)
{
    return uc_is_general_category_withtable(character, categories);
}

/* Copies words of a decomposed text, without the marks; returns the length. */
static size_t copy_words(const uint8_t *text, size_t length, char *out)
{
    size_t written = 0;
    bool between = false; /* words */
    for (size_t at = 0; at < length;) {
        ucs4_t character;
        int bytes = u8_mbtouc(&character, text + at, length - at);
        if (is_of(character, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N)) {
            if (between && written > 0)
                out[written++] = ' ';
            between = false;
            memcpy(out + written, text + at, (size_t)bytes);
            written += (size_t)bytes;
        } else if (!is_of(character, UC_CATEGORY_MASK_M)) {
            between = true;
        }
        at += (size_t)bytes;
    }
    out[written] = '\0';
    return written;
}

const char *user_name_fold(const char *typed, struct cc_arena *arena)
{
    size_t length = 0;
    uint8_t *folded =
        u8_casefold((const uint8_t *)typed, strlen(typed), NULL, UNINORM_NFKD, NULL, &length);
    if (folded == NULL) /* not UTF-8 */
        return "";
    char *words = cc_arena_alloc(arena, length + 1);
    copy_words(folded, length, words);
    free(folded); /* check: free */
    return words;
}

/* The beginning that fits, not cut within a character, nor behind a space. */
static const char *cut(const char *text, struct cc_arena *arena)
{
    size_t length = strlen(text);
    if (length >= USER_NAME_KEY_BYTES) {
        length = USER_NAME_KEY_BYTES - 1;
        while (((unsigned char)text[length] & 0xc0) == 0x80)
            length--;
        while (length > 0 && text[length - 1] == ' ')
            length--;
    }
    return cc_arena_strndup(arena, text, length);
}

static bool is_among(const char *const *keys, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(keys[i], key) == 0)
            return true;
    }
    return false;
}

size_t user_name_keys(const char *display_name, struct cc_arena *arena,
                      const char *out[USER_NAME_KEYS_MAX])
{
    const char *word = user_name_fold(display_name, arena);
    size_t count = 0;
    while (*word != '\0' && count < USER_NAME_KEYS_MAX) {
        const char *key = cut(word, arena);
        if (!is_among(out, count, key))
            out[count++] = key;
        word += strcspn(word, " ");
        word += *word == ' ';
    }
    return count;
}
