/* The cursor of the chat list on any text: what is taken must be a position that can be written and
 * read again. */

#include <string.h>

#include "common/alloc.h"

#include "domain/chat_list.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct cc_arena *arena = cc_arena_create(0);
    char *text = cc_strndup((const char *)bytes, count);
    struct chat_list_position position, again;
    struct chat_list_entry entry = {0};

    if (chat_list_cursor_read(text, &position)) {
        entry.activity.last_activity_at_ms = position.last_activity_at_ms;
        entry.activity.chat_id = position.chat_id;
        FUZZ_REQUIRE(chat_list_cursor_read(chat_list_cursor(arena, &entry), &again));
        FUZZ_REQUIRE(position.last_activity_at_ms == again.last_activity_at_ms);
        FUZZ_REQUIRE(strcmp(position.chat_id, again.chat_id) == 0);
    }
    cc_free(text);
    cc_arena_destroy(arena);
    return 0;
}
