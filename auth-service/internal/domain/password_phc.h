#ifndef PASSWORD_PHC_H
#define PASSWORD_PHC_H

/*
 * How an Argon2id hash is kept: $argon2id$v=19$m=KIB,t=PASSES,p=LANES$salt$hash, both in Base64
 * without padding (the PHC string format, as libargon2 writes it). Pure, any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PASSWORD_PHC_MAX_BYTES 64 /* of a salt, and of a hash */

struct password_phc {
    uint32_t memory_kib, iterations, lanes;
    unsigned char salt[PASSWORD_PHC_MAX_BYTES], hash[PASSWORD_PHC_MAX_BYTES];
    size_t salt_count, hash_count;
};

/* False when it does not fit into `size`. */
bool password_phc_write(const struct password_phc *phc, char *out, size_t size);
/* False for everything but what password_phc_write writes. */
bool password_phc_parse(const char *text, struct password_phc *out);

#endif
