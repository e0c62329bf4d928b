#ifndef DOMAIN_COMMON_PASSWORDS_H
#define DOMAIN_COMMON_PASSWORDS_H

/* The packaged list of common passwords (lower case, 8 bytes or more: shorter ones are refused
 * anyway). Made from common_passwords.txt by CMake; edit that file. */

#include <stddef.h>

extern const char *const common_passwords[];
extern const size_t common_password_count;

#endif
