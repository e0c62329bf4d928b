/* JSON of media. Pure functions, on worker threads. */

#include "http/media_json.h"

#include <ctype.h>

/* Types and hashes mean the same in either case; stored and signed is the lower one. */
static const char *read_lower(struct cc_json_reader *reader, const char *key, size_t max_bytes)
{
    const char *text = cc_json_text(reader, key, CC_REQUIRED, 1, max_bytes);
    char *lower = cc_arena_strdup(cc_json_reader_arena(reader), text == NULL ? "" : text);

    for (char *at = lower; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    return lower;
}

static void require(struct cc_json_reader *reader, bool valid, const char *key, const char *wanted)
{
    if (!valid)
        cc_json_reject(reader, key, "%s", wanted);
}

bool media_json_read(struct cc_json_reader *reader, const struct media_sizes *sizes,
                     struct media *out)
{
    const char *name = cc_json_text(reader, "name", CC_REQUIRED, 1, MEDIA_NAME_MAX_BYTES);

    out->name = name == NULL ? "" : name;
    out->content_type = read_lower(reader, "content_type", MEDIA_TYPE_MAX_BYTES);
    out->sha256 = read_lower(reader, "sha256", MEDIA_SHA256_BYTES - 1);
    out->purpose = (enum media_purpose)cc_json_choice(reader, "purpose", CC_OPTIONAL,
                                                      media_purpose_names, MEDIA_ATTACHMENT);
    int64_t largest = out->purpose == MEDIA_AVATAR ? sizes->avatar : sizes->attachment;
    out->size_bytes = cc_json_int(reader, "size_bytes", CC_REQUIRED, 1, largest);
    require(reader, media_name_valid(out->name), "name", "holds control characters");
    require(reader, media_type_valid(out->content_type), "content_type",
            "is no media type (type/subtype, without parameters)");
    require(reader, media_sha256_valid(out->sha256), "sha256", "is no SHA-256 of 64 hex digits");
    return cc_json_reader_done(reader);
}

void media_json_put_upload(struct cc_json_writer *writer, const struct media *media,
                           const struct object_upload *upload)
{
    cc_json_open_object(writer, NULL);
    cc_json_put_text(writer, "media_id", media->media_id);
    cc_json_put_text(writer, "url", upload->url);
    cc_json_put_text(writer, "method", upload->method);
    cc_json_open_object(writer, "headers");
    for (size_t i = 0; i < upload->header_count; i++)
        cc_json_put_text(writer, upload->headers[i].name, upload->headers[i].value);
    cc_json_close_object(writer);
    cc_json_put_time(writer, "expires_at", upload->expires_at_ms);
    cc_json_close_object(writer);
}

static void put_description(struct cc_json_writer *writer, const struct media *media)
{
    cc_json_put_text(writer, "media_id", media->media_id);
    cc_json_put_text(writer, "name", media->name);
    cc_json_put_text(writer, "content_type", media->content_type);
    cc_json_put_int(writer, "size_bytes", media->size_bytes);
    cc_json_put_text(writer, "sha256", media->sha256);
}

void media_json_put_download(struct cc_json_writer *writer, const struct media *media,
                             const struct object_download *download)
{
    cc_json_open_object(writer, NULL);
    put_description(writer, media);
    cc_json_put_text(writer, "url", download->url);
    cc_json_put_text(writer, "method", download->method);
    cc_json_put_time(writer, "expires_at", download->expires_at_ms);
    cc_json_close_object(writer);
}

void media_json_put(struct cc_json_writer *writer, const struct media *media)
{
    cc_json_open_object(writer, NULL);
    put_description(writer, media);
    cc_json_put_text(writer, "purpose", media_purpose_names[media->purpose]);
    cc_json_put_time(writer, "created_at", media->created_at_ms);
    cc_json_put_time(writer, "completed_at", media->completed_at_ms);
    cc_json_close_object(writer);
}
