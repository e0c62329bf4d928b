/* Handles; see handle.h. Runs on the caller's thread. It does not know which are taken. */

#include "common/handle.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <uninorm.h>

#define FOLDED_BYTES 1024 /* NFKC makes at most 11 bytes of one; longer is no handle anyway */

static bool is_handle_text(const char *text, size_t length)
{
    return length <= CC_HANDLE_MAX &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

/* Folds into out; false when what comes out has other characters than a handle, or too many. */
static bool fold(const char *typed, char out[CC_HANDLE_BYTES])
{
    uint8_t buffer[FOLDED_BYTES];
    size_t typed_length = strlen(typed), length = sizeof buffer - 1;
    if (typed_length > CC_HANDLE_TYPED_BYTES)
        return false;
    uint8_t *folded =
        u8_casefold((const uint8_t *)typed, typed_length, NULL, UNINORM_NFKC, buffer, &length);
    if (folded != buffer) { /* too long for the buffer, or not UTF-8 (then NULL) */
        free(folded);       /* check: free */
        return false;
    }
    buffer[length] = '\0';
    if (!is_handle_text((const char *)buffer, length))
        return false;
    memcpy(out, buffer, length + 1);
    return true;
}

enum cc_code cc_handle_read(const char *typed, char out[CC_HANDLE_BYTES], struct cc_error *err)
{
    char folded[CC_HANDLE_BYTES];
    if (!fold(typed, folded) || strlen(folded) < CC_HANDLE_MIN)
        return cc_fail(err, CC_INVALID, "/handle",
                       "a handle has %d to %d letters a-z, digits and underscores", CC_HANDLE_MIN,
                       CC_HANDLE_MAX);
    if (strncmp(folded, CC_HANDLE_DELETED, strlen(CC_HANDLE_DELETED)) == 0)
        return cc_fail(err, CC_INVALID, "/handle", "a handle can't begin with %s",
                       CC_HANDLE_DELETED);
    memcpy(out, folded, sizeof folded);
    return CC_OK;
}

bool cc_handle_prefix(const char *typed, char out[CC_HANDLE_BYTES])
{
    return fold(typed[0] == '@' ? typed + 1 : typed, out);
}
