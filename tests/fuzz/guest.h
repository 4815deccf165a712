/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In place of a guest's grants and event channels, for the fuzzers of backends. */
#ifndef HOSPES_TESTS_FUZZ_GUEST_H
#define HOSPES_TESTS_FUZZ_GUEST_H
#include <stddef.h>
#include <stdint.h>

/* The fuzzer's own: where the pages of these grants are, in a row. */
void *guest_pages(const uint32_t *refs, size_t count);

/* Pages mapped at the moment. */
extern size_t guest_mapped;

#endif
