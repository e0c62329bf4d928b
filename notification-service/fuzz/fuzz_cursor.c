/* The cursor of the notification list on any text: what is taken must be a position that can be
 * written and read again. */

#include <string.h>

#include "common/alloc.h"

#include "fuzz.h"
#include "http/notification_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct cc_arena *arena = cc_arena_create(0);
    char *text = cc_strndup((const char *)bytes, count);
    struct notification_position position, again;
    struct notification last = {0};

    if (notification_cursor_read(text, &position)) {
        last.created_at_ms = position.created_at_ms;
        last.notification_id = position.notification_id;
        FUZZ_REQUIRE(notification_cursor_read(notification_cursor(arena, &last), &again));
        FUZZ_REQUIRE(position.created_at_ms == again.created_at_ms);
        FUZZ_REQUIRE(strcmp(position.notification_id, again.notification_id) == 0);
    }
    cc_free(text);
    cc_arena_destroy(arena);
    return 0;
}
