/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * String functions. memcpy, memmove and memset are in x86/string.S: the processor's string
 * instructions beat anything written here. The loops hold a compiler barrier where the compiler
 * would otherwise recognise the function and replace its body by a call of itself.
 */
#include "lib/lib.h"
#include "lib/atomic.h"

#ifdef __HYPERVISOR__
int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *p = a, *q = b;
    for (size_t i = 0; i < n; i++)
        if (p[i] != q[i])
            return p[i] - q[i];
    return 0;
}

void *memchr(const void *s, int c, size_t n)
{
    const unsigned char *p = s;
    for (size_t i = 0; i < n; i++)
        if (p[i] == (unsigned char)c)
            return (void *)(uintptr_t)(p + i);
    return NULL;
}

size_t strlen(const char *s)
{
    const char *p = s;
    while (*p) {
        barrier();
        p++;
    }
    return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t max)
{
    size_t n = 0;
    while (n < max && s[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n; n--, a++, b++) {
        if (*a != *b)
            return (unsigned char)*a - (unsigned char)*b;
        if (!*a)
            break;
    }
    return 0;
}

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)(uintptr_t)s;
        if (!*s)
            return NULL;
    }
}

char *strstr(const char *s, const char *needle)
{
    size_t n = strlen(needle);
    for (;; s++) {
        if (!strncmp(s, needle, n))
            return (char *)(uintptr_t)s;
        if (!*s)
            return NULL;
    }
}
#endif

size_t hv_strlcpy(char *dst, const char *src, size_t size)
{
    size_t len = strlen(src);
    if (size) {
        size_t n = MIN(len, size - 1);
        memcpy(dst, src, n);
        dst[n] = 0;
    }
    return len;
}

void hv_copy_text(char *dst, size_t size, const char *src, size_t max)
{
    size_t n = strnlen(src, MIN(max, size - 1));
    memcpy(dst, src, n);
    dst[n] = 0;
}

/* Value of a digit in any base up to 36; 255: not one. */
static unsigned int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned int)(c - '0');
    c |= 0x20;
    if (c >= 'a' && c <= 'z')
        return (unsigned int)(c - 'a') + 10;
    return 255;
}

/* Saturates at the largest number instead of wrapping: an absurd option value stays absurd. */
unsigned long long hv_strtoull(const char *s, const char **end, unsigned int base)
{
    unsigned long long v = 0;

    if ((base == 0 || base == 16) && s[0] == '0' && (s[1] | 0x20) == 'x' &&
        digit_value(s[2]) < 16) {
        s += 2;
        base = 16;
    }
    if (!base)
        base = 10;
    for (; digit_value(*s) < base; s++)
        if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, digit_value(*s), &v))
            v = ~0ull;
    if (end)
        *end = s;
    return v;
}
