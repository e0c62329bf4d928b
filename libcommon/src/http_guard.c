/*
 * First look at a request's head: refuses what a proxy and its upstream could read differently
 * (request smuggling) and what libmicrohttpd lets through. A pure function over the list of fields;
 * runs on listener threads. What it can't see: bare LF and folded lines (libmicrohttpd has joined
 * them), what stands behind a NUL and lines without a name (it has dropped them). None of these
 * travels on, because upstream requests are serialised anew from the fields seen here.
 * Source: RFC 9112 sections 3.2, 6.1, 6.3; RFC 9110 section 5.5.
 */
#include <string.h>
#include <strings.h>

#include "http_private.h"

/* Fields that must not come twice, because each reader might pick another one. */
static const char *const single_fields[] = {
    "host",         "content-length",  "transfer-encoding", "authorization",
    "content-type", "idempotency-key", "if-match",          "expect",
};

static bool is_token_char(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool name_is_token(const struct cc_http_field *field)
{
    for (size_t i = 0; i < field->name_length; i++)
        if (!is_token_char((unsigned char)field->name[i]))
            return false;
    return field->name_length > 0;
}

static bool value_is_clean(const struct cc_http_field *field)
{
    for (size_t i = 0; i < field->value_length; i++) {
        unsigned char c = (unsigned char)field->value[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static size_t count_fields(const struct cc_http_head *head, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < head->field_count; i++)
        count += strcasecmp(head->fields[i].name, name) == 0;
    return count;
}

const char *cc_http_field_find(const struct cc_http_field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(fields[i].name, name) == 0)
            return fields[i].value;
    return NULL;
}

static bool host_is_valid(const char *host)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:[]";

    return *host != '\0' && *host != ':' && strspn(host, allowed) == strlen(host);
}

static bool length_is_valid(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return digits > 0 && digits <= 18 && text[digits] == '\0';
}

static const char *check_fields(const struct cc_http_head *head)
{
    for (size_t i = 0; i < head->field_count; i++) {
        if (!name_is_token(&head->fields[i]))
            return "A header name is malformed";
        if (!value_is_clean(&head->fields[i]))
            return "A header value holds control characters";
    }
    for (size_t i = 0; i < sizeof(single_fields) / sizeof(single_fields[0]); i++)
        if (count_fields(head, single_fields[i]) > 1)
            return "A header that must be single is repeated";
    return NULL;
}

static const char *check_framing(const struct cc_http_head *head, bool is_http_10)
{
    const char *length = cc_http_field_find(head->fields, head->field_count, "content-length");
    const char *coding = cc_http_field_find(head->fields, head->field_count, "transfer-encoding");

    if (length != NULL && !length_is_valid(length))
        return "Content-Length is malformed";
    if (coding == NULL)
        return NULL;
    if (length != NULL)
        return "Content-Length and Transfer-Encoding exclude each other";
    if (is_http_10)
        return "Transfer-Encoding needs HTTP/1.1";
    return strcasecmp(coding, "chunked") == 0 ? NULL : "Transfer-Encoding must be chunked";
}

const char *cc_http_guard_check(const struct cc_http_head *head)
{
    bool is_http_10 = strcmp(head->version, "HTTP/1.0") == 0;
    const char *host = cc_http_field_find(head->fields, head->field_count, "host");
    const char *expect = cc_http_field_find(head->fields, head->field_count, "expect");
    const char *reason;

    if (!is_http_10 && strcmp(head->version, "HTTP/1.1") != 0)
        return "Only HTTP/1.1 is spoken here";
    reason = check_fields(head);
    if (reason != NULL)
        return reason;
    if (host == NULL && !is_http_10)
        return "Host is missing";
    if (host != NULL && !host_is_valid(host))
        return "Host is malformed";
    if (expect != NULL && strcasecmp(expect, "100-continue") != 0)
        return "Expect is unknown";
    return check_framing(head, is_http_10);
}
