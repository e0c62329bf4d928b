/* Pre-signed URLs, against what AWS publishes and what botocore 1.44 makes of the same requests. */

#include "testing.h"

#include <string.h>

#include "common/s3_sign.h"

#define AT_2013 1369353600000 /* 2013-05-24T00:00:00Z */
#define AT_2015 1440938160000 /* 2015-08-30T12:36:00Z */
#define AT_2026 1795680000000 /* 2026-11-26T08:00:00Z */
#define EMPTY   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct cc_s3_keys example_keys = {"AKIAIOSFODNN7EXAMPLE",
                                               "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", NULL};
static const struct cc_s3_keys suite_keys = {"AKIDEXAMPLE",
                                             "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", NULL};

static const char *signature_of(const char *url)
{
    const char *found = strstr(url, "&X-Amz-Signature=");

    assert_non_null(found);
    return found + strlen("&X-Amz-Signature=");
}

static void the_example_of_the_s3_manual_is_reproduced(void **state)
{
    (void)state;
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    struct cc_s3_request request = {.method = "GET",
                                    .base_url = "https://examplebucket.s3.amazonaws.com",
                                    .path = "/test.txt",
                                    .region = "us-east-1",
                                    .at_ms = AT_2013,
                                    .expires_s = 86400};

    assert_string_equal(
        cc_s3_presign(&example_keys, &request, arena),
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

/* The cases of the AWS signing test suite (query form) that tell one rule from another. */
static void the_published_test_suite_is_reproduced(void **state)
{
    (void)state;
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    static const struct cc_s3_pair order[] = {{"Param2", "value2"}, {"Param1", "value1"}};
    static const struct {
        const char *path, *token, *signature;
        size_t query_count;
    } cases[] = {
        {"/", NULL, "86012e2c9ad4d77369f5d81c11f75158aae4f895a085212cc6d3f923d300bed5", 2},
        {"/", "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267",
         "7ff2b50b376cb4d151970630573d6291dc128cc5c2a12ffb237f73cc53f67b6c", 0},
        {"/\u1234", NULL, "10eae3f14a260bd3911cc6d008d3c576d143b05b62f09782a7a4b37f52178e44", 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cc_s3_keys keys = suite_keys;
        struct cc_s3_request request = {.method = "GET",
                                        .base_url = "https://example.amazonaws.com",
                                        .path = cases[i].path,
                                        .query = order,
                                        .query_count = cases[i].query_count,
                                        .payload_sha256 = EMPTY,
                                        .region = "us-east-1",
                                        .service = "service",
                                        .at_ms = AT_2015,
                                        .expires_s = 3600};
        keys.session_token = cases[i].token;
        assert_string_equal(signature_of(cc_s3_presign(&keys, &request, arena)),
                            cases[i].signature);
    }
}

static void signed_headers_are_bound_as_botocore_binds_them(void **state)
{
    (void)state;
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    /* Not in order: that is the signer's to see to. */
    static const struct cc_s3_pair headers[] = {
        {"x-amz-checksum-sha256", "0o0pVP+XrGgFLEvv+MhK0JYNFAhUD8SGJWzdfNaN0f4="},
        {"content-type", "image/png"},
        {"content-length", "11"},
    };
    struct cc_s3_request request = {.method = "PUT",
                                    .base_url = "http://127.0.0.1:7070",
                                    .path = "/chat-attachments/media/u/1",
                                    .headers = headers,
                                    .header_count = 3,
                                    .region = "eu-central-1",
                                    .at_ms = AT_2026,
                                    .expires_s = 300};

    assert_string_equal(
        cc_s3_presign(&example_keys, &request, arena),
        "http://127.0.0.1:7070/chat-attachments/media/u/1?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261126%2Feu-central-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20261126T080000Z&X-Amz-Expires=300"
        "&X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost%3Bx-amz-checksum-sha256"
        "&X-Amz-Signature=dfa283e501d374bca2094f0f95230ff7f145100913fc91de44ff205a28eb3bc4");
}

static void paths_and_queries_are_encoded_as_botocore_encodes_them(void **state)
{
    (void)state;
    CC_AUTO(arena) struct cc_arena *arena = cc_arena_create(0);
    static const struct cc_s3_pair query[] = {
        {"response-content-type", "application/x-foo"},
        {"response-content-disposition", "attachment; filename*=UTF-8''a%20b.png"},
    };
    static const struct cc_s3_pair mode[] = {{"x-amz-checksum-mode", "ENABLED"}};
    struct cc_s3_request get = {.method = "GET",
                                .base_url = "https://s3.example.org",
                                .path = "/b/media/u/1",
                                .query = query,
                                .query_count = 2,
                                .region = "eu-central-1",
                                .at_ms = AT_2026,
                                .expires_s = 60};
    struct cc_s3_request head = {.method = "HEAD",
                                 .base_url = "https://s3.example.org",
                                 .path = "/b/media/a b/\u00fc~.png",
                                 .headers = mode,
                                 .header_count = 1,
                                 .region = "eu-central-1",
                                 .at_ms = AT_2026,
                                 .expires_s = 30};

    assert_string_equal(signature_of(cc_s3_presign(&example_keys, &get, arena)),
                        "9bc63746fa9ca1970aeead4535e5c4d5d385a5473762e9b3586c7dbea3e42ea5");
    const char *url = cc_s3_presign(&example_keys, &head, arena);
    assert_string_equal(signature_of(url),
                        "eeaca09a1561d503beae364ea6a86ed1a0fc7ebb00aeb1822375708fb1e64122");
    assert_non_null(strstr(url, "/b/media/a%20b/%C3%BC~.png?"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_s3_manual_is_reproduced),
        cmocka_unit_test(the_published_test_suite_is_reproduced),
        cmocka_unit_test(signed_headers_are_bound_as_botocore_binds_them),
        cmocka_unit_test(paths_and_queries_are_encoded_as_botocore_encodes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
