/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzer of what the boot loader reads of a guest's: menus, tables of partitions, and a file system (made by
 * tests/fuzz/make-corpus, beside the seeds) with bytes changed.
 *
 *   input:  'G' a grub.cfg, a NUL, a grubenv; 'X' an extlinux.conf; 'T' the first sectors of a disk;
 *           'F' changes of the file system: 3 bytes where, 1 how many, the bytes
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "dom0-toolstack/bootloader/disk.h"
#include "dom0-toolstack/bootloader/find.h"
#include "dom0-toolstack/bootloader/menu.h"
#include "tests/fuzz/fuzz.h"

#define DISK (2u << 20)

int LLVMFuzzerInitialize(int *argc, char ***argv);

static uint8_t base[DISK], disk[DISK];

/* BUILD/fuzz/bootloader_fuzz has its file system in BUILD/fuzz/bootloader.seeds.base. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *self = (*argv)[0];
    size_t n = strlen(self);
    char path[4096];
    int fd;

    (void)argc;
    snprintf(path, sizeof(path), "%.*s.seeds.base", (int)(n > 5 ? n - 5 : 0), self);
    fd = open(path, O_RDONLY);
    if (fd < 0 || read(fd, base, sizeof(base)) <= 0) {
        fprintf(stderr, "there is no %s: run tests/fuzz/make-corpus\n", path);
        exit(1);
    }
    close(fd);
    return 0;
}

static int disk_bytes(struct disk *d, uint64_t offset, void *to, size_t n)
{
    FUZZ_CHECK(offset <= d->size && n <= d->size - offset);
    memcpy(to, disk + offset, n);
    return 0;
}

/* Parts come in their order, and within their bounds. */
struct sums {
    enum boot_part last;
    uint64_t bytes;
    bool menu;
};

static int put(struct boot_output *o, enum boot_part part, const void *data, size_t n)
{
    struct sums *s = o->opaque;

    FUZZ_CHECK(part >= s->last && part < BOOT_PARTS && data);
    s->bytes = part == s->last ? s->bytes + n : n;
    s->last = part;
    FUZZ_CHECK(part != BOOT_ARGS || s->bytes < BOOT_MAX_ARGS);
    FUZZ_CHECK(part != BOOT_LIST || s->bytes <= BOOT_MAX_LIST);
    s->menu |= part == BOOT_LIST;
    /* A file may have holes beyond all that is on the disk. */
    return s->bytes > 4u * DISK ? -EFBIG : 0;
}

static void boot(void)
{
    struct disk d = {.size = DISK, .read = disk_bytes};
    struct sums sums = {0}, menu;
    struct boot_output o = {.put = put, .opaque = &sums};
    struct boot_request r = {.args = "more"};
    char why[512] = "";

    if (boot_find(&d, &r, &o, why, sizeof(why)) < 0)
        FUZZ_CHECK(strlen(why) > 0 || sums.bytes > 0);
    /* What boots has a menu, unless it comes to no end. */
    menu = (struct sums){0};
    o.opaque = &menu;
    r.menu = true;
    FUZZ_CHECK(boot_find(&d, &r, &o, why, sizeof(why)) < 0 || menu.menu || sums.bytes == 0);
    FUZZ_CHECK(menu.bytes == 0 || menu.menu);
}

static void check_menu(struct menu *m)
{
    const struct menu_item *i;

    FUZZ_CHECK(m->count <= MENU_MAX_ITEMS);
    for (unsigned int n = 0; n < m->count; n++)
        FUZZ_CHECK(m->items[n]->parent < (int)n && m->items[n]->nr_initrds <= MENU_MAX_INITRDS);
    FUZZ_CHECK(m->timeout >= MENU_NO_TIMEOUT && m->timeout <= MENU_MAX_TIMEOUT);
    i = menu_choose(m, NULL);
    FUZZ_CHECK(!i || (i->kernel && menu_number(m, i) < m->count));
    i = menu_choose(m, "1");
    FUZZ_CHECK(!i || i->kernel);
    menu_free(m);
}

static void grub(const char *text, size_t n)
{
    struct menu m;
    size_t first = strlen(text);

    FUZZ_CHECK(menu_read_grub(&m, text, first < n ? text + first + 1 : NULL) == 0);
    check_menu(&m);
}

static void extlinux(const char *text)
{
    struct menu m;

    FUZZ_CHECK(menu_read_extlinux(&m, text, "/boot") == 0);
    check_menu(&m);
}

static void table(const uint8_t *data, size_t n)
{
    static struct partition parts[MAX_PARTITIONS];
    struct disk d = {.size = DISK, .read = disk_bytes};
    const char *kind;
    unsigned int count;

    memset(disk, 0, sizeof(disk));
    memcpy(disk, data, n < DISK ? n : DISK);
    count = disk_partitions(&d, parts, &kind);
    FUZZ_CHECK(count <= MAX_PARTITIONS);
    for (unsigned int i = 0; i < count; i++)
        FUZZ_CHECK(parts[i].start < DISK && parts[i].size <= DISK - parts[i].start);
    boot();
}

static void file_system(struct input *in)
{
    memcpy(disk, base, sizeof(disk));
    while (in_left(in) > 0) {
        uint32_t at = (uint32_t)in_uint(in, 3) % DISK;
        uint8_t n = in_u8(in);

        for (uint32_t i = 0; i < n && at + i < DISK && in_left(in) > 0; i++)
            disk[at + i] = in_u8(in);
    }
    boot();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data + 1, data + size};
    char *text;

    if (size == 0)
        return 0;
    text = malloc(size);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (*data) {
    case 'G': grub(text, size - 1); break;
    case 'X': extlinux(text); break;
    case 'T': table(data + 1, size - 1); break;
    case 'F': file_system(&in); break;
    default: break;
    }
    free(text);
    return 0;
}
