/* One pass over the bytes of a body, without building anything. Pure; on listener threads. */

#include "proxy/body_check.h"

#include <string.h>
#include <strings.h>

bool gateway_content_type_is_json(const char *content_type)
{
    static const char *const types[] = {"application/json", "application/merge-patch+json"};

    for (size_t i = 0; content_type != NULL && i < sizeof(types) / sizeof(types[0]); i++) {
        size_t length = strlen(types[i]);
        const char *rest = content_type + length;

        if (strncasecmp(content_type, types[i], length) != 0)
            continue;
        rest += strspn(rest, " \t");
        if (*rest == '\0' || *rest == ';')
            return true;
    }
    return false;
}

/* Length of the valid sequence at p, 0 when there is none. Source: RFC 3629 section 4. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        size_t length;
    } rows[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };

    if (*p < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (*p < rows[i].first_low || *p > rows[i].first_high)
            continue;
        if (left < rows[i].length || p[1] < rows[i].second_low || p[1] > rows[i].second_high)
            return 0;
        for (size_t k = 2; k < rows[i].length; k++)
            if (p[k] < 0x80 || p[k] > 0xbf)
                return 0;
        return rows[i].length;
    }
    return 0;
}

enum cc_code gateway_json_shape_check(const char *bytes, size_t count, struct cc_error *err)
{
    const unsigned char *p = (const unsigned char *)bytes, *end = p + count;
    bool in_string = false;
    int depth = 0;

    while (p < end) {
        size_t step = utf8_length(p, (size_t)(end - p));

        if (step == 0)
            return cc_fail(err, CC_INVALID, NULL, "The body is not valid UTF-8");
        if (in_string && *p == '\\')
            step = 1 + (p + 1 < end && p[1] < 0x80); /* what is escaped ends no string */
        else if (*p == '"')
            in_string = !in_string;
        else if (!in_string && (*p == '{' || *p == '['))
            depth++;
        else if (!in_string && (*p == '}' || *p == ']'))
            depth--;
        if (depth > GATEWAY_JSON_DEPTH_MAX)
            return cc_fail(err, CC_INVALID, NULL, "The body is nested deeper than %d",
                           GATEWAY_JSON_DEPTH_MAX);
        p += step;
    }
    return CC_OK;
}

enum cc_code gateway_body_check(const struct cc_request *req, struct cc_error *err)
{
    size_t count;
    const char *body = cc_request_body(req, &count);

    if (count == 0)
        return CC_OK;
    if (!gateway_content_type_is_json(cc_request_header(req, "Content-Type")))
        return cc_fail(err, CC_UNSUPPORTED_MEDIA, NULL, "Content-Type must be application/json");
    return gateway_json_shape_check(body, count, err);
}
