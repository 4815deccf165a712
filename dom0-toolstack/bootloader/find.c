/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See find.h. */
#include "dom0-toolstack/bootloader/find.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/bootloader/bls.h"
#include "dom0-toolstack/bootloader/fs.h"
#include "dom0-toolstack/bootloader/menu.h"

#define MAX_CONFIG ((size_t)1 << 20)
#define MAX_ENTRY  ((size_t)64 << 10)

/* Where a menu may be, the likeliest first. `dir` is what relative paths begin at; NULL: it is GRUB's. */
static const struct place {
    const char *path, *env, *dir;
} places[] = {
    {"/boot/grub/grub.cfg", "/boot/grub/grubenv", NULL},
    {"/grub/grub.cfg", "/grub/grubenv", NULL},
    {"/boot/grub2/grub.cfg", "/boot/grub2/grubenv", NULL},
    {"/grub2/grub.cfg", "/grub2/grubenv", NULL},
    {"/boot/extlinux/extlinux.conf", NULL, "/boot/extlinux"},
    {"/extlinux/extlinux.conf", NULL, "/extlinux"},
    {"/boot/extlinux.conf", NULL, "/boot"},
    {"/extlinux.conf", NULL, ""},
    {"/boot/syslinux/syslinux.cfg", NULL, "/boot/syslinux"},
};
#define NR_PLACES (sizeof(places) / sizeof(places[0]))

struct search {
    struct disk *disk;
    const struct boot_request *r;
    struct boot_output *out;
    struct fs *fs;
    struct menu menu;
    const char *config; /* the menu's path, NULL: none was found */
    char *why;
    size_t size;
};

__attribute__((format(printf, 3, 4))) static int fail(struct search *s, int rc, const char *text,
                                                      ...)
{
    va_list args;

    va_start(args, text);
    vsnprintf(s->why, s->size, text, args);
    va_end(args);
    return rc;
}

/* Adds to what is said already. */
__attribute__((format(printf, 2, 3))) static void add(struct search *s, const char *text, ...)
{
    size_t n = strlen(s->why);
    va_list args;

    va_start(args, text);
    vsnprintf(s->why + n, s->size - n, text, args);
    va_end(args);
}

/* ---- one file system ---- */

struct names {
    char *names[MENU_MAX_ITEMS];
    unsigned int count;
};

static int take_name(void *opaque, const char *name)
{
    struct names *n = opaque;

    if (n->count == MENU_MAX_ITEMS || !bls_is_entry(name))
        return 0;
    n->names[n->count] = strdup(name);
    return n->names[n->count] != NULL ? (n->count++, 0) : -ENOMEM;
}

/* Those that cannot be read are left out. */
static int read_entry(struct search *s, const char *folder, const char *name, struct bls *b)
{
    char path[512], *text;
    size_t n;
    int rc;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    rc = fs_read_file(s->fs, path, MAX_ENTRY, &text, &n);
    if (rc == 0)
        rc = bls_add(b, name, text);
    return rc == -ENOMEM ? rc : 0;
}

static int read_entries(struct search *s, const char *folder, struct bls *b)
{
    struct names n = {.count = 0};
    int rc = fs_list(s->fs, folder, take_name, &n);

    for (unsigned int i = 0; i < n.count; i++) {
        if (rc == 0)
            rc = read_entry(s, folder, n.names[i], b);
        free(n.names[i]);
    }
    bls_sort(b);
    return rc == -ENOMEM ? fail(s, rc, "out of memory while %s was read", folder) : 0;
}

static int read_grub(struct search *s, const struct place *p, const char *text)
{
    static const char *const folders[] = {"/loader/entries", "/boot/loader/entries"};
    struct bls bls = {.count = 0};
    char *env = NULL;
    size_t n = strstr(text, "blscfg") != NULL ? sizeof(folders) / sizeof(folders[0]) : 0;
    int rc = 0;

    for (size_t i = 0; i < n && rc == 0 && bls.count == 0; i++)
        rc = read_entries(s, folders[i], &bls);
    if (rc == 0 && fs_read_file(s->fs, p->env, MAX_CONFIG, &env, &n) < 0)
        env = NULL;
    if (rc == 0)
        rc = menu_read_grub(&s->menu, text, env, &bls);
    free(env);
    bls_free(&bls);
    return rc;
}

/* 1: the menu is read. 0: it is not there. */
static int read_place(struct search *s, const struct place *p)
{
    char *text;
    size_t n;
    int rc = fs_read_file(s->fs, p->path, MAX_CONFIG, &text, &n);

    if (rc == -ENOMEM)
        return fail(s, rc, "out of memory");
    if (rc == -EFBIG)
        return fail(s, rc, "%s is longer than a megabyte", p->path);
    if (rc < 0)
        return 0;
    rc = p->dir == NULL ? read_grub(s, p, text) : menu_read_extlinux(&s->menu, text, p->dir);
    free(text);
    s->config = p->path;
    return rc < 0 ? fail(s, rc, "out of memory while %s was read", p->path) : 1;
}

/* systemd-boot's, whose entries need no other file. */
static int read_loader(struct search *s)
{
    struct bls bls = {.count = 0};
    char *text = NULL;
    size_t n;
    int rc = read_entries(s, "/loader/entries", &bls);

    if (rc == 0 && bls.count > 0) {
        if (fs_read_file(s->fs, "/loader/loader.conf", MAX_CONFIG, &text, &n) < 0)
            text = NULL;
        rc = menu_read_loader(&s->menu, text, &bls);
        s->config = "/loader/entries";
        rc = rc < 0 ? fail(s, rc, "out of memory while %s was read", s->config) : 1;
        free(text);
    }
    bls_free(&bls);
    return rc;
}

/* 1: it has a menu, which is read. 0: none. */
static int read_menu(struct search *s)
{
    int rc = 0;

    for (size_t i = 0; i < NR_PLACES && rc == 0; i++)
        rc = read_place(s, &places[i]);
    return rc == 0 ? read_loader(s) : rc;
}

static int probe_sink(void *opaque, const void *data, size_t n)
{
    (void)opaque, (void)data, (void)n;
    return -EEXIST; /* there is something: enough */
}

/* 1: this is the file system to boot from. */
static int is_wanted(struct search *s)
{
    if (s->r->kernel == NULL)
        return read_menu(s);
    return fs_copy(s->fs, s->r->kernel, BOOT_MAX_KERNEL, probe_sink, NULL) == -EEXIST;
}

static int try_partition(struct search *s, const struct partition *p)
{
    const char *why;
    int rc = fs_open(s->disk, p, &s->fs, &why);
    char name[40] = "the disk as a whole";

    if (p->number != 0)
        snprintf(name, sizeof(name), "partition %u", p->number);
    if (rc == -ENOMEM)
        return fail(s, rc, "out of memory");
    if (rc < 0) {
        add(s, "; %s: %s", name, why);
        return 0;
    }
    rc = is_wanted(s);
    if (rc == 0)
        add(s, "; %s: not there", name);
    if (rc <= 0) {
        fs_close(s->fs);
        s->fs = NULL;
    }
    return rc;
}

/* ---- the disk ---- */

static int try_all(struct search *s, const struct partition *parts, unsigned int n, bool active)
{
    int rc = 0;

    for (unsigned int i = 0; i < n && rc == 0; i++)
        if (parts[i].active == active)
            rc = try_partition(s, &parts[i]);
    return rc;
}

static int find_fs(struct search *s)
{
    struct partition *parts = calloc(MAX_PARTITIONS, sizeof(*parts));
    struct partition whole = {0, s->r->offset, s->disk->size - s->r->offset, false};
    const char *kind = "no";
    unsigned int n;
    int rc;

    if (parts == NULL)
        return fail(s, -ENOMEM, "out of memory");
    fail(s, 0, "looked for %s",
         s->r->kernel != NULL ? s->r->kernel
                              : "a grub.cfg, extlinux.conf or loader/entries in /boot or /");
    n = s->r->offset != 0 ? 0 : disk_partitions(s->disk, parts, &kind);
    if (n == 0) {
        rc = try_partition(s, &whole);
    } else {
        add(s, " on a disk with a table of partitions (%s)", kind);
        rc = try_all(s, parts, n, true);
        if (rc == 0)
            rc = try_all(s, parts, n, false);
        /* A file system that has the whole disk may look as if it had a table. */
        if (rc == 0)
            rc = try_partition(s, &whole);
    }
    free(parts);
    return rc == 0 ? -ENOENT : rc;
}

/* ---- what comes out ---- */

static int put_args(struct search *s, const char *own)
{
    char text[BOOT_MAX_ARGS];
    const char *more = s->r->args;
    bool both = own[0] != '\0' && more != NULL && more[0] != '\0';
    int n = snprintf(text, sizeof(text), "%s%s%s", own, both ? " " : "", more == NULL ? "" : more);

    if (n >= (int)sizeof(text))
        return fail(s, -EINVAL, "the kernel's command line is longer than %d bytes", BOOT_MAX_ARGS);
    return s->out->put(s->out, BOOT_ARGS, text, (size_t)n);
}

__attribute__((format(printf, 2, 3))) static int put_line(struct search *s, const char *text, ...)
{
    char line[256];
    va_list args;
    int n;

    va_start(args, text);
    n = vsnprintf(line, sizeof(line) - 1, text, args);
    va_end(args);
    if (n > (int)sizeof(line) - 2)
        n = (int)sizeof(line) - 2;
    /* A title may have line ends of its own. */
    for (int i = 0; i < n; i++)
        if (line[i] == '\n')
            line[i] = ' ';
    line[n++] = '\n';
    return s->out->put(s->out, BOOT_LIST, line, (size_t)n);
}

/* Titles are cut, so that MENU_MAX_ITEMS of them are less than BOOT_MAX_LIST. */
static int put_list(struct search *s)
{
    unsigned int nth = 0;
    int rc = 0;

    for (unsigned int i = 0; i < s->menu.count && rc == 0; i++) {
        const struct menu_item *item = s->menu.items[i];
        const char *title = item->title != NULL ? item->title : "(no title)";

        if (item->kernel == NULL)
            continue;
        if (s->r->menu)
            rc = put_line(s, "entry %.200s", title);
        else
            rc = put_line(s, "%u: %.200s", nth++, title);
    }
    return rc;
}

/* Nothing where there is nothing to choose: the start itself will say so. */
static int put_menu(struct search *s)
{
    const struct menu_item *i = menu_choose(&s->menu, NULL);
    int rc = 0;

    if (i == NULL)
        return 0;
    rc = put_line(s, "default %u", menu_number(&s->menu, i));
    if (rc == 0 && s->menu.timeout != MENU_NO_TIMEOUT)
        rc = put_line(s, "timeout %d", s->menu.timeout);
    return rc == 0 ? put_list(s) : rc;
}

struct part_sink {
    struct boot_output *out;
    enum boot_part part;
    uint64_t written;
};

static int part_put(void *opaque, const void *data, size_t n)
{
    struct part_sink *p = opaque;

    p->written += n;
    return p->out->put(p->out, p->part, data, n);
}

static int put_file(struct search *s, enum boot_part part, const char *path, struct part_sink *sink)
{
    uint64_t max = part == BOOT_KERNEL ? BOOT_MAX_KERNEL : BOOT_MAX_RAMDISK;
    const char *what = part == BOOT_KERNEL ? "kernel" : "ramdisk";
    uint64_t before = sink->written;
    int rc;

    sink->out = s->out;
    sink->part = part;
    rc = before > max ? -EFBIG : fs_copy(s->fs, path, max - before, part_put, sink);
    if (rc == 0 && sink->written == before)
        return fail(s, -EINVAL, "the %s %.200s is empty", what, path);
    if (rc == -ENOENT)
        return fail(s, rc, "the %s %.200s, which %s names, is not there", what, path,
                    s->config == NULL ? "the configuration" : s->config);
    if (rc == -EFBIG)
        return fail(s, rc, "the %s %.200s is bigger than %llu MiB", what, path,
                    (unsigned long long)(max >> 20));
    if (rc < 0)
        return fail(s, rc, "the %s %.200s cannot be read: %s", what, path, strerror(-rc));
    return 0;
}

/* Several ramdisks are one, each beginning at a multiple of four: so Linux unpacks them. */
static int put_ramdisks(struct search *s, const struct menu_item *i)
{
    static const char zeros[3];
    struct part_sink sink = {0};
    int rc = 0;

    for (unsigned int n = 0; n < i->nr_initrds && rc == 0; n++) {
        if (sink.written % 4 != 0)
            rc = part_put(&sink, zeros, 4 - sink.written % 4);
        if (rc == 0)
            rc = put_file(s, BOOT_RAMDISK, i->initrds[n], &sink);
    }
    return rc;
}

static int put_item(struct search *s, const struct menu_item *i)
{
    struct part_sink sink = {0};
    int rc = put_args(s, i->args == NULL ? "" : i->args);

    if (rc == 0)
        rc = put_file(s, BOOT_KERNEL, i->kernel, &sink);
    return rc == 0 ? put_ramdisks(s, i) : rc;
}

static int put_named(struct search *s)
{
    struct part_sink kernel = {0}, ramdisk = {0};
    int rc = put_args(s, "");

    if (rc == 0)
        rc = put_file(s, BOOT_KERNEL, s->r->kernel, &kernel);
    if (rc == 0 && s->r->ramdisk != NULL)
        rc = put_file(s, BOOT_RAMDISK, s->r->ramdisk, &ramdisk);
    return rc;
}

static int put_chosen(struct search *s)
{
    const struct menu_item *i = menu_choose(&s->menu, s->r->entry);

    if (i != NULL)
        return put_item(s, i);
    if (s->r->entry != NULL)
        return fail(s, -ENOENT, "%s has no entry \"%.100s\" with a kernel", s->config, s->r->entry);
    return fail(s, -ENOENT, "%s has no entry with a kernel", s->config);
}

static int put_wanted(struct search *s)
{
    if (s->r->menu)
        return put_menu(s);
    if (s->r->list)
        return put_list(s);
    return s->r->kernel != NULL ? put_named(s) : put_chosen(s);
}

int boot_find(struct disk *d, const struct boot_request *r, struct boot_output *out, char *why,
              size_t size)
{
    struct search s = {.disk = d, .r = r, .out = out, .why = why, .size = size};
    int rc;

    if (r->offset >= d->size)
        return fail(&s, -EINVAL, "the disk ends before the offset %llu",
                    (unsigned long long)r->offset);
    rc = find_fs(&s);
    if (rc > 0)
        rc = put_wanted(&s);
    fs_close(s.fs);
    menu_free(&s.menu);
    return rc;
}
