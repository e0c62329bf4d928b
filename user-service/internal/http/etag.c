/* Entity tags; see etag.h. Runs on worker threads. */

#include "http/etag.h"

#include <stdio.h>
#include <string.h>

#define TAG_BYTES 24

static void format_tag(int64_t version, char out[TAG_BYTES])
{
    snprintf(out, TAG_BYTES, "\"%lld\"", (long long)version);
}

void user_etag_put(struct cc_response *res, int64_t version)
{
    char tag[TAG_BYTES];
    format_tag(version, tag);
    cc_response_header(res, "ETag", tag);
}

/* Versions hold no comma, so that a list can be cut at its commas. */
bool user_etag_matches(const char *if_match, int64_t version)
{
    char tag[TAG_BYTES];
    format_tag(version, tag);
    size_t length = strlen(tag);
    const char *at = if_match + strspn(if_match, " \t");
    if (*at == '*')
        return at[1 + strspn(at + 1, " \t")] == '\0';
    while (*at != '\0') {
        const char *behind = at + length;
        if (strncmp(at, tag, length) == 0 && strchr(", \t", *behind) != NULL)
            return true; /* strchr finds the end of the text, too */
        at += strcspn(at, ",");
        at += strspn(at, ", \t");
    }
    return false;
}

enum cc_code user_etag_check(const struct cc_request *req, int64_t version, struct cc_error *err)
{
    const char *if_match = cc_request_header(req, "If-Match");
    if (if_match == NULL)
        return cc_fail(err, CC_PRECONDITION_REQUIRED, "If-Match",
                       "send the ETag of the version that you change as If-Match");
    if (!user_etag_matches(if_match, version))
        return cc_fail(err, CC_VERSION_MISMATCH, "If-Match", "it has changed meanwhile");
    return CC_OK;
}
