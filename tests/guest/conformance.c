/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame of the ABI conformance table; see conformance.h. */
#include "conformance.h"

/* Two pages of which the second is not mapped, and one that is read only. */
#define TAIL_WINDOW 0x0000240000000000UL

static const char *family = "";

void conform_family(const char *name)
{
    family = name;
}

static const char *error_name(long value)
{
#define NAME(name, number) \
    case -(number): return "-" #name;
    switch (value) {
        XEN_ERRNO_LIST(NAME)
    default: return NULL;
    }
#undef NAME
}

static void put(const char *word, const char *key, const char *variant, long value)
{
    const char *name = error_name(value);
    const char *slash = variant != NULL ? "/" : "";

    variant = variant != NULL ? variant : "";
    if (name != NULL) {
        kprintf("%s %s/%s%s%s %s\n", word, family, key, slash, variant, name);
    } else {
        kprintf("%s %s/%s%s%s %ld\n", word, family, key, slash, variant, value);
    }
}

void conform_row(const char *key, const char *variant, long want, long got)
{
    put("answer", key, variant, got);
    if (got != want) {
        put("unexpected", key, variant, want);
    }
}

void conform_status(const char *key, long want, long got)
{
    kprintf("answer %s/%s GNTST(%ld)\n", family, key, got);
    if (got != want) {
        kprintf("unexpected %s/%s GNTST(%ld)\n", family, key, want);
    }
}

const char *const conform_pointer_name[CONFORM_POINTERS] = {
    "null", "unmapped", "non-canonical", "hypervisor", "top", "crossing"};

void *conform_pointer(unsigned int kind)
{
    switch (kind) {
    case 0: return NULL;
    case 1: return (void *)NO_ADDRESS;
    case 2: return (void *)0x0000900000000000UL;
    case 3: return (void *)0xffff830000001000UL;
    case 4: return (void *)(~0UL - 1);
    default: return conform_tail("", 1);
    }
}

void *conform_readonly(const void *object, size_t size)
{
    static void *page;

    if (page == NULL) {
        page = page_alloc();
    } else {
        page_set_writable(page);
    }
    memset(page, 0, PAGE_SIZE);
    memcpy(page, object, size);
    page_set_readonly(page);
    return page;
}

void *conform_tail(const void *object, size_t size)
{
    static char *page;

    if (page == NULL) {
        page = page_alloc_zeroed();
        if (map_page(l4_kernel(), TAIL_WINDOW, (uint64_t)virt_to_mfn(page) << 12 | PTE_KERNEL)) {
            kit_panic("no window");
        }
    }
    char *to = (char *)TAIL_WINDOW + PAGE_SIZE - size;
    memcpy(to, object, size);
    return to;
}

unsigned long conform_hypervisor_frame(void)
{
    static xen_pfn_t frame;
    struct xen_machphys_mfn_list op = {.max_extents = 1};

    op.extent_start.p = &frame;
    if (frame == 0 && hv_memory_op(XENMEM_machphys_mfn_list, &op) != 0) {
        kit_panic("no machine-to-phys table");
    }
    return frame;
}

/* A trap in a family ends it: its remaining rows are missing, and the test says why. */
TEST(numbers)
{
    conform_numbers();
}
TEST(version)
{
    conform_version();
}
TEST(console)
{
    conform_console();
}
TEST(pv_cpu)
{
    conform_pv_cpu();
}
TEST(multicall)
{
    conform_multicall();
}
TEST(sched)
{
    conform_sched();
}
TEST(vcpu)
{
    conform_vcpu();
}
TEST(event)
{
    conform_event();
}
TEST(grant)
{
    conform_grant();
}
TEST(memory)
{
    conform_memory();
}
TEST(mmu)
{
    conform_mmu();
}
TEST(mmuext)
{
    conform_mmuext();
}
TEST(physdev)
{
    conform_physdev();
}
TEST(platform)
{
    conform_platform();
}
TEST(sysctl)
{
    conform_sysctl();
}
TEST(domctl)
{
    conform_domctl();
}
TEST(other)
{
    conform_other();
}
