/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzer of what the boot loader reads of a guest's: menus, tables of partitions, and file systems (made by
 * tests/fuzz/make-corpus, beside the seeds) with bytes changed.
 *
 *   input:  'G' a grub.cfg, a NUL, a grubenv; 'X' an extlinux.conf; 'B' an entry's name, a NUL, its file, a NUL, and so
 *           on, a loader.conf last; 'T' the first sectors of a disk;
 *           'F' (ext4), 'S' (XFS), 'M' (FAT), 'I' (ISO 9660) changes of the file system: 3 bytes where, 1 how many, the
 *           bytes
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dom0-toolstack/bootloader/bls.h"
#include "dom0-toolstack/bootloader/disk.h"
#include "dom0-toolstack/bootloader/find.h"
#include "dom0-toolstack/bootloader/fs.h"
#include "dom0-toolstack/bootloader/menu.h"
#include "tests/fuzz/fuzz.h"

#define TABLE       (2u << 20)
#define MAX_BYTES   (8u << 20)
#define MAX_CHANGES 4096

int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct base {
    char letter;
    const char *name;
    uint8_t *bytes;
    size_t size;
} bases[] = {
    {'F', "ext4", NULL, 0}, {'S', "xfs", NULL, 0}, {'M', "fat", NULL, 0}, {'I', "iso", NULL, 0}};

#define NR_BASES (sizeof(bases) / sizeof(bases[0]))

static void load(struct base *b, const char *self)
{
    size_t n = strlen(self);
    char path[4096];
    struct stat st;
    int fd;

    snprintf(path, sizeof(path), "%.*s.seeds.base.%s", (int)(n > 5 ? n - 5 : 0), self, b->name);
    fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st) < 0 || st.st_size == 0) {
        fprintf(stderr, "there is no %s: run tests/fuzz/make-corpus\n", path);
        exit(1);
    }
    b->size = (size_t)st.st_size;
    b->bytes = mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    FUZZ_CHECK(b->bytes != MAP_FAILED);
    close(fd);
}

/* BUILD/fuzz/bootloader_fuzz has its file systems in BUILD/fuzz/bootloader.seeds.base.KIND. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    fs_prepare();
    for (size_t i = 0; i < NR_BASES; i++)
        load(&bases[i], (*argv)[0]);
    return 0;
}

static int disk_bytes(struct disk *d, uint64_t offset, void *to, size_t n)
{
    FUZZ_CHECK(offset <= d->size && n <= d->size - offset);
    memcpy(to, (uint8_t *)d->opaque + offset, n);
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
    return s->bytes > MAX_BYTES ? -EFBIG : 0;
}

static void boot(uint8_t *disk, size_t size)
{
    struct disk d = {.size = size, .read = disk_bytes, .opaque = disk};
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

    FUZZ_CHECK(menu_read_grub(&m, text, first < n ? text + first + 1 : NULL, NULL) == 0);
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
    static uint8_t disk[TABLE];
    struct disk d = {.size = TABLE, .read = disk_bytes, .opaque = disk};
    const char *kind;
    unsigned int count;

    memset(disk, 0, sizeof(disk));
    memcpy(disk, data, n < TABLE ? n : TABLE);
    count = disk_partitions(&d, parts, &kind);
    FUZZ_CHECK(count <= MAX_PARTITIONS);
    for (unsigned int i = 0; i < count; i++)
        FUZZ_CHECK(parts[i].start < TABLE && parts[i].size <= TABLE - parts[i].start);
    boot(disk, TABLE);
}

/* The file system is changed where it is, and put right again. */
static void file_system(struct base *b, struct input *in)
{
    static struct {
        uint32_t at;
        uint8_t was;
    } undo[MAX_CHANGES];
    unsigned int done = 0;

    while (in_left(in) > 0 && done < MAX_CHANGES) {
        uint32_t at = (uint32_t)(in_uint(in, 3) % b->size);
        uint8_t n = in_u8(in);

        for (uint32_t i = 0; i < n && at + i < b->size && in_left(in) > 0 && done < MAX_CHANGES;
             i++) {
            undo[done].at = at + i;
            undo[done++].was = b->bytes[at + i];
            b->bytes[at + i] = in_u8(in);
        }
    }
    boot(b->bytes, b->size);
    while (done-- > 0)
        b->bytes[undo[done].at] = undo[done].was;
}

static const char *no_value(void *opaque, const char *name, size_t n)
{
    (void)opaque;
    FUZZ_CHECK(n > 0 && strnlen(name, n) == n);
    return "value";
}

/* Texts with a NUL behind each. */
static void entries(const char *text, size_t size)
{
    static struct bls b;
    const char *end = text + size, *name;
    struct menu m;

    for (name = text; name < end; name = text) {
        text += strlen(name) + 1;
        if (text >= end)
            break;
        FUZZ_CHECK(bls_add(&b, name, strdup(text)) == 0);
        text += strlen(text) + 1;
    }
    bls_sort(&b);
    FUZZ_CHECK(menu_read_loader(&m, name < end ? name : NULL, &b) == 0);
    check_menu(&m);
    FUZZ_CHECK(menu_read_grub(&m, "set default=1; blscfg", NULL, &b) == 0);
    check_menu(&m);
    menu_init(&m);
    bls_put(&b, &m, -1, no_value, NULL);
    check_menu(&m);
    bls_free(&b);
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
    case 'B': entries(text, size); break;
    default:
        for (size_t i = 0; i < NR_BASES; i++)
            if (bases[i].letter == *data)
                file_system(&bases[i], &in);
    }
    free(text);
    return 0;
}
