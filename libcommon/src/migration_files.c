/*
 * Migrations folders; see migration_files.h. Runs on the main thread of `--migrate`. It does not
 * know what the files say.
 */

#include "migration_files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/clock.h"
#include "common/id.h"

#define GIVE_UP_MS       60000
#define BACKOFF_FIRST_MS 100
#define BACKOFF_MOST_MS  2000
#define FILE_MAX_BYTES   (4 * 1024 * 1024)
#define NUMBER_DIGITS    4

static bool is_migration(const char *name, const char *extension)
{
    size_t length = strlen(name), tail = strlen(extension);
    return strspn(name, "0123456789") == NUMBER_DIGITS && name[NUMBER_DIGITS] == '_' &&
           length > NUMBER_DIGITS + 1 + tail && strcmp(name + length - tail, extension) == 0;
}

static enum cc_code read_file(const char *directory, const char *name, struct cc_arena *arena,
                              struct cc_migration_file *out, struct cc_error *err)
{
    struct stat status;
    FILE *file = fopen(cc_arena_printf(arena, "%s/%s", directory, name), "rbe");
    if (file == NULL || fstat(fileno(file), &status) != 0 || status.st_size > FILE_MAX_BYTES) {
        if (file != NULL)
            fclose(file);
        return cc_fail(err, CC_INVALID, NULL, "can't read %s/%s", directory, name);
    }
    size_t size = (size_t)status.st_size;
    char *text = cc_arena_alloc(arena, size + 1);
    size_t got = fread(text, 1, size, file);
    fclose(file);
    if (got != size)
        return cc_fail(err, CC_INVALID, NULL, "can't read %s/%s", directory, name);
    text[size] = '\0';
    *out = (struct cc_migration_file){.name = cc_arena_strdup(arena, name), text, .length = size};
    cc_sha256_hex(text, size, out->sha256);
    return CC_OK;
}

static enum cc_code read_all(const char *directory, const char *extension, struct dirent **entries,
                             int entry_count, struct cc_arena *arena,
                             struct cc_migration_file *files, size_t *out_count,
                             struct cc_error *err)
{
    size_t count = 0;
    for (int i = 0; i < entry_count; i++) {
        if (!is_migration(entries[i]->d_name, extension))
            continue;
        CC_TRY(read_file(directory, entries[i]->d_name, arena, &files[count], err));
        if (count > 0 && strncmp(files[count].name, files[count - 1].name, NUMBER_DIGITS) == 0)
            return cc_fail(err, CC_INVALID, NULL, "migrations %s and %s have the same number",
                           files[count - 1].name, files[count].name);
        count++;
    }
    *out_count = count;
    return CC_OK;
}

enum cc_code cc_migration_files_read(const char *directory, const char *extension,
                                     struct cc_arena *arena, const struct cc_migration_file **out,
                                     size_t *out_count, struct cc_error *err)
{
    struct dirent **entries = NULL;
    int count = scandir(directory, &entries, NULL, alphasort);
    if (count < 0)
        return cc_fail(err, CC_INVALID, NULL, "there is no folder %s with migrations", directory);
    struct cc_migration_file *files = cc_arena_calloc(arena, (size_t)count, sizeof *files);
    enum cc_code code =
        read_all(directory, extension, entries, count, arena, files, out_count, err);
    for (int i = 0; i < count; i++)
        free(entries[i]); /* check: free */
    free(entries);        /* check: free */
    *out = files;
    return code;
}

enum cc_code cc_migration_changed(const struct cc_migration_file *file, struct cc_error *err)
{
    return cc_fail(err, CC_CONFLICT, NULL,
                   "migration %s was changed after it had been applied; add a new file instead",
                   file->name);
}

enum cc_code cc_migration_wait(enum cc_code (*attempt)(void *arg, struct cc_error *err), void *arg,
                               struct cc_error *err)
{
    const struct cc_clock *clock = cc_clock_system();
    int64_t deadline = cc_mono_ms(clock) + GIVE_UP_MS;
    int backoff_ms = BACKOFF_FIRST_MS;
    for (;;) {
        enum cc_code code = attempt(arg, err);
        if (code != CC_UNAVAILABLE || cc_mono_ms(clock) + backoff_ms > deadline)
            return code;
        nanosleep(&(struct timespec){.tv_sec = backoff_ms / 1000,
                                     .tv_nsec = backoff_ms % 1000 * 1000000L},
                  NULL);
        backoff_ms = backoff_ms * 2 < BACKOFF_MOST_MS ? backoff_ms * 2 : BACKOFF_MOST_MS;
    }
}
