#ifndef MESSAGE_DOMAIN_MEDIA_H
#define MESSAGE_DOMAIN_MEDIA_H

/*
 * A file that somebody has announced, and uploads into the object store himself. Being sent in a
 * chat is what lets its members read it; an avatar is for everybody who is signed in. What nobody
 * can need any more is swept. Pure functions. Source: README.md "Media".
 */

#include "common/error.h"
#include "common/id.h"

#define MEDIA_NAME_MAX_BYTES 255
#define MEDIA_TYPE_MAX_BYTES 127
#define MEDIA_SHA256_BYTES   65     /* hex, and NUL */
#define MEDIA_RETIRED_NAME   "file" /* of what lost its owner */

enum media_purpose { MEDIA_ATTACHMENT, MEDIA_AVATAR };
extern const char *const media_purpose_names[]; /* NULL-terminated */

struct media { /* texts are borrowed from the arena it was read into */
    const char *media_id, *owner_id;
    const char *name;
    const char *content_type; /* type/subtype, lower case */
    const char *sha256;       /* of the content; lower-case hex */
    int64_t size_bytes;
    enum media_purpose purpose;
    int64_t created_at_ms;
    int64_t completed_at_ms; /* 0 = announced, not yet seen in the object store */
    int64_t retired_at_ms;   /* 0 = its owner may need it */
};

struct media_limits {
    int64_t abandoned_ms; /* how long an announced upload may take */
    int64_t unused_ms;    /* how long a complete one may wait for being sent */
};

/* 1..MEDIA_NAME_MAX_BYTES bytes without control characters. */
bool media_name_valid(const char *name);
/* "type/subtype" of RFC 6838, in lower case, without parameters. */
bool media_type_valid(const char *content_type);
bool media_sha256_valid(const char *sha256);
/* Whether both announce the same file of the same person. */
bool media_same(const struct media *a, const struct media *b);

/* Whether that person may send it now. What nobody used for so long that a sweep may soon take it
 * is not sent any more. */
bool media_may_be_sent(const struct media *media, const char *sender_id, bool is_used,
                       const struct media_limits *limits, int64_t now_ms);
/* Whether everybody who is signed in may read it. */
bool media_is_public(const struct media *media);
/* When a sweep is to look at it, after it was announced, completed, retired or lost a use at
 * now_ms. */
int64_t media_look_at_ms(const struct media *media, const struct media_limits *limits,
                         int64_t now_ms);
/* Whether nobody can need it any more. */
bool media_is_forlorn(const struct media *media, bool is_used, const struct media_limits *limits,
                      int64_t now_ms);

#endif
