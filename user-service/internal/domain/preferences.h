#ifndef USER_PREFERENCES_H
#define USER_PREFERENCES_H

/* What a person has set for all their devices (the settings document), and what it means. Pure
 * functions, any thread. Texts are borrowed. */

#include <stdbool.h>
#include <stdint.h>

#define USER_CLIENT_SETTINGS_BYTES 8192

enum user_audience {
    USER_AUDIENCE_EVERYBODY,
    USER_AUDIENCE_SHARED_CHATS, /* those who are in a chat with the person */
    USER_AUDIENCE_NOBODY,
};
extern const char *const user_audience_names[]; /* by value, then NULL */

struct user_preferences {
    int64_t version; /* 0 = never set, 1 when first set, one more with each change */
    enum user_audience presence_audience;
    bool invisible; /* offline to everybody, whatever the audience */
    bool do_not_disturb;
    int64_t do_not_disturb_until_ms; /* 0 = until it is switched off */
    const char *client;              /* JSON object as text: the clients' own */
};

/* Those of somebody who has set nothing. */
struct user_preferences user_preferences_default(void);
/* Wants the person no push now? */
bool user_preferences_quiet(const struct user_preferences *preferences, int64_t now_ms);

#endif
