#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

/* Strict UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. Pure. Source: RFC 3629
 * section 4. */

#include <stddef.h>

/* Bytes of the valid sequence at p, 1 to 4; 0 when there is none within `left` (> 0) bytes. */
size_t cc_utf8_sequence(const unsigned char *p, size_t left);

#endif
