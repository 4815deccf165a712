/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formatted text without a C library. */
#include "lib/format.h"
#include "lib/lib.h"

struct out {
    char *buf;
    size_t size, len; /* len: what the text would have; may pass size */
};

struct spec {
    bool left, zero, alt, plus, space, upper;
    int width, precision; /* precision -1: none */
    enum { LEN_CHAR, LEN_SHORT, LEN_INT, LEN_LONG, LEN_LLONG } length;
};

static void put(struct out *o, char c)
{
    if (o->len < o->size)
        o->buf[o->len] = c;
    o->len++;
}

static void pad(struct out *o, char c, int n)
{
    while (n-- > 0)
        put(o, c);
}

static void put_string(struct out *o, const struct spec *f, const char *s)
{
    size_t max = f->precision >= 0 ? (size_t)f->precision : (size_t)1 << 20;
    if (!s)
        s = "(null)";
    size_t n = strnlen(s, max);

    if (!f->left)
        pad(o, ' ', f->width - (int)n);
    for (size_t i = 0; i < n; i++)
        put(o, s[i]);
    if (f->left)
        pad(o, ' ', f->width - (int)n);
}

static void put_number(struct out *o, const struct spec *f, uint64_t v, unsigned int base,
                       bool negative)
{
    const char *digits = f->upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char tmp[24], prefix[3];
    int n = 0, np = 0;

    if (negative)
        prefix[np++] = '-';
    else if (f->plus)
        prefix[np++] = '+';
    else if (f->space)
        prefix[np++] = ' ';
    if (f->alt && base == 16 && v) {
        prefix[np++] = '0';
        prefix[np++] = f->upper ? 'X' : 'x';
    }
    for (; v; v /= base)
        tmp[n++] = digits[v % base];
    if (!n && f->precision != 0)
        tmp[n++] = '0';

    int zeros = f->precision > n ? f->precision - n : 0;
    if (f->zero && !f->left && f->precision < 0 && f->width > n + np)
        zeros = f->width - n - np;
    int fill = f->width - n - np - zeros;
    if (!f->left)
        pad(o, ' ', fill);
    for (int i = 0; i < np; i++)
        put(o, prefix[i]);
    pad(o, '0', zeros);
    while (n)
        put(o, tmp[--n]);
    if (f->left)
        pad(o, ' ', fill);
}

static const char *parse_flags(struct spec *f, const char *s)
{
    for (;; s++) {
        switch (*s) {
        case '-': f->left = true; break;
        case '0': f->zero = true; break;
        case '#': f->alt = true; break;
        case '+': f->plus = true; break;
        case ' ': f->space = true; break;
        default: return s;
        }
    }
}

static const char *parse_length(struct spec *f, const char *s)
{
    f->length = LEN_INT;
    for (;; s++) {
        switch (*s) {
        case 'h': f->length = f->length == LEN_SHORT ? LEN_CHAR : LEN_SHORT; break;
        case 'l': f->length = f->length == LEN_LONG ? LEN_LLONG : LEN_LONG; break;
        case 'z':
        case 'j':
        case 't': f->length = LEN_LONG; break;
        default: return s;
        }
    }
}

/* The va_list travels by pointer: helpers take arguments off it in turn. */
struct args {
    va_list ap;
};

static int parse_count(const char **s, struct args *a)
{
    int n = 0;
    if (**s == '*') {
        (*s)++;
        return va_arg(a->ap, int);
    }
    for (; **s >= '0' && **s <= '9'; (*s)++)
        n = n < 10000 ? n * 10 + (**s - '0') : n;
    return n;
}

static uint64_t get_unsigned(const struct spec *f, struct args *a)
{
    switch (f->length) {
    case LEN_CHAR: return (unsigned char)va_arg(a->ap, unsigned int);
    case LEN_SHORT: return (unsigned short)va_arg(a->ap, unsigned int);
    case LEN_INT: return va_arg(a->ap, unsigned int);
    default: return va_arg(a->ap, unsigned long long);
    }
}

static int64_t get_signed(const struct spec *f, struct args *a)
{
    switch (f->length) {
    case LEN_CHAR: return (signed char)va_arg(a->ap, int);
    case LEN_SHORT: return (short)va_arg(a->ap, int);
    case LEN_INT: return va_arg(a->ap, int);
    default: return va_arg(a->ap, long long);
    }
}

static void put_conversion(struct out *o, struct spec *f, char conv, struct args *a)
{
    int64_t v;

    switch (conv) {
    case 'c': {
        char c[2] = {(char)va_arg(a->ap, int), 0};
        f->precision = 1;
        put_string(o, f, c);
        break;
    }
    case 's': put_string(o, f, va_arg(a->ap, const char *)); break;
    case 'd':
    case 'i':
        v = get_signed(f, a);
        put_number(o, f, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, v < 0);
        break;
    case 'u': put_number(o, f, get_unsigned(f, a), 10, false); break;
    case 'o': put_number(o, f, get_unsigned(f, a), 8, false); break;
    case 'X':
        f->upper = true;
        put_number(o, f, get_unsigned(f, a), 16, false);
        break;
    case 'x': put_number(o, f, get_unsigned(f, a), 16, false); break;
    case 'p':
        f->precision = 16;
        put_number(o, f, (uint64_t)(uintptr_t)va_arg(a->ap, void *), 16, false);
        break;
    default:
        put(o, '%');
        if (conv != '%')
            put(o, conv);
    }
}

int hv_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct out o = {.buf = buf, .size = size};
    struct args a;

    va_copy(a.ap, ap);
    while (*fmt) {
        if (*fmt != '%') {
            put(&o, *fmt++);
            continue;
        }
        struct spec f = {.precision = -1};
        fmt = parse_flags(&f, fmt + 1);
        f.width = parse_count(&fmt, &a);
        if (f.width < 0) {
            f.left = true;
            f.width = -f.width;
        }
        if (*fmt == '.') {
            fmt++;
            f.precision = parse_count(&fmt, &a);
        }
        fmt = parse_length(&f, fmt);
        if (!*fmt)
            break;
        put_conversion(&o, &f, *fmt++, &a);
    }
    va_end(a.ap);
    if (size)
        buf[MIN(o.len, size - 1)] = 0;
    return (int)o.len;
}

#ifdef __HYPERVISOR__
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
    return hv_vsnprintf(buf, size, fmt, ap);
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = hv_vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return n;
}
#endif
