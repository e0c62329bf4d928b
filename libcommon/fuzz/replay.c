/* Gives every file of the named folders to the harness, whole and cut short: a build without
 * libFuzzer so keeps what a fuzzer once found. One thread. */

#include <dirent.h>
#include <string.h>

#include "common/alloc.h"
#include "common/log.h"

#include "fuzz.h"

#define CUTS           32 /* evenly over the input; a short one is cut at every byte */
#define FILE_MAX_BYTES (1024 * 1024)
#define PATH_MAX_BYTES 1024

/* A buffer of exactly this size, so that AddressSanitizer sees the first byte behind it. */
static void run(const uint8_t *bytes, size_t count)
{
    uint8_t *exact = cc_alloc(count + (count == 0));

    if (count > 0)
        memcpy(exact, bytes, count);
    (void)LLVMFuzzerTestOneInput(exact, count);
    cc_free(exact);
}

static void run_cut(const uint8_t *bytes, size_t count)
{
    size_t step = count / CUTS + 1;

    for (size_t length = 0; length < count; length += step)
        run(bytes, length);
    run(bytes, count);
}

static bool replay_file(const char *path)
{
    static uint8_t bytes[FILE_MAX_BYTES];
    FILE *file = fopen(path, "rb");
    size_t count;

    if (file == NULL)
        return false;
    count = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    (void)fprintf(stderr, "%s\n", path); /* names the culprit when the next line ends it */
    run_cut(bytes, count);
    return true;
}

static size_t replay_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    size_t replayed = 0;
    char path[PATH_MAX_BYTES];

    if (dir == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);

        if (entry->d_type != DT_DIR && length < (int)sizeof path)
            replayed += replay_file(path);
    }
    (void)closedir(dir);
    return replayed;
}

int main(int count, char **folders)
{
    size_t replayed = 0;

    for (int i = 1; i < count; i++) {
        size_t of_folder = replay_folder(folders[i]);

        if (of_folder == 0) {
            (void)fprintf(stderr, "%s holds nothing\n", folders[i]);
            return 1;
        }
        replayed += of_folder;
    }
    (void)printf("%zu inputs\n", replayed);
    return replayed > 0 ? 0 : 1;
}
