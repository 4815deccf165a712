/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that keeps all its disks at work, for tests of what happens to it: writes and reads back, rests for some
 * milliseconds (so that it does not take all that an emulated CPU has), prints `# round N` every second, and does not let
 * go when it is asked to. When its node data/crash appears it crashes, with requests under way.
 */
#include "drivers/block.h"
#include "hypercalls/abi/sched.h"
#include "kit/console.h"
#include "kit/events.h"
#include "kit/grants.h"
#include "kit/memory.h"
#include "kit/start.h"
#include "kit/string.h"
#include "kit/time.h"

#define MAX_DISKS    4
#define BUFFER_PAGES 4
#define SECOND       1000000000ull
#define REST         (SECOND / 50)

static struct block_device disks[MAX_DISKS];
static char buffer[MAX_DISKS][BUFFER_PAGES * PAGE_SIZE] __attribute__((aligned(4096)));

static unsigned int open_all(void)
{
    unsigned int n = 0;
    long id;

    grants_init();
    store_init();
    while (n < MAX_DISKS && (id = front_find("vbd", n)) >= 0) {
        long rc =
            block_open(&disks[n], (unsigned long)id, &(struct block_options){.persistent = true});

        if (rc != 0) {
            kit_panic("disk %u does not open: %ld", n, rc);
        }
        n++;
    }
    return n;
}

static void write_and_read(unsigned int n, uint64_t round)
{
    uint64_t *words = (uint64_t *)buffer[n];
    uint64_t sector = round % 64 * BUFFER_PAGES * 8;

    for (unsigned int i = 0; i < sizeof(buffer[n]) / 8; i++) {
        words[i] = round * 0x9e3779b97f4a7c15ull + i;
    }
    if (block_do(&disks[n], BLKIF_OP_WRITE, sector, buffer[n], sizeof(buffer[n])) != 0) {
        kit_panic("disk %u does not write", n);
    }
    memset(buffer[n], 0, sizeof(buffer[n]));
    if (block_do(&disks[n], BLKIF_OP_READ, sector, buffer[n], sizeof(buffer[n])) != 0) {
        kit_panic("disk %u does not read", n);
    }
    for (unsigned int i = 0; i < sizeof(buffer[n]) / 8; i++) {
        if (words[i] != round * 0x9e3779b97f4a7c15ull + i) {
            kit_panic("disk %u holds something else", n);
        }
    }
}

static void crash(unsigned int count)
{
    for (unsigned int n = 0; n < count; n++) {
        while (block_submit(&disks[n], 0, BLKIF_OP_READ, 0, buffer[n], PAGE_SIZE, NULL) == 0) {
        }
        block_kick(&disks[n], 0);
    }
    kit_shutdown(SHUTDOWN_crash);
}

void guest_main(void)
{
    unsigned int count = open_all();
    uint64_t round = 0, next = 0;
    char value[8];

    kprintf("# %u disks are connected\n", count);
    for (;;) {
        for (unsigned int n = 0; n < count; n++) {
            write_and_read(n, round);
        }
        round++;
        if (time_now() >= next) {
            kprintf("# round %lu\n", round);
            next = time_now() + SECOND;
            if (store_read(0, "data/crash", value, sizeof(value)) >= 0) {
                crash(count);
            }
        }
        event_wait(NULL, 0, time_now() + (count == 0 ? SECOND / 10 : REST));
    }
}
