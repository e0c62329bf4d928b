/* Rules for the names in an account; see account.h. Pure, any thread. */

#include "domain/account.h"

#include <string.h>

void registration_key(const char *verification_id, char out[REGISTRATION_KEY_BYTES])
{
    cc_sha256_hex(verification_id, strlen(verification_id), out);
}

bool account_display_name_valid(const char *name)
{
    size_t characters = 0;
    bool blank = true;
    if (strlen(name) >= ACCOUNT_DISPLAY_NAME_BYTES)
        return false;
    for (const unsigned char *at = (const unsigned char *)name; *at != '\0'; at++) {
        if (*at < 0x20 || *at == 0x7F)
            return false;
        characters += (*at & 0xC0) != 0x80; /* continuation bytes belong to the one before */
        blank = blank && *at == ' ';
    }
    return characters >= 1 && characters <= ACCOUNT_DISPLAY_NAME_CHARS && !blank;
}
