/* The cursor of the chat list's changes on any text: what is taken can be written and read again.
 */

#include <string.h>

#include "common/alloc.h"
#include "domain/chat_digest.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct cc_arena *arena = cc_arena_create(0);
    char *text = cc_strndup((const char *)bytes, count);
    struct chat_digest digest, again;

    if (chat_digest_read(text, &digest)) {
        FUZZ_REQUIRE(chat_digest_read(chat_digest_text(arena, &digest), &again));
        FUZZ_REQUIRE(memcmp(&digest, &again, sizeof(digest)) == 0);
    }
    cc_free(text);
    cc_arena_destroy(arena);
    return 0;
}
