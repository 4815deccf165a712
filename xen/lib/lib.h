/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Freestanding replacements of what a C library would give, the log, and assertions.
 * In host builds string functions are the C library's and printk goes to stderr.
 */
#ifndef XEN_LIB_LIB_H
#define XEN_LIB_LIB_H
#include "lib/types.h"
#include "lib/errno.h"
#include <stdarg.h>

#ifdef __HYPERVISOR__
void *memcpy(void *d, const void *s, size_t n);
void *memmove(void *d, const void *s, size_t n);
void *memset(void *d, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strstr(const char *s, const char *needle);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
#else
#include <string.h>
#include <stdio.h>
#include <stdlib.h>
#endif
/* Copy with truncation, always terminated; returns strlen(src). */
size_t hv_strlcpy(char *dst, const char *src, size_t size);
/*
 * The same for text that need not be terminated: at most max bytes of src are looked at, and no more
 * than fit. size is not 0.
 */
void hv_copy_text(char *dst, size_t size, const char *src, size_t max);
/* Decimal or 0x-hex; *end is set past the number. */
unsigned long long hv_strtoull(const char *s, const char **end, unsigned int base);

/*
 * The log. Levels as Xen's loglvl= / guest_loglvl=: a line starts with one of these. LOG_GUEST
 * levels are for lines that a guest can cause: they are rate-limited and obey guest_loglvl.
 * Context: any, including NMI (then lines may interleave).
 */
#define LOG_ERR     "<0>"
#define LOG_WARN    "<1>"
#define LOG_INFO    "<2>"
#define LOG_DEBUG   "<3>"
#define LOG_G_ERR   "<G0>"
#define LOG_G_WARN  "<G1>"
#define LOG_G_INFO  "<G2>"
#define LOG_G_DEBUG "<G3>"
void printk(const char *fmt, ...) __printf(1, 2);

/* Stop the host: message, registers, symbolised backtrace, then reboot or halt as told. */
void panic(const char *fmt, ...) __printf(1, 2) __noreturn;

/* Our own invariants, never guest input. ASSERT guards isolation and stays in release builds. */
#define ASSERT(c)                                                            \
    do {                                                                     \
        if (unlikely(!(c)))                                                  \
            panic("Assertion '%s' failed at %s:%d", #c, __FILE__, __LINE__); \
    } while (0)
#ifdef DEBUG
#define ASSERT_DEBUG(c) ASSERT(c)
#else
#define ASSERT_DEBUG(c) ((void)sizeof(c))
#endif

/*
 * index if it is below size, else 0 - computed without a branch, so that a mispredicted bounds
 * check cannot use it out of range under speculation (Spectre variant 1). index may be
 * guest-supplied and must have been checked already.
 */
static inline uint64_t index_nospec(uint64_t index, uint64_t size)
{
    uint64_t mask;
#ifdef __HYPERVISOR__
    __asm__("cmp %1,%2; sbb %0,%0" : "=r"(mask) : "g"(size), "r"(index) : "cc");
#else
    mask = index < size ? ~0ull : 0;
#endif
    return index & mask;
}

/* Memory that lives until freed; any size; zeroed. NULL when there is none. (mm/heap.c) */
void *hv_zalloc(size_t size);
void *hv_alloc_aligned(size_t size, size_t align);
void hv_free(void *p);

#endif
