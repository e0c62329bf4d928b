/* One pass over the bytes of a body, without building anything. Pure; on listener threads. */

#include "proxy/body_check.h"

#include <string.h>
#include <strings.h>

#include "common/utf8.h"

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

enum cc_code gateway_json_shape_check(const char *bytes, size_t count, struct cc_error *err)
{
    const unsigned char *p = (const unsigned char *)bytes, *end = p + count;
    bool in_string = false;
    int depth = 0;

    while (p < end) {
        size_t step = cc_utf8_sequence(p, (size_t)(end - p));

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
