#ifndef DOMAIN_DEVICE_TOKEN_H
#define DOMAIN_DEVICE_TOKEN_H

/*
 * What a device gets when it logs in, and shows at its next log-in: it was let in before, so that
 * its tries are counted apart from those of strangers, who then can't lock it out. It opens nothing
 * by itself. A MAC over account and device; nothing is stored. Pure, any thread.
 * Source: "Slow Down Online Guessing Attacks with Device Cookies",
 * https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
 */

#include <stdbool.h>

#define DEVICE_TOKEN_BYTES     44 /* HMAC-SHA256 as base64url, and NUL */
#define DEVICE_TOKEN_KEY_BYTES 32

/* secret: any text that only this service knows. */
void device_token_key(const char *secret, unsigned char out[DEVICE_TOKEN_KEY_BYTES]);
void device_token_make(const unsigned char key[DEVICE_TOKEN_KEY_BYTES], const char *account_id,
                       const char *device_id, char out[DEVICE_TOKEN_BYTES]);
/* Whether `token`, any text, is that of this account on this device. */
bool device_token_valid(const unsigned char key[DEVICE_TOKEN_KEY_BYTES], const char *account_id,
                        const char *device_id, const char *token);

#endif
