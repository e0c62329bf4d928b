#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

/* Certificate and key of a TLS listener, and what it accepts. */

#include <openssl/ssl.h>

#include "common/tls_front.h"

/* Errors: CC_INVALID for files that can't be read or don't belong together. */
CC_MUST_CHECK enum cc_code cc_tls_context_create(const struct cc_tls_files *files, SSL_CTX **out,
                                                 struct cc_error *err);

#endif
