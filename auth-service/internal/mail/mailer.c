/* One mail over SMTP by libcurl; see mailer.h. Runs on the mail worker's thread. Decides nothing
 * about when to try again: outbox.c does. */

#include "mail/mailer.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

#include "common/alloc.h"
#include "common/cleanup.h"

#define CONNECT_TIMEOUT_MS 3000L
#define TOTAL_TIMEOUT_MS   20000L
#define ADDRESS_BYTES      260
#define LINE_BYTES         512

CC_DEFINE_AUTO(slist, struct curl_slist, curl_slist_free_all);
CC_DEFINE_AUTO(mime, curl_mime, curl_mime_free);

struct mailer {
    CURL *curl;
    char *url, *from, *ca_file;
    long tls; /* CURLUSESSL_... */
    char envelope_from[ADDRESS_BYTES];
    const char *domain; /* of envelope_from: for Message-ID */
};

/* The address in "Name <address>", or all of it. */
static void read_address(const char *from, char out[ADDRESS_BYTES])
{
    const char *open = strrchr(from, '<');
    const char *begin = open != NULL ? open + 1 : from;
    (void)snprintf(out, ADDRESS_BYTES, "%.*s", (int)strcspn(begin, ">"), begin);
}

struct mailer *mailer_create(const struct mailer_options *options)
{
    struct mailer *mailer = cc_calloc(1, sizeof *mailer);
    mailer->curl = curl_easy_init();
    mailer->url = cc_strdup(options->url);
    mailer->tls = options->require_tls ? CURLUSESSL_ALL : CURLUSESSL_TRY;
    mailer->ca_file = cc_strdup(options->ca_file);
    mailer->from = cc_strdup(options->from);
    read_address(mailer->from, mailer->envelope_from);
    const char *at = strrchr(mailer->envelope_from, '@');
    mailer->domain = at != NULL ? at + 1 : "localhost";
    return mailer;
}

void mailer_destroy(struct mailer *mailer)
{
    if (mailer == NULL)
        return;
    curl_easy_cleanup(mailer->curl);
    cc_free(mailer->url);
    cc_free(mailer->from);
    cc_free(mailer->ca_file);
    cc_free(mailer);
}

/* RFC 5322 section 3.3; the process runs in the C locale, whose names are English. */
static void format_date(int64_t epoch_ms, char *out, size_t size)
{
    struct tm tm;
    time_t seconds = (time_t)(epoch_ms / 1000);
    gmtime_r(&seconds, &tm);
    if (strftime(out, size, "%a, %d %b %Y %H:%M:%S +0000", &tm) == 0)
        out[0] = '\0';
}

static struct curl_slist *make_headers(const struct mailer *mailer, const struct outbox_mail *mail)
{
    char date[64], line[LINE_BYTES];
    struct curl_slist *headers = NULL;
    format_date(mail->created_at_ms, date, sizeof date);
    (void)snprintf(line, sizeof line, "Date: %s", date);
    headers = curl_slist_append(headers, line);
    (void)snprintf(line, sizeof line, "From: %s", mailer->from);
    headers = curl_slist_append(headers, line);
    (void)snprintf(line, sizeof line, "To: %s", mail->recipient);
    headers = curl_slist_append(headers, line);
    (void)snprintf(line, sizeof line, "Subject: %s", mail->subject);
    headers = curl_slist_append(headers, line);
    (void)snprintf(line, sizeof line, "Message-ID: <%s@%s>", mail->mail_id, mailer->domain);
    headers = curl_slist_append(headers, line);
    /* Keeps out-of-office robots quiet (RFC 3834). */
    headers = curl_slist_append(headers, "Auto-Submitted: auto-generated");
    return curl_slist_append(headers, "Content-Type: multipart/alternative");
}

static void add_part(curl_mime *mime, const char *text, const char *type)
{
    curl_mimepart *part = curl_mime_addpart(mime);
    curl_mime_data(part, text, CURL_ZERO_TERMINATED);
    curl_mime_type(part, type);
    curl_mime_encoder(part, "quoted-printable");
}

/* A 5xx reply to the recipient, or to the mail itself. One to the greeting is the server's answer
 * to everybody. */
static bool is_for_good(CURL *curl, CURLcode result, long reply)
{
    curl_off_t sent = 0;
    curl_easy_getinfo(curl, CURLINFO_SIZE_UPLOAD_T, &sent);
    return reply >= 500 && reply < 600 &&
           (result == CURLE_SEND_ERROR || (result == CURLE_WEIRD_SERVER_REPLY && sent > 0));
}

static enum cc_code judge(struct mailer *mailer, CURLcode result, const char *reason,
                          struct cc_error *err)
{
    long reply = 0;
    if (result == CURLE_OK)
        return CC_OK;
    curl_easy_getinfo(mailer->curl, CURLINFO_RESPONSE_CODE, &reply);
    if (is_for_good(mailer->curl, result, reply))
        return cc_fail_detail(err, CC_UNPROCESSABLE, "the mail server answered %ld", reply);
    if (reply >= 400 && reply < 500)
        return cc_fail_detail(err, CC_RATE_LIMITED, "the mail server answered %ld", reply);
    return cc_fail_detail(err, CC_UNAVAILABLE, "smtp: %s (reply %ld)",
                          reason[0] != '\0' ? reason : curl_easy_strerror(result), reply);
}

enum cc_code mailer_send(struct mailer *mailer, const struct outbox_mail *mail, int64_t now_ms,
                         struct cc_error *err)
{
    CURL *curl = mailer->curl;
    char reason[CURL_ERROR_SIZE] = "";
    CC_AUTO(slist) struct curl_slist *headers = make_headers(mailer, mail);
    CC_AUTO(slist) struct curl_slist *recipients = curl_slist_append(NULL, mail->recipient);
    CC_AUTO(mime) curl_mime *mime = curl_mime_init(curl);

    if (mail->expires_at_ms != 0 && mail->expires_at_ms <= now_ms)
        return cc_fail_detail(err, CC_UNPROCESSABLE, "it expired before it could be sent");
    add_part(mime, mail->text, "text/plain; charset=utf-8");
    add_part(mime, mail->html, "text/html; charset=utf-8");
    curl_easy_reset(curl); /* keeps the connection */
    curl_easy_setopt(curl, CURLOPT_URL, mailer->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_USE_SSL, mailer->tls);
    if (mailer->ca_file[0] != '\0')
        curl_easy_setopt(curl, CURLOPT_CAINFO, mailer->ca_file);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, TOTAL_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, mailer->envelope_from);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_MIMEPOST, mime);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    enum cc_code code = judge(mailer, curl_easy_perform(curl), reason, err);
    curl_easy_reset(curl); /* it must not keep pointers to what ends here */
    return code;
}
