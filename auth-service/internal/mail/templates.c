/* The texts of mails; see templates.h. Pure, any thread. */

#include "mail/templates.h"

#define HTML_BEGIN                                                                                 \
    "<!doctype html><html lang=\"en\"><head><meta "                                                \
    "charset=\"utf-8\"><title>Chat-App</title></head>"                                             \
    "<body style=\"margin:0;background:#f4f5f7;font-family:Helvetica,Arial,sans-serif\">"          \
    "<div style=\"max-width:480px;margin:24px auto;padding:32px;background:#ffffff;"               \
    "border-radius:8px;color:#1c1e21;font-size:16px;line-height:1.5\">"
#define HTML_END "<p style=\"color:#65676b;font-size:13px\">Chat-App</p></div></body></html>"

struct mail_content mail_code(struct cc_arena *arena, const char *code, int minutes)
{
    return (struct mail_content){
        .subject = "Your Chat-App code",
        .text =
            cc_arena_printf(arena,
                            "Your code for Chat-App is\r\n\r\n    %s\r\n\r\n"
                            "It is valid for %d minutes and can be used once. Nobody of Chat-App "
                            "will ever ask you for it.\r\n\r\n"
                            "If you did not ask for a code, you can ignore this mail.\r\n",
                            code, minutes),
        .html = cc_arena_printf(
            arena,
            HTML_BEGIN
            "<p>Your code for Chat-App is</p>"
            "<p style=\"font-size:32px;letter-spacing:6px;font-weight:bold\">%s</p>"
            "<p>It is valid for %d minutes and can be used once. Nobody of Chat-App will "
            "ever ask you for it.</p>"
            "<p>If you did not ask for a code, you can ignore this mail.</p>" HTML_END,
            code, minutes),
    };
}

struct mail_content mail_known_address(struct cc_arena *arena)
{
    (void)arena;
    return (struct mail_content){
        .subject = "You already have a Chat-App account",
        .text =
            "Somebody, perhaps you, tried to register for Chat-App with this address. It has an "
            "account already: simply log in.\r\n\r\n"
            "If it was not you, you can ignore this mail; nothing was changed.\r\n",
        .html = HTML_BEGIN "<p>Somebody, perhaps you, tried to register for Chat-App with this "
                           "address. It has an account already: simply log in.</p>"
                           "<p>If it was not you, you can ignore this mail; nothing was "
                           "changed.</p>" HTML_END,
    };
}
