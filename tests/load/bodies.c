/* See bodies.h. Runs once at start-up, on the only thread. */

#include "bodies.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/alloc.h"
#include "common/json_writer.h"
#include "common/strbuf.h"

enum { TEXT_MIN_BYTES = 20, TEXT_MAX_BYTES = 400, TEXTS_MAX = 4000, FILE_MAX_BYTES = 4 << 20 };

/* The text as it stands between the quotes of a JSON string. */
static char *escaped(const char *text, size_t length)
{
    struct cc_strbuf buffer;
    struct cc_json_writer writer;
    cc_strbuf_init(&buffer, 16 * TEXT_MAX_BYTES);
    cc_json_writer_init(&writer, &buffer);
    cc_json_put_text_n(&writer, NULL, text, length);
    char *copy = cc_strndup(cc_strbuf_text(&buffer) + 1, buffer.length - 2);
    cc_strbuf_finish(&buffer);
    return copy;
}

static void add_texts(struct bodies *bodies, const char *text)
{
    while (text != NULL && bodies->count < TEXTS_MAX) {
        const char *end = strstr(text, "\n%");
        size_t length = end != NULL ? (size_t)(end - text) : strlen(text);
        if (length >= TEXT_MIN_BYTES && length <= TEXT_MAX_BYTES)
            bodies->texts[bodies->count++] = escaped(text, length);
        text = end != NULL ? strchr(end + 2, '\n') : NULL;
        if (text != NULL)
            text++;
    }
}

static void add_file(struct bodies *bodies, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return;
    char *text = cc_alloc(FILE_MAX_BYTES + 1);
    size_t length = fread(text, 1, FILE_MAX_BYTES, file);
    text[length] = '\0';
    fclose(file);
    add_texts(bodies, text);
    cc_free(text);
}

/* Fortunes are text files without an ending beside their .dat index; languages have folders of
 * their own. */
static void add_folder(struct bodies *bodies, const char *directory, int depth)
{
    DIR *folder = opendir(directory);
    if (folder == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[1024];
        struct stat status;
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        if (entry->d_name[0] == '.' || stat(path, &status) != 0)
            continue;
        if (S_ISDIR(status.st_mode) && depth > 0)
            add_folder(bodies, path, depth - 1);
        else if (S_ISREG(status.st_mode) && strchr(entry->d_name, '.') == NULL)
            add_file(bodies, path);
    }
    closedir(folder);
}

bool bodies_load(struct bodies *bodies, const char *directory)
{
    *bodies = (struct bodies){.texts = cc_calloc(TEXTS_MAX, sizeof(char *))};
    add_folder(bodies, directory, 2);
    if (bodies->count >= 100)
        return true;
    fprintf(stderr,
            "chat-load: %zu texts in %s; install fortunes, fortunes-de, fortunes-ru, fortunes-zh\n",
            bodies->count, directory);
    return false;
}

void bodies_write(const struct bodies *bodies, size_t index, size_t least_bytes, char *out,
                  size_t out_bytes)
{
    size_t length = 0;

    out[0] = '\0';
    do {
        const char *text = bodies->texts[index++ % bodies->count];
        int added = snprintf(out + length, out_bytes - length, "%s", text);
        if (added < 0 || length + (size_t)added >= out_bytes) {
            out[length] = '\0';
            return;
        }
        length += (size_t)added;
    } while (length < least_bytes);
}

void bodies_finish(struct bodies *bodies)
{
    for (size_t i = 0; i < bodies->count; i++)
        cc_free(bodies->texts[i]);
    cc_free(bodies->texts);
}
