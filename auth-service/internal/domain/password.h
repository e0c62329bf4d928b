#ifndef DOMAIN_PASSWORD_H
#define DOMAIN_PASSWORD_H

/*
 * Which passwords are accepted. After NIST SP 800-63B section 5.1.1.2: a minimum length, no rules
 * about kinds of characters, and nothing that everybody tries first.
 */

#include <stdbool.h>

#define PASSWORD_MIN_BYTES 8
#define PASSWORD_MAX_BYTES 128

/* NULL when acceptable, else a sentence for its owner. `email` (lower case) must not be the
 * password either, nor what stands before its "@". Pure. */
const char *password_fault(const char *password, const char *email);

#endif
