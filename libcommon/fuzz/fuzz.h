#ifndef FUZZ_H
#define FUZZ_H

/*
 * What harnesses share. Each is one LLVMFuzzerTestOneInput: libFuzzer drives it under the preset
 * `fuzz`, replay.c in every other build, where it is a unit test over its corpus. It returns 0 for
 * whatever bytes it gets; a sanitizer's report or a broken FUZZ_REQUIRE is the finding.
 * Source: https://llvm.org/docs/LibFuzzer.html
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* What must be true of every input. */
#define FUZZ_REQUIRE(condition)                                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
