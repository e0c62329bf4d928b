/* A token, or (what begins with "{") a key set, on any bytes. Nothing but the one token that was
 * signed with the key may be accepted, whatever is done to its text. The private key is gone. */

#include <string.h>

#include "testing.h"

#include "common/jwt.h"

#include "fuzz.h"

#define USER    "0190a000-0000-7000-8000-000000000001"
#define SESSION "0190a000-0000-7000-8000-000000000002"

static const char jwks[] =
    "{\"keys\":[{\"kty\":\"RSA\",\"use\":\"sig\",\"alg\":\"RS256\",\"kid\":\"7cdcb34734665d45\","
    "\"n\":"
    "\"004BhCkaARL7ZPoklNLTtJngdqA3czjqW8C5HgVt6jlsJixgd1o6YNkBxpmeEJJmmkdb5A6NozzRCYorOCNmFvZV"
    "XuZ7QEd-yoIHpWj6Hq1vyEF31Sj-mVHT00ipGBmTKvE9jX8UsfxlXmel7IdL8di-b6HAXnC0--L6SNt4EQAOI1-"
    "96GChQDAu"
    "VbNJ8p4J8uQA8mIjEHBl1PPinb_"
    "nyk2CXPJV6j6ymWfp3nXqJdxh4DDVMCAS1jiJquJL2vdBkjcqVnjJaaAXmxEGi999YXgQ"
    "jfjn6khQEqQSDmAkgB0CmvzMl5WcBpS4YgfmJ9fqv5CVTUS0dDjSnDC3mSAYJw\",\"e\":\"AQAB\"}]}";

static struct fake_clock clock_of_tests;

static struct cc_jwt_verifier *verifier_with_keys(void)
{
    static struct cc_jwt_verifier *made;
    struct cc_error err = {0};

    if (made != NULL)
        return made;
    fake_clock_init(&clock_of_tests);
    made = cc_jwt_verifier_create(NULL, NULL, &clock_of_tests.clock);
    FUZZ_REQUIRE(cc_jwt_verifier_set_keys(made, jwks, sizeof jwks - 1, &err) == CC_OK);
    return made;
}

static void check_token(const char *token, size_t count)
{
    struct cc_caller caller = {0};
    struct cc_error err = {0};

    if (cc_jwt_verify(verifier_with_keys(), token, count, &caller, &err) != CC_OK) {
        FUZZ_REQUIRE(err.code == CC_UNAUTHENTICATED);
        return;
    }
    FUZZ_REQUIRE(strcmp(caller.user_id, USER) == 0);
    FUZZ_REQUIRE(strcmp(caller.session_id, SESSION) == 0);
    FUZZ_REQUIRE(strcmp(caller.device_id, "phone") == 0);
    FUZZ_REQUIRE(caller.token_expires_at_ms == FAKE_T0_MS + 600000);
}

static void check_key_set(const char *text, size_t count)
{
    struct cc_jwt_verifier *verifier = cc_jwt_verifier_create(NULL, NULL, &clock_of_tests.clock);
    struct cc_error err = {0};

    (void)verifier_with_keys(); /* the clock is set there */
    if (cc_jwt_verifier_set_keys(verifier, text, count, &err) == CC_OK)
        FUZZ_REQUIRE(cc_jwt_verifier_probe(verifier, &err) == CC_OK);
    cc_jwt_verifier_destroy(verifier);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    if (count > 0 && bytes[0] == '{')
        check_key_set((const char *)bytes, count);
    else
        check_token((const char *)bytes, count);
    return 0;
}
