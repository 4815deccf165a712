/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the fuzzers share: taking an input apart, and a check that stops the fuzzer. */
#ifndef HOSPES_TESTS_FUZZ_H
#define HOSPES_TESTS_FUZZ_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An input that is read from its front; behind its end there are zeroes. */
struct input {
    const uint8_t *p, *end;
};

static inline uint8_t in_u8(struct input *in)
{
    return in->p < in->end ? *in->p++ : 0;
}

/* Little endian, of n bytes. */
static inline uint64_t in_uint(struct input *in, unsigned int n)
{
    uint64_t v = 0;

    for (unsigned int i = 0; i < n; i++)
        v |= (uint64_t)in_u8(in) << (8 * i);
    return v;
}

static inline size_t in_left(const struct input *in)
{
    return (size_t)(in->end - in->p);
}

#define FUZZ_CHECK(c)                                                                   \
    do {                                                                                \
        if (!(c)) {                                                                     \
            fprintf(stderr, "%s:%d: this does not hold: %s\n", __FILE__, __LINE__, #c); \
            abort();                                                                    \
        }                                                                               \
    } while (0)

#endif
