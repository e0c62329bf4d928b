/* Client of user-service's internal route for profiles; see profile.h. Runs on request threads. */

#include "profile.h"

#include <stdio.h>

#define TIMEOUT_MS     3000
#define BODY_MAX_BYTES 4096

enum cc_code auth_put_profile(struct auth_app *app, const struct account *account,
                              const struct cc_trace *trace, struct cc_arena *arena,
                              struct cc_error *err)
{
    struct cc_strbuf body;
    struct cc_json_writer writer;
    struct cc_http_answer answer;
    const char *path = cc_arena_printf(arena, "/internal/users/%s", account->account_id);

    cc_strbuf_init(&body, BODY_MAX_BYTES);
    cc_json_writer_init(&writer, &body);
    cc_json_open_object(&writer, NULL);
    cc_json_put_text(&writer, "handle", account->handle);
    cc_json_put_text(&writer, "display_name", account->display_name);
    cc_json_put_text(&writer, "email", account->email);
    cc_json_close_object(&writer);
    enum cc_code code = cc_peer_call(app->user_service, "PUT", path, cc_strbuf_text(&body),
                                     body.length, trace, TIMEOUT_MS, arena, &answer, err);
    cc_strbuf_finish(&body);
    if (code == CC_CONFLICT)
        return cc_fail(err, CC_CONFLICT, "/handle", "Somebody else has this handle.");
    return code;
}
