#ifndef DOMAIN_EMAIL_ADDRESS_H
#define DOMAIN_EMAIL_ADDRESS_H

/*
 * What counts as an e-mail address here: the shape that mail servers agree on (RFC 5321 section
 * 4.1.2 without quoted local parts and address literals), ASCII, with a dot in the domain.
 * Whether somebody reads mail there is shown by the one-time code, not by a regular expression.
 */

#include <stdbool.h>

#define EMAIL_ADDRESS_BYTES 255 /* 254 characters (RFC 5321 erratum 1690) and NUL */

/* Writes the address in lower case, which is its identity: two spellings are one account. False,
 * with `out` untouched, when it has not the shape of an address. Pure. */
bool email_address_read(const char *text, char out[EMAIL_ADDRESS_BYTES]);

#endif
