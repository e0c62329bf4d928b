#ifndef MESSAGE_HTTP_MEDIA_JSON_H
#define MESSAGE_HTTP_MEDIA_JSON_H

/* JSON of media: announcements in, files and pre-signed requests out. Pure functions. */

#include "common/json_reader.h"
#include "common/json_writer.h"
#include "domain/media.h"
#include "storage/object_store.h"

struct media_sizes { /* in bytes, the largest */
    int64_t attachment, avatar;
};
/* name, content_type, size_bytes (from 1, up to its purpose's size), sha256, purpose; the rest of
 * *out stays. False: the reader says why. */
bool media_json_read(struct cc_json_reader *reader, const struct media_sizes *sizes,
                     struct media *out);

void media_json_put_upload(struct cc_json_writer *writer, const struct media *media,
                           const struct object_upload *upload);
void media_json_put_download(struct cc_json_writer *writer, const struct media *media,
                             const struct object_download *download);
void media_json_put(struct cc_json_writer *writer, const struct media *media);

#endif
