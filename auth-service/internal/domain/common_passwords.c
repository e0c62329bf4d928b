/* The list of common passwords; see common_passwords.h. Pure, any thread. */

#include "domain/common_passwords.h"

#include <stdint.h>
#include <string.h>

#include <openssl/sha.h>

#include "domain/password.h"

/* Nothing in C brings a file of megabytes into a program as cheaply. */
__asm__(".section .rodata\n"
        ".global common_passwords\n"
        ".global common_passwords_end\n"
        "common_passwords:\n"
        ".incbin \"" COMMON_PASSWORDS_FILE "\"\n"
        "common_passwords_end:\n"
        ".previous\n");
extern const unsigned char common_passwords_end[];

size_t common_password_count(void)
{
    return ((uintptr_t)common_passwords_end - (uintptr_t)common_passwords) / COMMON_PASSWORD_BYTES;
}

static void kept_hash(const char *password, unsigned char out[SHA256_DIGEST_LENGTH])
{
    char lower[PASSWORD_MAX_BYTES];
    const size_t length = strnlen(password, sizeof lower);
    for (size_t i = 0; i < length; i++) {
        const bool is_upper = password[i] >= 'A' && password[i] <= 'Z';
        lower[i] = (char)(is_upper ? password[i] - 'A' + 'a' : password[i]);
    }
    (void)SHA256((const unsigned char *)lower, length, out);
}

bool common_passwords_hold(const char *password)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    size_t low = 0, high = common_password_count();
    kept_hash(password, hash);
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order =
            memcmp(hash, common_passwords + middle * COMMON_PASSWORD_BYTES, COMMON_PASSWORD_BYTES);
        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}
