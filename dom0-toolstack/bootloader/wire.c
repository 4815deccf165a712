/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See wire.h. */
#include "dom0-toolstack/bootloader/wire.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/files.h"

static const char step[] = "read the guest's disk";

/* ---- the finder's side: only read() and write() are there ---- */

static int send_all(int fd, const void *data, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, data, n);

        if (done <= 0)
            return -EIO;
        data = (const char *)data + done;
        n -= (size_t)done;
    }
    return 0;
}

static int receive_all(int fd, void *data, size_t n)
{
    while (n > 0) {
        ssize_t done = read(fd, data, n);

        if (done <= 0)
            return -EIO;
        data = (char *)data + done;
        n -= (size_t)done;
    }
    return 0;
}

/* Reading a file asks for one block after the other, each of which would be a turn of both processes. */
#define WINDOWS     16
#define WINDOW_SIZE ((size_t)128 << 10)

struct finder {
    int fd;
    unsigned int next; /* window to be used again */
    struct window {
        uint64_t at, length; /* of the disk; 0: unused */
        uint8_t *data;       /* WINDOW_SIZE */
    } windows[WINDOWS];
};

static int ask(struct finder *f, uint64_t offset, void *to, uint32_t n)
{
    struct wire_head h = {WIRE_READ, n, offset};
    int32_t answer;

    if (send_all(f->fd, &h, sizeof(h)) < 0 || receive_all(f->fd, &answer, sizeof(answer)) < 0)
        return -EIO;
    return answer != 0 ? answer : receive_all(f->fd, to, n);
}

static int find_window(struct disk *d, uint64_t offset, struct window **out)
{
    struct finder *f = d->opaque;
    uint64_t at = offset / WINDOW_SIZE * WINDOW_SIZE;
    struct window *w = &f->windows[f->next];
    int rc;

    for (unsigned int i = 0; i < WINDOWS; i++) {
        if (f->windows[i].length != 0 && f->windows[i].at == at) {
            *out = &f->windows[i];
            return 0;
        }
    }
    if (w->data == NULL && (w->data = malloc(WINDOW_SIZE)) == NULL)
        return -ENOMEM;
    w->at = at;
    w->length = 0;
    rc = ask(f, at, w->data, (uint32_t)(d->size - at < WINDOW_SIZE ? d->size - at : WINDOW_SIZE));
    if (rc < 0)
        return rc;
    w->length = d->size - at < WINDOW_SIZE ? d->size - at : WINDOW_SIZE;
    f->next = (f->next + 1) % WINDOWS;
    *out = w;
    return 0;
}

/* disk_read() has seen that it is within the disk. */
static int read_windows(struct disk *d, uint64_t offset, void *to, size_t n)
{
    while (n > 0) {
        struct window *w;
        int rc = find_window(d, offset, &w);
        size_t part;

        if (rc < 0)
            return rc;
        part = w->at + w->length - offset;
        if (part > n)
            part = n;
        memcpy(to, w->data + (offset - w->at), part);
        to = (char *)to + part;
        offset += part;
        n -= part;
    }
    return 0;
}

static int tell(struct boot_output *o, enum boot_part part, const void *data, size_t n)
{
    int fd = *(int *)o->opaque;

    while (n > 0) {
        struct wire_head h = {WIRE_PUT + (uint32_t)part, n > WIRE_MAX ? WIRE_MAX : (uint32_t)n, 0};

        if (send_all(fd, &h, sizeof(h)) < 0 || send_all(fd, data, h.length) < 0)
            return -EIO;
        data = (const char *)data + h.length;
        n -= h.length;
    }
    return 0;
}

void wire_find(int fd, uint64_t size, const struct boot_request *r)
{
    struct finder f = {.fd = fd};
    struct disk d = {.size = size, .read = read_windows, .opaque = &f};
    struct boot_output o = {.put = tell, .opaque = &fd};
    char why[2048] = "";
    int rc = boot_find(&d, r, &o, why, sizeof(why));
    struct wire_head h = {WIRE_DONE, (uint32_t)strlen(why), (uint64_t)-rc};

    if (send_all(fd, &h, sizeof(h)) == 0)
        (void)send_all(fd, why, h.length);
}

/* ---- the server's side ---- */

struct server {
    int fd;
    struct disk *disk;
    struct wire_result *out;
    time_t end;
    uint8_t *buffer; /* WIRE_MAX + 1 */
    struct hl_error *e;
};

static time_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static int broken(struct server *s)
{
    return hl_fail(s->e, EIO, step, NULL,
                   "the process that reads it ended: what is on the disk leads it astray");
}

static int receive(struct server *s, void *data, size_t n)
{
    while (n > 0) {
        struct pollfd p = {.fd = s->fd, .events = POLLIN};
        time_t left = s->end - now();
        ssize_t done;

        if (left <= 0 || poll(&p, 1, (int)left * 1000) == 0)
            return hl_fail(s->e, ETIMEDOUT, step, NULL, "no end of it in time");
        done = read(s->fd, data, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return broken(s);
        data = (char *)data + done;
        n -= (size_t)done;
    }
    return 0;
}

static int serve_read(struct server *s, const struct wire_head *h)
{
    int32_t answer = disk_read(s->disk, h->offset, s->buffer, h->length);

    if (send_all(s->fd, &answer, sizeof(answer)) < 0 ||
        (answer == 0 && send_all(s->fd, s->buffer, h->length) < 0))
        return broken(s);
    return 0;
}

static int keep_file(struct server *s, int fd, uint64_t *size, uint64_t max, uint32_t n)
{
    int rc = 0;

    if (n > max - *size)
        return hl_fail(s->e, EFBIG, step, NULL, "its kernel or ramdisk is too big");
    if (fd >= 0)
        rc = file_write_fd(fd, s->buffer, n);
    if (rc < 0)
        return hl_fail(s->e, -rc, "keep the guest's kernel", NULL, NULL);
    *size += n;
    return 0;
}

static int keep_list(struct server *s, uint32_t n)
{
    struct wire_result *out = s->out;
    char *list;

    if (n > BOOT_MAX_LIST - out->list_length)
        return hl_fail(s->e, EFBIG, step, NULL, "its boot menu is too long");
    list = realloc(out->list, out->list_length + n + 1);
    if (list == NULL)
        return hl_fail(s->e, ENOMEM, step, NULL, NULL);
    memcpy(list + out->list_length, s->buffer, n);
    out->list = list;
    out->list_length += n;
    list[out->list_length] = '\0';
    return 0;
}

/* How many bytes of `text` are one character that a terminal shows; 0: none. */
static size_t shown(const unsigned char *text)
{
    size_t n = text[0] < 0x80   ? 1
               : text[0] < 0xc2 ? 0
               : text[0] < 0xe0 ? 2
               : text[0] < 0xf0 ? 3
               : text[0] < 0xf5 ? 4
                                : 0;

    if (n == 1)
        return text[0] >= ' ' && text[0] != 0x7f;
    /* U+0080 to U+009f are control characters, too. */
    if (n == 2 && text[0] == 0xc2 && text[1] < 0xa0)
        return 0;
    /* The NUL at the end is no continuation. */
    for (size_t i = 1; i < n; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

/* What the guest wrote is shown on somebody's terminal, and shall be no command to that. */
static void make_harmless(char *list)
{
    unsigned char *at = (unsigned char *)list;

    while (at != NULL && *at != '\0') {
        size_t n = *at == '\n' ? 1 : shown(at);

        if (n == 0) {
            *at = '?';
            n = 1;
        }
        at += n;
    }
}

static int keep_args(struct server *s, uint32_t n)
{
    struct wire_result *out = s->out;

    if (n > BOOT_MAX_ARGS - out->args_length)
        return hl_fail(s->e, EINVAL, step, NULL, "its kernel's command line is too long");
    for (uint32_t i = 0; i < n; i++)
        if (s->buffer[i] < ' ' || s->buffer[i] == 0x7f)
            return hl_fail(s->e, EINVAL, step, NULL,
                           "its kernel's command line has control characters");
    memcpy(out->args + out->args_length, s->buffer, n);
    out->args_length += n;
    out->args[out->args_length] = '\0';
    return 0;
}

static int keep(struct server *s, enum boot_part part, uint32_t n)
{
    struct wire_result *out = s->out;

    switch (part) {
    case BOOT_ARGS: return keep_args(s, n);
    case BOOT_LIST: return keep_list(s, n);
    case BOOT_KERNEL: return keep_file(s, out->kernel_fd, &out->kernel_size, BOOT_MAX_KERNEL, n);
    default: return keep_file(s, out->ramdisk_fd, &out->ramdisk_size, BOOT_MAX_RAMDISK, n);
    }
}

/* 1: success. The reason may hold what the guest wrote: shown without control characters. */
static int done(struct server *s, const struct wire_head *h)
{
    int err = h->offset > 0 && h->offset < 4096 ? (int)h->offset : EIO;

    s->buffer[h->length] = '\0';
    for (uint32_t i = 0; i < h->length; i++)
        if (s->buffer[i] < ' ' || s->buffer[i] > '~')
            s->buffer[i] = '?';
    if (h->offset == 0)
        return 1;
    return hl_fail(s->e, err, step, NULL, "%.1800s",
                   h->length > 0 ? (char *)s->buffer : "it failed");
}

/* 0: go on; 1: all is done. */
static int serve_one(struct server *s)
{
    struct wire_head h;
    int rc = receive(s, &h, sizeof(h));

    if (rc < 0)
        return rc;
    if (h.op > WIRE_DONE || h.length > WIRE_MAX)
        return broken(s);
    if (h.op == WIRE_READ)
        return serve_read(s, &h);
    rc = receive(s, s->buffer, h.length);
    if (rc < 0)
        return rc;
    return h.op == WIRE_DONE ? done(s, &h) : keep(s, (enum boot_part)(h.op - WIRE_PUT), h.length);
}

int wire_serve(int fd, struct disk *disk, struct wire_result *out, unsigned int seconds,
               struct hl_error *e)
{
    struct server s = {.fd = fd, .disk = disk, .out = out, .end = now() + seconds, .e = e};
    int rc = 0;

    s.buffer = malloc(WIRE_MAX + 1);
    if (s.buffer == NULL)
        return hl_fail(e, ENOMEM, step, NULL, NULL);
    while (rc == 0)
        rc = serve_one(&s);
    free(s.buffer);
    make_harmless(out->list);
    return rc < 0 ? rc : 0;
}
