/* The settings document; see preferences_json.h. Runs on worker threads. */

#include "http/preferences_json.h"

#include <string.h>

void user_json_write_preferences(struct cc_json_writer *writer,
                                 const struct user_preferences *preferences)
{
    cc_json_open_object(writer, NULL);
    cc_json_open_object(writer, "presence");
    cc_json_put_text(writer, "visible_to", user_audience_names[preferences->presence_audience]);
    cc_json_put_bool(writer, "invisible", preferences->invisible);
    cc_json_close_object(writer);
    cc_json_open_object(writer, "notifications");
    cc_json_put_bool(writer, "do_not_disturb", preferences->do_not_disturb);
    cc_json_put_time(writer, "do_not_disturb_until", preferences->do_not_disturb_until_ms);
    cc_json_close_object(writer);
    cc_json_put_raw(writer, "client", preferences->client, strlen(preferences->client));
    cc_json_put_int(writer, "version", preferences->version);
    cc_json_close_object(writer);
}

static void read_presence(struct cc_json_reader *reader, struct user_preferences *out)
{
    if (!cc_json_enter(reader, "presence", CC_OPTIONAL))
        return;
    out->presence_audience = (enum user_audience)cc_json_choice(
        reader, "visible_to", CC_OPTIONAL, user_audience_names, (int)out->presence_audience);
    out->invisible = cc_json_bool(reader, "invisible", CC_OPTIONAL, false);
    cc_json_leave(reader);
}

static void read_notifications(struct cc_json_reader *reader, struct user_preferences *out)
{
    if (!cc_json_enter(reader, "notifications", CC_OPTIONAL))
        return;
    out->do_not_disturb = cc_json_bool(reader, "do_not_disturb", CC_OPTIONAL, false);
    out->do_not_disturb_until_ms = cc_json_time(reader, "do_not_disturb_until", CC_OPTIONAL);
    cc_json_leave(reader);
}

enum cc_code user_preferences_from_json(struct cc_json_reader *reader, struct user_preferences *out,
                                        struct cc_error *err)
{
    struct user_preferences preferences = user_preferences_default();
    read_presence(reader, &preferences);
    read_notifications(reader, &preferences);
    const char *client = cc_json_raw(reader, "client", CC_OPTIONAL, USER_CLIENT_SETTINGS_BYTES);
    if (!cc_json_reader_done(reader))
        return cc_json_reader_error(reader, err);
    if (client != NULL && client[0] != '{')
        return cc_fail(err, CC_INVALID, "/client", "must be an object");
    if (client != NULL)
        preferences.client = client;
    *out = preferences;
    return CC_OK;
}
