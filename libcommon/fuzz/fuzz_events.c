/* Every event codec on any bytes. What a decoder takes must come out the same after it was encoded
 * and decoded again: a record that one daemon reads and sends on must be one that the next reads.
 */

#include <string.h>

#include "fuzz.h"
#include "recode.h"

static const recoder recoders[] = {
    recode_message_created,  recode_message_persisted, recode_message_read, recode_chat_updated,
    recode_notification_new, recode_session_revoked,   recode_user_updated,
};

static bool run(recoder recode, struct cc_arena *arena, const void *bytes, size_t count,
                struct cc_strbuf *out)
{
    struct cc_json_reader *reader = cc_json_reader_create(arena, bytes, count, CC_IGNORE_UNKNOWN);
    struct cc_json_writer writer;
    bool taken;

    cc_strbuf_init(out, 2 * CC_EVENT_MAX_BYTES);
    cc_json_writer_init(&writer, out);
    taken = recode(reader, &writer);
    cc_json_reader_destroy(reader);
    return taken;
}

static void check(recoder recode, struct cc_arena *arena, const void *bytes, size_t count)
{
    struct cc_strbuf once, twice;

    if (run(recode, arena, bytes, count, &once) && !once.overflowed) {
        FUZZ_REQUIRE(run(recode, arena, cc_strbuf_text(&once), once.length, &twice));
        FUZZ_REQUIRE(strcmp(cc_strbuf_text(&once), cc_strbuf_text(&twice)) == 0);
        cc_strbuf_finish(&twice);
    }
    cc_strbuf_finish(&once);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct cc_arena *arena = cc_arena_create(0);

    for (size_t i = 0; i < sizeof recoders / sizeof recoders[0]; i++)
        check(recoders[i], arena, bytes, count);
    cc_arena_destroy(arena);
    return 0;
}
