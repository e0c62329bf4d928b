/* What a file is, who may send it, when it goes. Pure functions, any thread. */

#include "domain/media.h"

#include <string.h>

#define RETIRED_MS 15000

const char *const media_purpose_names[] = {"attachment", "avatar", NULL};

bool media_name_valid(const char *name)
{
    size_t length = strlen(name);

    for (const unsigned char *at = (const unsigned char *)name; *at != '\0'; at++)
        if (*at < 0x20 || *at == 0x7f)
            return false;
    return length > 0 && length <= MEDIA_NAME_MAX_BYTES;
}

#define TOKEN "abcdefghijklmnopqrstuvwxyz0123456789!#$&^_.+-"

bool media_type_valid(const char *content_type)
{
    size_t type = strspn(content_type, TOKEN);
    const char *subtype = content_type + type + 1;

    if (type == 0 || content_type[type] != '/')
        return false;
    size_t rest = strspn(subtype, TOKEN);
    return rest > 0 && subtype[rest] == '\0' && type + 1 + rest <= MEDIA_TYPE_MAX_BYTES;
}

bool media_sha256_valid(const char *sha256)
{
    size_t digits = strspn(sha256, "0123456789abcdef");
    return digits == MEDIA_SHA256_BYTES - 1 && sha256[digits] == '\0';
}

bool media_same(const struct media *a, const struct media *b)
{
    return strcmp(a->owner_id, b->owner_id) == 0 && strcmp(a->name, b->name) == 0 &&
           strcmp(a->content_type, b->content_type) == 0 && strcmp(a->sha256, b->sha256) == 0 &&
           a->size_bytes == b->size_bytes && a->purpose == b->purpose;
}

bool media_may_be_sent(const struct media *media, const char *sender_id, bool is_used,
                       const struct media_limits *limits, int64_t now_ms)
{
    bool is_complete = media->completed_at_ms != 0;
    bool lasts = is_used || media->purpose == MEDIA_AVATAR ||
                 now_ms < media->completed_at_ms + limits->unused_ms;

    return is_complete && lasts && media->retired_at_ms == 0 &&
           strcmp(media->owner_id, sender_id) == 0;
}

bool media_is_public(const struct media *media)
{
    return media->purpose == MEDIA_AVATAR && media->retired_at_ms == 0;
}

/* Nothing is sent any more; what was allowed a moment ago is stored by then, or its owner lost the
 * partition. */
static int64_t retired_until_ms(const struct media *media, const struct media_limits *limits)
{
    bool shorter = limits->abandoned_ms < RETIRED_MS;
    return media->retired_at_ms + (shorter ? limits->abandoned_ms : RETIRED_MS);
}

/* Of a complete one: no send that was allowed before is still under way then. */
static int64_t forlorn_at_ms(const struct media *media, const struct media_limits *limits)
{
    if (media->retired_at_ms != 0)
        return retired_until_ms(media, limits);
    if (media->completed_at_ms == 0)
        return media->created_at_ms + limits->abandoned_ms;
    return media->completed_at_ms + limits->unused_ms + limits->abandoned_ms;
}

int64_t media_look_at_ms(const struct media *media, const struct media_limits *limits,
                         int64_t now_ms)
{
    int64_t forlorn_ms = forlorn_at_ms(media, limits);
    int64_t after_sends_ms = now_ms + limits->abandoned_ms;

    if (media->retired_at_ms != 0)
        return forlorn_ms > now_ms ? forlorn_ms : now_ms;
    return forlorn_ms > after_sends_ms ? forlorn_ms : after_sends_ms;
}

bool media_is_forlorn(const struct media *media, bool is_used, const struct media_limits *limits,
                      int64_t now_ms)
{
    bool is_kept = media->completed_at_ms != 0 && (is_used || media_is_public(media));
    return !is_kept && now_ms >= forlorn_at_ms(media, limits);
}
