#ifndef TESTING_H
#define TESTING_H

/* What tests share: the cmocka headers in the right order, a clock that tests move, golden files,
 * deadlines. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/clock.h"

struct fake_clock {
    struct cc_clock clock; /* first: pass &fake.clock */
    int64_t wall_ms, mono_us;
};
#define FAKE_T0_MS 1767225600000               /* 2026-01-01T00:00:00Z */
void fake_clock_init(struct fake_clock *fake); /* wall FAKE_T0_MS, monotonic 1 s */
void fake_clock_advance_ms(struct fake_clock *fake, int64_t ms);

/* The environment variable, or a test failure that names it: a missing server is a failure, not a
 * skip. */
const char *test_env(const char *name);
/* A file below the source tree, NUL-terminated; freed at exit. */
const char *test_file(const char *relative_path, size_t *out_length);
/* A name unique to this process and call, e.g. for topics and databases: "<prefix>_<pid>_<n>". */
const char *test_unique_name(const char *prefix);
/* A new empty folder below $TMPDIR (/tmp without it), its path shorter than TEST_FOLDER_SIZE; it
 * and all that is in it are removed at exit, whether tests failed or not. */
#define TEST_FOLDER_SIZE 64
const char *test_folder(void);
/* The other end of a TCP connection over IPv4 within this process, which is somebody else's to
 * close. Fails the test when there is none. */
int test_other_end(int fd);
/* Polls `condition(arg)` every 5 ms until true; fails the test at the caller's line after
 * timeout_ms. */
#define test_wait_for(condition, arg, timeout_ms)                                                  \
    test_wait_for_at((condition), (arg), (timeout_ms), #condition, __FILE__, __LINE__)
void test_wait_for_at(bool (*condition)(void *arg), void *arg, int timeout_ms, const char *text,
                      const char *file, int line);

#endif
