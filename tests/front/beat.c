/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who must not notice what others do: writes and reads its disk for ever and prints
 *
 *   beat N       every half a second in which all was as it should be
 *   not ok ...   when something was not
 */
#include "drivers/block.h"
#include "kit/console.h"
#include "kit/events.h"
#include "kit/grants.h"
#include "kit/memory.h"
#include "kit/start.h"
#include "kit/string.h"
#include "kit/time.h"

#define BEAT 500000000ull

static char page[PAGE_SIZE] __attribute__((aligned(4096)));

static bool round_trip(struct block_device *disk, uint64_t n)
{
    uint64_t sector = n * 8 % 4096, *words = (uint64_t *)page;

    for (unsigned int i = 0; i < PAGE_SIZE / 8; i++) {
        words[i] = n * 0x9e3779b97f4a7c15ull + i;
    }
    if (block_do(disk, BLKIF_OP_WRITE, sector, page, PAGE_SIZE) != 0) {
        return false;
    }
    memset(page, 0, PAGE_SIZE);
    if (block_do(disk, BLKIF_OP_READ, sector, page, PAGE_SIZE) != 0) {
        return false;
    }
    for (unsigned int i = 0; i < PAGE_SIZE / 8; i++) {
        if (words[i] != n * 0x9e3779b97f4a7c15ull + i) {
            return false;
        }
    }
    return true;
}

void guest_main(void)
{
    static struct block_device disk;
    uint64_t beats = 0, next;

    grants_init();
    store_init();
    long rc = block_open(&disk, (unsigned long)front_find("vbd", 0),
                         &(struct block_options){.queues = 1});
    if (rc != 0) {
        kprintf("not ok open: %ld\n", rc);
        kit_shutdown(SHUTDOWN_poweroff);
    }
    next = time_now() + BEAT;
    for (uint64_t n = 0;; n++) {
        if (!round_trip(&disk, n)) {
            kprintf("not ok round %lu\n", (unsigned long)n);
        }
        if (time_now() >= next) {
            kprintf("beat %lu\n", (unsigned long)++beats);
            next = time_now() + BEAT;
        }
        event_wait(NULL, 0, time_now() + BEAT / 4);
    }
}
