/* See testing.h. Single-threaded unless a test says otherwise. */

#include "testing.h"

#include <ftw.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"

#define DESCRIPTORS_MAX 1024

static int64_t fake_wall_ms(const struct cc_clock *clock)
{
    return __atomic_load_n(&((const struct fake_clock *)clock)->wall_ms, __ATOMIC_RELAXED);
}

static int64_t fake_mono_us(const struct cc_clock *clock)
{
    return __atomic_load_n(&((const struct fake_clock *)clock)->mono_us, __ATOMIC_RELAXED);
}

void fake_clock_init(struct fake_clock *fake)
{
    *fake = (struct fake_clock){
        .clock = {fake_wall_ms, fake_mono_us}, .wall_ms = FAKE_T0_MS, .mono_us = 1000000};
}

void fake_clock_advance_ms(struct fake_clock *fake, int64_t ms)
{
    __atomic_fetch_add(&fake->wall_ms, ms, __ATOMIC_RELAXED);
    __atomic_fetch_add(&fake->mono_us, ms * 1000, __ATOMIC_RELAXED);
}

const char *test_env(const char *name)
{
    const char *value = getenv(name);
    if (value == NULL || value[0] == '\0')
        fail_msg("%s is not set: run the tests through infra/dev/chat test, or export the lines of "
                 "infra/dev/chat stack env",
                 name);
    return value;
}

/* What a test's helpers hand out lives as long as the process; leak checkers shall know. */
static struct kept {
    struct kept *next;
    char text[];
} * kept;

static void free_kept(void)
{
    for (struct kept *next; kept != NULL; kept = next) {
        next = kept->next;
        cc_free(kept);
    }
}

static char *keep_until_exit(size_t size)
{
    struct kept *one = cc_alloc(sizeof *one + size);
    if (kept == NULL)
        atexit(free_kept);
    one->next = kept;
    kept = one;
    return one->text;
}

const char *test_file(const char *relative_path, size_t *out_length)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", test_env("CHAT_SOURCE_DIR"), relative_path);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("can't open %s", path);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *text = keep_until_exit((size_t)size + 1);
    size_t got = fread(text, 1, (size_t)size, file);
    fclose(file);
    text[got] = '\0';
    if (out_length != NULL)
        *out_length = got;
    return text;
}

const char *test_unique_name(const char *prefix)
{
    static int counter;
    char *name = keep_until_exit(128);
    snprintf(name, 128, "%s_%d_%d", prefix, (int)getpid(), ++counter);
    return name;
}

static const char *folders[64];
static size_t folder_count;

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

static void remove_folders(void)
{
    for (size_t i = 0; i < folder_count; i++)
        nftw(folders[i], remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *test_folder(void)
{
    const char *parent = getenv("TMPDIR");
    char *path = keep_until_exit(TEST_FOLDER_SIZE);
    int length = snprintf(path, TEST_FOLDER_SIZE, "%s/chat-test-XXXXXX", parent ? parent : "/tmp");
    assert_in_range(length, 1, TEST_FOLDER_SIZE - 1);
    assert_non_null(mkdtemp(path));
    if (folder_count == 0)
        atexit(remove_folders); /* runs before free_kept, which was registered earlier */
    assert_true(folder_count < sizeof folders / sizeof *folders);
    folders[folder_count++] = path;
    return path;
}

int test_other_end(int fd)
{
    struct sockaddr_in own, peer = {0};
    socklen_t length = sizeof own;

    assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &length), 0);
    for (int other = 3; other < DESCRIPTORS_MAX; other++) {
        length = sizeof peer;
        if (getpeername(other, (struct sockaddr *)&peer, &length) == 0 &&
            peer.sin_family == AF_INET && peer.sin_port == own.sin_port)
            return other;
    }
    fail_msg("the other end is not in this process");
    return -1;
}

void test_wait_for_at(bool (*condition)(void *arg), void *arg, int timeout_ms, const char *text,
                      const char *file, int line)
{
    const struct cc_clock *clock = cc_clock_system();
    int64_t deadline = cc_mono_ms(clock) + timeout_ms;
    while (!condition(arg)) {
        if (cc_mono_ms(clock) > deadline)
            _fail(file, line); /* cmocka prints the place; the condition is named above it */
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    (void)text;
}
