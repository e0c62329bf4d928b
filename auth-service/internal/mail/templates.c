/* The texts of mails; see templates.h. Pure, any thread. */

#include "mail/templates.h"

#include "common/strbuf.h"

#define PARAGRAPHS_MAX 4
#define MAIL_MAX_BYTES 16384

#define HTML_BEGIN                                                                                 \
    "<!doctype html><html lang=\"en\"><head><meta "                                                \
    "charset=\"utf-8\"><title>Chat-App</title></head>"                                             \
    "<body style=\"margin:0;background:#f4f5f7;font-family:Helvetica,Arial,sans-serif\">"          \
    "<div style=\"max-width:480px;margin:24px auto;padding:32px;background:#ffffff;"               \
    "border-radius:8px;color:#1c1e21;font-size:16px;line-height:1.5\">"
#define HTML_END "<p style=\"color:#65676b;font-size:13px\">Chat-App</p></div></body></html>"

/* Our own words: nothing in them needs escaping. */
struct letter {
    const char *subject;
    const char *paragraphs[PARAGRAPHS_MAX]; /* up to the first NULL */
    const char *code;                       /* shown after the first paragraph; NULL = none */
};

static void write_text(const struct letter *letter, struct cc_strbuf *out)
{
    for (size_t i = 0; i < PARAGRAPHS_MAX && letter->paragraphs[i] != NULL; i++) {
        cc_strbuf_printf(out, "%s%s\r\n", i > 0 ? "\r\n" : "", letter->paragraphs[i]);
        if (i == 0 && letter->code != NULL)
            cc_strbuf_printf(out, "\r\n    %s\r\n", letter->code);
    }
}

static void write_html(const struct letter *letter, struct cc_strbuf *out)
{
    cc_strbuf_printf(out, "%s", HTML_BEGIN);
    for (size_t i = 0; i < PARAGRAPHS_MAX && letter->paragraphs[i] != NULL; i++) {
        cc_strbuf_printf(out, "<p>%s</p>", letter->paragraphs[i]);
        if (i == 0 && letter->code != NULL)
            cc_strbuf_printf(
                out, "<p style=\"font-size:32px;letter-spacing:6px;font-weight:bold\">%s</p>",
                letter->code);
    }
    cc_strbuf_printf(out, "%s", HTML_END);
}

static const char *written(struct cc_arena *arena, const struct letter *letter,
                           void (*write)(const struct letter *, struct cc_strbuf *))
{
    struct cc_strbuf out;
    cc_strbuf_init(&out, MAIL_MAX_BYTES);
    write(letter, &out);
    const char *text = cc_arena_strdup(arena, cc_strbuf_text(&out));
    cc_strbuf_finish(&out);
    return text;
}

static struct mail_content compose(struct cc_arena *arena, const struct letter *letter)
{
    return (struct mail_content){letter->subject, written(arena, letter, write_text),
                                 written(arena, letter, write_html)};
}

static const char *validity(struct cc_arena *arena, int minutes)
{
    return cc_arena_printf(arena,
                           "It is valid for %d minutes and can be used once. Nobody of Chat-App "
                           "will ever ask you for it.",
                           minutes);
}

struct mail_content mail_code(struct cc_arena *arena, const char *code, int minutes)
{
    const struct letter letter = {"Your Chat-App code",
                                  {"Your code for Chat-App is", validity(arena, minutes),
                                   "If you did not ask for a code, you can ignore this mail."},
                                  code};
    return compose(arena, &letter);
}

struct mail_content mail_reset_code(struct cc_arena *arena, const char *code, int minutes)
{
    const struct letter letter = {
        "Choose another Chat-App password",
        {"Your code to choose another password for Chat-App is", validity(arena, minutes),
         "If you did not ask for it, you can ignore this mail; your password stays as it is."},
        code};
    return compose(arena, &letter);
}

struct mail_content mail_known_address(struct cc_arena *arena)
{
    static const struct letter letter = {
        "You already have a Chat-App account",
        {"Somebody, perhaps you, tried to register for Chat-App with this address. It has an "
         "account already: simply log in.",
         "If it was not you, you can ignore this mail; nothing was changed."},
        NULL};
    return compose(arena, &letter);
}

struct mail_content mail_password_changed(struct cc_arena *arena)
{
    static const struct letter letter = {
        "Your Chat-App password was changed",
        {"The password of your Chat-App account was changed. Your other devices were logged out.",
         "If it was not you, choose another password at once: ask for a code with \"forgot "
         "password\"."},
        NULL};
    return compose(arena, &letter);
}

struct mail_content mail_token_reused(struct cc_arena *arena)
{
    static const struct letter letter = {
        "One of your devices was logged out of Chat-App",
        {"A log-in of yours was used in two places, as happens when somebody has copied it. We "
         "have ended it: the device it belongs to must log in again.",
         "If a device of yours was lost, or restored from a backup, that explains it. If you do "
         "not "
         "know why, please change your password and look at the list of your devices."},
        NULL};
    return compose(arena, &letter);
}

struct mail_content mail_suspended(struct cc_arena *arena)
{
    static const struct letter letter = {
        "Your Chat-App account was suspended",
        {"An administrator of Chat-App has suspended your account. All your devices were logged "
         "out, and you can't log in until it is reinstated."},
        NULL};
    return compose(arena, &letter);
}

struct mail_content mail_reinstated(struct cc_arena *arena)
{
    static const struct letter letter = {
        "Your Chat-App account was reinstated",
        {"An administrator of Chat-App has reinstated your account: you can log in again."},
        NULL};
    return compose(arena, &letter);
}

struct mail_content mail_deleted(struct cc_arena *arena)
{
    static const struct letter letter = {"Your Chat-App account is being deleted",
                                         {"You have asked us to delete your Chat-App account. It "
                                          "can't be used any more, and what we "
                                          "keep of it is being removed.",
                                          "This is the last mail about it."},
                                         NULL};
    return compose(arena, &letter);
}
