#ifndef OTP_STORE_H
#define OTP_STORE_H

/*
 * One-time codes in Redis, as keyed hashes, five tries each. They are found by the id of who asked
 * for them: nobody else can use their tries up, or replace them. Who names the address alone is
 * taken for the one who asked last, with tries that are counted apart. Redis may be emptied: people
 * ask for another code. Thread-safe; may block 0.2 s. Errors of every call: CC_UNAVAILABLE,
 * CC_OUTCOME_UNKNOWN when Redis is away.
 */

#include "common/redis_pool.h"
#include "domain/otp.h"

#define OTP_PURPOSE_VERIFY "verify"
#define OTP_PURPOSE_RESET  "reset"

struct otp_store;

/* secret: any text that only this service knows; the hashes' key is derived from it. */
struct otp_store *otp_store_create(struct cc_redis *redis, const char *secret, int64_t ttl_s);
void otp_store_destroy(struct otp_store *store);

/* Makes `code` the one that counts for this request and purpose; five tries begin. */
CC_MUST_CHECK enum cc_code otp_store_put(struct otp_store *store, const char *purpose,
                                         const struct otp_request *request, const char *code,
                                         struct cc_error *err);
/* For who knows the address alone: the id of the newest request for it. Where there is none, or the
 * code has expired, *out is one that nobody has. */
CC_MUST_CHECK enum cc_code otp_store_newest(struct otp_store *store, const char *purpose,
                                            const char *email, char out[VERIFICATION_ID_BYTES],
                                            struct cc_error *err);
/* One try. A right code is taken with it: of several who have it, one gets it. CC_BAD_CREDENTIALS:
 * wrong, expired, never sent, taken, or tried five times. */
CC_MUST_CHECK enum cc_code otp_store_take(struct otp_store *store, const char *purpose,
                                          const struct otp_request *request, const char *code,
                                          struct cc_error *err);
/* What is answered to a wrong code: CC_BAD_CREDENTIALS. */
enum cc_code otp_store_refuse(struct cc_error *err);
/* A code that was taken and did not serve: it is good again, for as long as it was, unless another
 * one was sent meanwhile. */
CC_MUST_CHECK enum cc_code otp_store_give_back(struct otp_store *store, const char *purpose,
                                               const struct otp_request *request, const char *code,
                                               struct cc_error *err);

#endif
