/* Rules for passwords; see password.h. Pure, any thread. Hashing is password_hasher.c's. */

#include "domain/password.h"

#include <string.h>
#include <strings.h>

#include "domain/common_passwords.h"

static bool is_one_character_repeated(const char *password)
{
    return strspn(password, (const char[]){password[0], '\0'}) == strlen(password);
}

static bool is_own_address(const char *password, const char *email)
{
    size_t local_part = strcspn(email, "@");
    return strcasecmp(password, email) == 0 ||
           (strlen(password) == local_part && strncasecmp(password, email, local_part) == 0);
}

const char *password_fault(const char *password, const char *email)
{
    size_t length = strlen(password);
    if (length < PASSWORD_MIN_BYTES || length > PASSWORD_MAX_BYTES)
        return "A password has 8 to 128 bytes.";
    if (common_passwords_hold(password) || is_one_character_repeated(password))
        return "This password is among the first that everybody tries. Please choose another.";
    if (is_own_address(password, email))
        return "A password must not be the e-mail address.";
    return NULL;
}
