/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest with a disk: connects in every way that the backend offers and reads back what it wrote. The disk must be
 * writable, of 4 MiB or more, and its contents do not matter.
 *
 *   vbd=ID       the device [the first]
 *   ro           it is read-only: writing must fail
 */
#include "tests/guest/test.h"
#include "drivers/block.h"
#include "kit/grants.h"
#include "kit/time.h"

#define BUFFER_PAGES (2 * BLOCK_MAX_PAGES)

static struct block_device disk;
static char buffer[BUFFER_PAGES * PAGE_SIZE] __attribute__((aligned(4096)));

static unsigned long device_id(void)
{
    const char *text;
    unsigned long id = 0;

    grants_init();
    store_init();
    if (!kit_option("vbd", &text)) {
        return (unsigned long)front_find("vbd", 0);
    }
    for (; *text >= '0' && *text <= '9'; text++) {
        id = id * 10 + (unsigned long)(*text - '0');
    }
    return id;
}

/* Every sector says who it is, in this round. */
static void fill(uint64_t sector, unsigned long bytes, uint64_t round)
{
    uint64_t *words = (uint64_t *)buffer;

    for (unsigned long i = 0; i < bytes / 8; i++) {
        words[i] = (sector + i / 64) * 0x9e3779b97f4a7c15ull + i % 64 + round;
    }
}

static bool filled(uint64_t sector, unsigned long bytes, uint64_t round)
{
    const uint64_t *words = (const uint64_t *)buffer;

    for (unsigned long i = 0; i < bytes / 8; i++) {
        if (words[i] != (sector + i / 64) * 0x9e3779b97f4a7c15ull + i % 64 + round) {
            return false;
        }
    }
    return true;
}

static void write_and_read(const struct block_options *options, uint64_t round)
{
    static const unsigned long lengths[] = {512,       1024,      4096,      4608,
                                            11 * 4096, 12 * 4096, 32 * 4096, 32 * 4096 + 3584};
    uint64_t sector = 8;

    CHECK_EQ(block_open(&disk, device_id(), options), 0);
    CHECK(disk.sectors >= 8192);
    for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        fill(sector, lengths[i], round);
        CHECK_EQ(block_do(&disk, BLKIF_OP_WRITE, sector, buffer, lengths[i]), 0);
        memset(buffer, 0, lengths[i]);
        CHECK_EQ(block_do(&disk, BLKIF_OP_READ, sector, buffer, lengths[i]), 0);
        CHECK(filled(sector, lengths[i], round));
        sector += lengths[i] / 512 + i;
    }
    block_close(&disk);
}

TEST(plain)
{
    if (kit_option("ro", NULL)) {
        SKIP("a read-only disk");
    }
    write_and_read(&(struct block_options){.queues = 1, .no_indirect = true}, 1);
}

TEST(indirect)
{
    if (kit_option("ro", NULL)) {
        SKIP("a read-only disk");
    }
    write_and_read(&(struct block_options){.queues = 1}, 2);
}

TEST(persistent)
{
    if (kit_option("ro", NULL)) {
        SKIP("a read-only disk");
    }
    write_and_read(&(struct block_options){.queues = 1, .persistent = true}, 3);
}

TEST(big_ring_and_queues)
{
    if (kit_option("ro", NULL)) {
        SKIP("a read-only disk");
    }
    write_and_read(&(struct block_options){.queues = 4, .ring_order = 2, .persistent = true}, 4);
}

/* As many requests as the rings take, on all queues at once. */
TEST(many_at_once)
{
    unsigned int sent = 0, done = 0;
    void *cookie;
    long status;

    CHECK_EQ(block_open(&disk, device_id(), &(struct block_options){.queues = 4, .ring_order = 2}),
             0);
    for (unsigned int q = 0; q < disk.nr_queues; q++) {
        while (block_submit(&disk, q, BLKIF_OP_READ, sent % 64 * 8,
                            buffer + sent % BUFFER_PAGES * PAGE_SIZE, PAGE_SIZE,
                            buffer + sent) == 0) {
            sent++;
        }
        block_kick(&disk, q);
    }
    CHECK(sent >= 32);
    for (unsigned int q = 0; q < disk.nr_queues; q++) {
        while (disk.queue[q].in_flight != 0) {
            CHECK(block_wait(&disk, q, time_now() + FRONT_WAIT));
            while (block_complete(&disk, q, &cookie, &status)) {
                CHECK_EQ(status, 0);
                done++;
            }
        }
    }
    CHECK_EQ(done, sent);
    kprintf("# %u requests on %u queues of %u\n", sent, disk.nr_queues,
            RING_SIZE(&disk.queue[0].ring));
    block_close(&disk);
}

TEST(flush_and_discard)
{
    CHECK_EQ(block_open(&disk, device_id(), &(struct block_options){.queues = 1}), 0);
    if (disk.flush && !(disk.info & VDISK_READONLY)) {
        CHECK_EQ(block_do(&disk, BLKIF_OP_FLUSH_DISKCACHE, 0, buffer, 0), 0);
    }
    if (disk.discard && !(disk.info & VDISK_READONLY)) {
        CHECK_EQ(block_do(&disk, BLKIF_OP_DISCARD, 4096, buffer, 1 << 20), 0);
    }
    kprintf("# flush %d, discard %d, read-only %d\n", disk.flush, disk.discard,
            !!(disk.info & VDISK_READONLY));
    block_close(&disk);
}

TEST(beyond_the_end)
{
    CHECK_EQ(block_open(&disk, device_id(), &(struct block_options){.queues = 1}), 0);
    CHECK_EQ(block_do(&disk, BLKIF_OP_READ, disk.sectors, buffer, 512), -XEN_EIO);
    CHECK_EQ(block_do(&disk, BLKIF_OP_READ, disk.sectors - 1, buffer, 1024), -XEN_EIO);
    CHECK_EQ(block_do(&disk, BLKIF_OP_READ, ~0ull - 1, buffer, 4096), -XEN_EIO);
    CHECK_EQ(block_do(&disk, BLKIF_OP_READ, disk.sectors - 1, buffer, 512), 0);
    block_close(&disk);
}

TEST(read_only)
{
    if (!kit_option("ro", NULL)) {
        SKIP("a writable disk");
    }
    CHECK_EQ(block_open(&disk, device_id(), &(struct block_options){.queues = 1}), 0);
    CHECK(disk.info & VDISK_READONLY);
    CHECK(block_do(&disk, BLKIF_OP_WRITE, 0, buffer, 512) < 0);
    CHECK_EQ(block_do(&disk, BLKIF_OP_READ, 0, buffer, 512), 0);
    block_close(&disk);
}

TEST(mark)
{
    if (kit_option("ro", NULL)) {
        SKIP("a read-only disk");
    }
    CHECK_EQ(block_open(&disk, device_id(), &(struct block_options){.queues = 1}), 0);
    memset(buffer, 0, PAGE_SIZE);
    ksnprintf(buffer, PAGE_SIZE, "written by the guest\n");
    CHECK_EQ(block_do(&disk, BLKIF_OP_WRITE, 0, buffer, PAGE_SIZE), 0);
    if (disk.flush) {
        CHECK_EQ(block_do(&disk, BLKIF_OP_FLUSH_DISKCACHE, 0, buffer, 0), 0);
    }
    block_close(&disk);
}
