/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine-to-phys table: where its frames are, that tools can map them to read (what saving a
 * domain needs), and that nobody can map them to write: the hypervisor believes what it says about
 * no frame, but guests believe it.
 */
#include "test.h"

#define WINDOW 0x0000200000000000UL
#define CHUNKS 64
#define CHUNK  (2UL << 20)

static xen_pfn_t chunks[CHUNKS];

/* Map a frame of DOMID_XEN at WINDOW. */
static long map_xen(unsigned long mfn, uint64_t flags, domid_t owner)
{
    struct mmu_update u = {.ptr = virt_to_maddr(pt_entry(l4_kernel(), WINDOW, 1)),
                           .val = (uint64_t)mfn << 12 | flags};

    return hv_mmu_update(&u, 1, NULL, owner);
}

static long get_list(unsigned int room, unsigned int *n)
{
    struct xen_machphys_mfn_list list = {.max_extents = room};

    list.extent_start.p = chunks;
    long rc = hv_memory_op(XENMEM_machphys_mfn_list, &list);
    *n = list.nr_extents;
    return rc;
}

TEST(m2p_list)
{
    unsigned long max = (unsigned long)hv_memory_op(XENMEM_maximum_ram_page, NULL);
    unsigned int n;

    CHECK_EQ(get_list(CHUNKS, &n), 0);
    CHECK_EQ(n, (max * 8 + CHUNK - 1) / CHUNK);
    CHECK_EQ(get_list(1, &n), 0);
    CHECK_EQ(n, 1);
    CHECK_EQ(get_list(0, &n), 0);
    CHECK_EQ(n, 0);
}

TEST(m2p_readable)
{
    unsigned int n;
    unsigned long mfn = pfn_to_mfn(0);

    CHECK_EQ(get_list(CHUNKS, &n), 0);
    CHECK_EQ(map_page(l4_kernel(), WINDOW, 0), 0);
    unsigned long frame = chunks[mfn / (CHUNK / 8)] + mfn % (CHUNK / 8) / 512;
    CHECK_EQ(map_xen(frame, PTE_P | PTE_US, DOMID_XEN), 0);
    CHECK_EQ(((volatile uint64_t *)WINDOW)[mfn % 512], 0);
    CHECK_EQ(map_xen(0, 0, DOMID_XEN), 0);
}

TEST(m2p_not_writable)
{
    unsigned int n;

    CHECK_EQ(get_list(CHUNKS, &n), 0);
    CHECK_EQ(map_page(l4_kernel(), WINDOW, 0), 0);
    for (unsigned int i = 0; i < 512; i += 73) {
        CHECK(map_xen(chunks[0] + i, PTE_KERNEL, DOMID_XEN) < 0);
        CHECK(map_xen(chunks[0] + i, PTE_KERNEL, DOMID_SELF) < 0);
        CHECK(map_xen(chunks[0] + i, PTE_P | PTE_US, DOMID_SELF) < 0);
    }
    /* Nor given away, nor made a table. */
    struct xen_memory_reservation op = {.nr_extents = 1, .domid = DOMID_SELF};
    op.extent_start.p = chunks;
    CHECK_EQ(hv_memory_op(XENMEM_decrease_reservation, &op), 0);
    struct mmuext_op pin = {.cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = chunks[0]};
    CHECK(hv_mmuext_op(&pin, 1, NULL, DOMID_SELF) < 0);
    CHECK(hv_mmuext_op(&pin, 1, NULL, DOMID_XEN) < 0);
}
