#ifndef DOMAIN_ACCOUNT_H
#define DOMAIN_ACCOUNT_H

/* An account: an e-mail address, a password, and the right to log in, until an administrator
 * suspends it. It begins as a registration, which waits for the code that was mailed. */

#include <stdbool.h>
#include <stdint.h>

#include "common/handle.h"
#include "common/id.h"
#include "domain/email_address.h"

#define ACCOUNT_HANDLE_BYTES       CC_HANDLE_BYTES
#define ACCOUNT_DISPLAY_NAME_BYTES 257 /* 64 characters of UTF-8 and NUL */
#define ACCOUNT_DISPLAY_NAME_CHARS 64
#define ACCOUNT_HASH_BYTES         129
#define ACCOUNT_ROLE_BYTES         16

#define REGISTRATION_KEY_BYTES 65
#define REGISTRATION_LIFE_MS   (INT64_C(24) * 3600 * 1000)

#define ACCOUNT_ROLE_USER  "user"
#define ACCOUNT_ROLE_ADMIN "admin"

struct account {
    char account_id[CC_UUID_BYTES]; /* is the person's user_id everywhere */
    char email[EMAIL_ADDRESS_BYTES];
    char password_hash[ACCOUNT_HASH_BYTES]; /* PHC string */
    char handle[ACCOUNT_HANDLE_BYTES], display_name[ACCOUNT_DISPLAY_NAME_BYTES];
    char role[ACCOUNT_ROLE_BYTES]; /* "user", "admin" */
    bool active;                   /* verified, and has its handle */
    bool has_profile;              /* user-service knows the person */
    int64_t created_at_ms;
    int64_t suspended_at_ms; /* 0 = it is not */
};

/* What somebody has registered and not verified yet. It is bound to who asked: he alone knows the
 * verification id, the reader of the mail the code; there is an account only when both come
 * together. So the registrations of one address don't touch each other, and nobody's code makes
 * another one's password good. */
struct registration {
    char key[REGISTRATION_KEY_BYTES]; /* by which it is found */
    struct account account;           /* that it may become */
    int64_t expires_at_ms;
};
void registration_key(const char *verification_id, char out[REGISTRATION_KEY_BYTES]);

/* 1 to 64 characters, not blank, no control characters. `name` is valid UTF-8. */
bool account_display_name_valid(const char *name);

#endif
