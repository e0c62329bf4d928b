/* Rules of sessions and refresh tokens; see session.h. Pure, any thread. Stores nothing. */

#include "domain/session.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

enum refresh_verdict refresh_judge(const struct session *session, const struct refresh_token *token,
                                   int64_t now_ms)
{
    if (session->revoked || token->expires_at_ms <= now_ms)
        return REFRESH_OVER;
    if (token->rotated_at_ms == 0)
        return REFRESH_ROTATE;
    return now_ms - token->rotated_at_ms <= SESSION_REPEAT_MS ? REFRESH_REPEAT : REFRESH_REUSE;
}

void refresh_successor(const struct session *session, const char *token,
                       char out[SESSION_TOKEN_BYTES])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned count = 0;
    HMAC(EVP_sha256(), session->rotation_key, (int)strlen(session->rotation_key),
         (const unsigned char *)token, strlen(token), digest, &count);
    (void)cc_base64url_encode(digest, count, out);
}
