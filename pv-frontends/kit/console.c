/* SPDX-License-Identifier: MIT */
/* Text output and a small printf. */
#include "kit/console.h"
#include "kit/hypercall.h"
#include "kit/start.h"
#include "kit/string.h"
#include "kit/memory.h"
#include "kit/io.h"

/* The console ring page of a domain that has a console backend (Xen's io/console.h). */
struct console_ring {
    char in[1024];
    char out[2048];
    uint32_t in_cons, in_prod;
    uint32_t out_cons, out_prod;
};

static struct console_ring *ring;

void console_init(void)
{
    if (!(kit_start_info->flags & SIF_INITDOMAIN)) {
        ring = mfn_to_virt(kit_start_info->console.domU.mfn);
    }
}

static void ring_write(const char *text, size_t length)
{
    struct evtchn_send send = {.port = kit_start_info->console.domU.evtchn};

    while (length != 0) {
        uint32_t prod = ring->out_prod;

        while (length != 0 && prod - *(volatile uint32_t *)&ring->out_cons < sizeof(ring->out)) {
            ring->out[prod++ % sizeof(ring->out)] = *text++;
            length--;
        }
        barrier(); /* the reader must see the text before the index that covers it */
        ring->out_prod = prod;
        hv_event_channel_op(EVTCHNOP_send, &send);
        if (length != 0) {
            hv_sched_op(SCHEDOP_yield, NULL);
        }
    }
}

void console_write(const char *text, size_t length)
{
    if (ring != NULL) {
        ring_write(text, length);
    } else {
        hv_console_io(CONSOLEIO_write, (unsigned int)length, (char *)text);
    }
}

size_t console_read(char *text, size_t size)
{
    size_t n = 0;

    if (ring == NULL) {
        return 0;
    }
    struct evtchn_send send = {.port = kit_start_info->console.domU.evtchn};
    uint32_t cons = ring->in_cons, prod = *(volatile uint32_t *)&ring->in_prod;

    barrier(); /* the index before the bytes */
    while (n < size && cons != prod) {
        text[n++] = ring->in[cons++ % sizeof(ring->in)];
    }
    barrier(); /* the bytes are read before their room is given back */
    *(volatile uint32_t *)&ring->in_cons = cons;
    if (n != 0) {
        hv_event_channel_op(EVTCHNOP_send, &send);
    }
    return n;
}

/* Where kvsnprintf writes: text beyond `size` is counted and dropped. */
struct sink {
    char *out;
    size_t size, used;
};

static void sink_put(struct sink *sink, char c)
{
    if (sink->used + 1 < sink->size) {
        sink->out[sink->used] = c;
    }
    sink->used++;
}

struct spec {
    bool left, zero, alt;
    int width, longs;
};

static void put_padded(struct sink *sink, const struct spec *spec, const char *text, size_t n)
{
    size_t pad = spec->width > (int)n ? spec->width - n : 0;

    for (size_t i = 0; !spec->left && i < pad; i++) {
        sink_put(sink, spec->zero ? '0' : ' ');
    }
    for (size_t i = 0; i < n; i++) {
        sink_put(sink, text[i]);
    }
    for (size_t i = 0; spec->left && i < pad; i++) {
        sink_put(sink, ' ');
    }
}

static void put_number(struct sink *sink, const struct spec *spec, uint64_t value, unsigned base,
                       bool negative)
{
    char digits[32];
    size_t at = sizeof(digits);

    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    if (spec->alt && base == 16) {
        digits[--at] = 'x';
        digits[--at] = '0';
    }
    if (negative) {
        digits[--at] = '-';
    }
    put_padded(sink, spec, digits + at, sizeof(digits) - at);
}

static const char *parse_spec(const char *f, struct spec *spec)
{
    memset(spec, 0, sizeof(*spec));
    for (;; f++) {
        if (*f == '-') {
            spec->left = true;
        } else if (*f == '0') {
            spec->zero = true;
        } else if (*f == '#') {
            spec->alt = true;
        } else {
            break;
        }
    }
    for (; *f >= '0' && *f <= '9'; f++) {
        spec->width = spec->width * 10 + (*f - '0');
    }
    for (; *f == 'l' || *f == 'z'; f++) {
        spec->longs++;
    }
    return f;
}

int kvsnprintf(char *out, size_t size, const char *format, va_list args)
{
    struct sink sink = {out, size, 0};
    struct spec spec;

    for (const char *f = format; *f != '\0'; f++) {
        if (*f != '%') {
            sink_put(&sink, *f);
            continue;
        }
        f = parse_spec(f + 1, &spec);
        switch (*f) {
        case 'c': sink_put(&sink, (char)va_arg(args, int)); break;
        case 's': {
            const char *text = va_arg(args, const char *);

            put_padded(&sink, &spec, text, strlen(text));
            break;
        }
        case 'd': {
            long v = spec.longs ? va_arg(args, long) : va_arg(args, int);

            put_number(&sink, &spec, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, v < 0);
            break;
        }
        case 'p':
            spec.alt = true;
            spec.longs = 1;
            __attribute__((fallthrough));
        case 'x':
        case 'u': {
            unsigned long v = spec.longs ? va_arg(args, unsigned long) : va_arg(args, unsigned int);

            put_number(&sink, &spec, v, *f == 'u' ? 10 : 16, false);
            break;
        }
        default: sink_put(&sink, *f); break;
        }
    }
    if (size != 0) {
        out[sink.used < size ? sink.used : size - 1] = '\0';
    }
    return (int)sink.used;
}

int ksnprintf(char *out, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = kvsnprintf(out, size, format, args);
    va_end(args);
    return n;
}

void kprintf(const char *format, ...)
{
    char line[512];
    va_list args;

    va_start(args, format);
    int n = kvsnprintf(line, sizeof(line), format, args);
    va_end(args);
    console_write(line, n < (int)sizeof(line) ? (size_t)n : sizeof(line) - 1);
}
