/* Bare finds: the documents of a page as the store gives them, by the same driver and the same
 * indexed fields, with nothing of ours around it. All pages are read once before they are timed,
 * so the reference is as warm as it can be. One thread. */

#include <stdio.h>
#include <string.h>

#include <mongoc/mongoc.h>

#include "common/arena.h"
#include "histogram.h"
#include "load.h"

enum { FINDS_MAX = 10000, LINE_BYTES = 1024 };

struct find {
    const char *database, *collection, *field, *value;
    bool ends_page;
};

struct finds {
    struct find items[FINDS_MAX];
    size_t count;
    mongoc_client_t *client;
    size_t documents; /* of all pages, once */
    struct histogram page;
};

/* False when the line is not four words. */
static bool parse_find(char *line, struct cc_arena *arena, struct find *out)
{
    char *rest = NULL, *words[4];

    for (size_t i = 0; i < 4; i++) {
        words[i] = strtok_r(i == 0 ? line : NULL, " \n", &rest);
        if (words[i] == NULL)
            return false;
    }
    *out = (struct find){
        .database = cc_arena_strdup(arena, words[0]),
        .collection = cc_arena_strdup(arena, words[1]),
        .field = cc_arena_strdup(arena, words[2]),
        .value = cc_arena_strdup(arena, words[3]),
    };
    return true;
}

static bool read_finds(struct finds *run, const char *path, struct cc_arena *arena)
{
    FILE *file = fopen(path, "r");
    char line[LINE_BYTES];
    bool good = file != NULL;

    while (good && run->count < FINDS_MAX && fgets(line, sizeof line, file) != NULL) {
        if (line[0] != '\n')
            good = parse_find(line, arena, &run->items[run->count++]);
        else if (run->count > 0)
            run->items[run->count - 1].ends_page = true;
    }
    if (file != NULL)
        fclose(file);
    return good && run->count > 0;
}

/* How many documents came; -1 with a line on stderr. */
static int64_t find(struct finds *run, const struct find *wanted)
{
    mongoc_collection_t *collection =
        mongoc_client_get_collection(run->client, wanted->database, wanted->collection);
    bson_t *filter = BCON_NEW(wanted->field, BCON_UTF8(wanted->value));
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(collection, filter, NULL, NULL);
    const bson_t *document;
    bson_error_t fault = {0};
    int64_t count = 0;

    while (mongoc_cursor_next(cursor, &document))
        count++;
    if (mongoc_cursor_error(cursor, &fault)) {
        fprintf(stderr, "chat-load: find: %s\n", fault.message);
        count = -1;
    }
    mongoc_cursor_destroy(cursor);
    bson_destroy(filter);
    mongoc_collection_destroy(collection);
    return count;
}

/* Every page once; out NULL: nobody looks at the clock. False when a find failed. */
static bool read_pages(struct finds *run, struct histogram *out)
{
    int64_t began_us = monotonic_us();

    run->documents = 0;
    for (size_t i = 0; i < run->count; i++) {
        int64_t found = find(run, &run->items[i]);
        if (found < 0)
            return false;
        run->documents += (size_t)found;
        if (!run->items[i].ends_page)
            continue;
        if (out != NULL)
            histogram_record(out, monotonic_us() - began_us);
        began_us = monotonic_us();
    }
    return true;
}

int run_finds(const struct load_options *options, const struct people *people)
{
    static struct finds run; /* too large for the stack */
    struct cc_arena *arena = cc_arena_create(0);
    bool good = read_finds(&run, options->finds_path, arena);

    (void)people;
    mongoc_init();
    run.client = good ? mongoc_client_new(options->servers.mongo_uri) : NULL;
    good = run.client != NULL && read_pages(&run, NULL);
    puts("MEASURE BEGIN");
    fflush(stdout);
    good = good && read_pages(&run, &run.page);
    puts("MEASURE END");
    fflush(stdout);
    putchar('{');
    histogram_print("page", &run.page);
    printf(",\"documents\":%zu}\n", run.documents);
    mongoc_client_destroy(run.client);
    cc_arena_destroy(arena);
    return good ? 0 : 1;
}
