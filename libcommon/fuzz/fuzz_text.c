/* Small readers of text that comes from outside: trace context, times, ids, base64url. What is
 * read must be written as something that reads the same. */

#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/id.h"
#include "common/trace.h"

#include "fuzz.h"

static void check_trace(const char *text)
{
    struct cc_trace trace = {0}, again = {0};
    char formatted[CC_TRACEPARENT_BYTES];

    if (!cc_trace_parse(text, &trace))
        return;
    cc_trace_format(&trace, formatted);
    FUZZ_REQUIRE(strlen(formatted) == sizeof formatted - 1);
    FUZZ_REQUIRE(cc_trace_parse(formatted, &again));
    FUZZ_REQUIRE(strcmp(trace.trace_id, again.trace_id) == 0);
    FUZZ_REQUIRE(strcmp(trace.span_id, again.span_id) == 0);
    FUZZ_REQUIRE(trace.sampled == again.sampled);
}

static void check_time(const char *text, size_t count)
{
    char formatted[CC_RFC3339_BYTES];
    int64_t at_ms, again_ms;

    if (!cc_time_parse(text, count, &at_ms) || at_ms < 0)
        return; /* what is before 1970 can be read, and is never written */
    cc_time_format(at_ms, formatted);
    FUZZ_REQUIRE(cc_time_parse(formatted, strlen(formatted), &again_ms));
    FUZZ_REQUIRE(at_ms == again_ms);
}

static void check_uuid(const char *text, size_t count)
{
    char id[CC_UUID_BYTES] = "";

    if (!cc_uuid_valid(text, count))
        return;
    FUZZ_REQUIRE(count == sizeof id - 1);
    memcpy(id, text, count);
    cc_uuid_normalise(id);
    FUZZ_REQUIRE(cc_uuid_valid(id, strlen(id)));
    FUZZ_REQUIRE(strpbrk(id, "ABCDEF") == NULL);
}

static void check_base64url(const char *text, size_t count)
{
    size_t room = count * 3 / 4 + 1, decoded_count = 0;
    uint8_t *decoded = cc_alloc(room);
    char *encoded = cc_alloc((room * 4 + 2) / 3 + 1);

    if (cc_base64url_decode(text, count, decoded, room, &decoded_count)) {
        FUZZ_REQUIRE(cc_base64url_encode(decoded, decoded_count, encoded) == count);
        FUZZ_REQUIRE(memcmp(encoded, text, count) == 0);
    }
    cc_free(encoded);
    cc_free(decoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    const char *unended = (const char *)bytes;
    char *text = cc_strndup(unended, count);

    check_trace(text);
    check_time(unended, count);
    check_uuid(unended, count);
    check_base64url(unended, count);
    cc_free(text);
    return 0;
}
