/* What comes from Redis pub/sub, on any bytes. */

#include <string.h>

#include "common/bus.h"

#include "fuzz.h"

static void check_same(const struct cc_bus_message *a, const struct cc_bus_message *b)
{
    FUZZ_REQUIRE(a->kind == b->kind && a->rev == b->rev && a->seq == b->seq);
    FUZZ_REQUIRE(strcmp(a->chat_id, b->chat_id) == 0);
    FUZZ_REQUIRE(strcmp(a->sender_id, b->sender_id) == 0);
    FUZZ_REQUIRE(strcmp(a->conn_id, b->conn_id) == 0);
    FUZZ_REQUIRE(a->counts == b->counts && a->member_version == b->member_version &&
                 a->frame_count == b->frame_count);
    FUZZ_REQUIRE(a->frame_count == 0 || memcmp(a->frame, b->frame, a->frame_count) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct cc_bus_message message, again;
    struct cc_strbuf out;

    if (!cc_bus_read((const char *)bytes, count, &message) || message.kind == CC_BUS_UNKNOWN)
        return 0; /* an unknown kind has no name to be written */
    cc_strbuf_init(&out, count + 1024);
    cc_bus_write(&message, &out);
    FUZZ_REQUIRE(cc_bus_read(cc_strbuf_text(&out), out.length, &again));
    check_same(&message, &again);
    cc_strbuf_finish(&out);
    return 0;
}
