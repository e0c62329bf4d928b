#ifndef DOMAIN_COMMON_PASSWORDS_H
#define DOMAIN_COMMON_PASSWORDS_H

/*
 * The packaged list of passwords that were stolen and published elsewhere: those that everybody
 * tries first. It is part of the program, so that the rule needs neither a file nor the network;
 * of its 2.4 MB only what is looked at is in memory. Made by infra/dev/common_passwords.py; where
 * it comes from: README.md, "Common passwords".
 */

#include <stdbool.h>
#include <stddef.h>

/* Kept of the SHA-256 of each. Of 2^40 values fewer than half a million are taken: of two million
 * passwords that are not in the list, one is taken for one that is. */
#define COMMON_PASSWORD_BYTES 5

/* Sorted, no two alike; `common_password_count` times COMMON_PASSWORD_BYTES. */
extern const unsigned char common_passwords[];
size_t common_password_count(void);

/* True when the password is in the list, in any case (of ASCII letters); it has at most
 * PASSWORD_MAX_BYTES. A binary search, about a microsecond. Pure, any thread. */
bool common_passwords_hold(const char *password);

#endif
