/* Meaning of the settings document; see preferences.h. Runs on the caller's thread. */

#include "domain/preferences.h"

#include <stddef.h>

const char *const user_audience_names[] = {
    [USER_AUDIENCE_EVERYBODY] = "everybody",
    [USER_AUDIENCE_SHARED_CHATS] = "shared_chats",
    [USER_AUDIENCE_NOBODY] = "nobody",
    NULL,
};

struct user_preferences user_preferences_default(void)
{
    return (struct user_preferences){.presence_audience = USER_AUDIENCE_EVERYBODY, .client = "{}"};
}

bool user_preferences_quiet(const struct user_preferences *preferences, int64_t now_ms)
{
    return preferences->do_not_disturb && (preferences->do_not_disturb_until_ms == 0 ||
                                           now_ms < preferences->do_not_disturb_until_ms);
}
