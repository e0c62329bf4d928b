/* Drafts of mails; see notices.h. Any thread. */

#include "notices.h"

const struct outbox_mail *auth_draft_mail(struct auth_app *app, const char *recipient,
                                          struct mail_content content, int64_t life_ms,
                                          struct cc_arena *arena)
{
    char mail_id[CC_UUID_BYTES];
    const int64_t now_ms = auth_now_ms(app);
    struct outbox_mail *mail = cc_arena_calloc(arena, 1, sizeof *mail);
    cc_ids_next(app->runtime->ids, mail_id);
    *mail = (struct outbox_mail){
        .mail_id = cc_arena_strdup(arena, mail_id),
        .recipient = recipient,
        .subject = content.subject,
        .text = content.text,
        .html = content.html,
        .created_at_ms = now_ms,
        .expires_at_ms = now_ms + life_ms,
    };
    return mail;
}
