/* See password_phc.h. Computes no hash: password_hasher.c does. */

#include "domain/password_phc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#define DIGITS              "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
#define BASE64_BYTES(count) (((count) + 2) / 3 * 4 + 1)
#define TEXT_MAX_BYTES      256

static void encode(const unsigned char *bytes, size_t count, char *out)
{
    EVP_EncodeBlock((unsigned char *)out, bytes, (int)count);
    out[strcspn(out, "=")] = '\0';
}

static bool skip(const char **at, const char *word)
{
    size_t length = strlen(word);
    bool found = strncmp(*at, word, length) == 0;

    *at += found ? length : 0;
    return found;
}

static bool read_number(const char **at, const char *label, uint32_t *out)
{
    char *end;

    if (!skip(at, label))
        return false;
    *out = (uint32_t)strtoul(*at, &end, 10);
    *at = end;
    return true;
}

static bool read_bytes(const char **at, unsigned char *out, size_t *out_count)
{
    char padded[BASE64_BYTES(PASSWORD_PHC_MAX_BYTES)] = "";
    unsigned char bytes[BASE64_BYTES(PASSWORD_PHC_MAX_BYTES)];

    if (!skip(at, "$"))
        return false;
    size_t length = strspn(*at, DIGITS), count = length * 3 / 4;
    if (count == 0 || count > PASSWORD_PHC_MAX_BYTES)
        return false;
    memcpy(padded, *at, length);
    memset(padded + length, '=', (4 - length % 4) % 4);
    if (EVP_DecodeBlock(bytes, (unsigned char *)padded, (int)strlen(padded)) < 0)
        return false;
    memcpy(out, bytes, count);
    *out_count = count;
    *at += length;
    return true;
}

bool password_phc_write(const struct password_phc *phc, char *out, size_t size)
{
    char salt[BASE64_BYTES(PASSWORD_PHC_MAX_BYTES)], hash[BASE64_BYTES(PASSWORD_PHC_MAX_BYTES)];

    encode(phc->salt, phc->salt_count, salt);
    encode(phc->hash, phc->hash_count, hash);
    int length = snprintf(out, size, "$argon2id$v=19$m=%u,t=%u,p=%u$%s$%s", phc->memory_kib,
                          phc->iterations, phc->lanes, salt, hash);
    return length > 0 && (size_t)length < size;
}

/* strtoul is generous with signs, zeros and ends; what was read must be the same text again. */
bool password_phc_parse(const char *text, struct password_phc *out)
{
    const char *at = text;
    char again[TEXT_MAX_BYTES];

    return skip(&at, "$argon2id$v=19") && read_number(&at, "$m=", &out->memory_kib) &&
           read_number(&at, ",t=", &out->iterations) && read_number(&at, ",p=", &out->lanes) &&
           read_bytes(&at, out->salt, &out->salt_count) &&
           read_bytes(&at, out->hash, &out->hash_count) &&
           password_phc_write(out, again, sizeof again) && strcmp(text, again) == 0;
}
