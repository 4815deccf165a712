/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GDT and LDT: tables of the guest that the processor uses directly, so every descriptor is checked. A
 * ring-0 segment, a call gate or a task gate that slips through is an escape. */
#include "test.h"
#include "kit/time.h"

#define FLAT_DATA 0x00cff3000000ffffUL /* present, DPL 3, writable data, 4 GiB */
#define FLAT_CODE 0x00affb000000ffffUL /* present, DPL 3, 64-bit code */

static uint64_t *gdt;
static unsigned long frame[1];

static bool gdt_ready(void)
{
    if (gdt == NULL) {
        gdt = page_alloc_zeroed();
        gdt[1] = FLAT_DATA;
        gdt[2] = FLAT_CODE;
        page_set_readonly(gdt);
        frame[0] = virt_to_mfn(gdt);
    }
    return hv_set_gdt(frame, 512) == 0;
}

static void load_es(void *selector)
{
    __asm__ volatile("mov %0, %%es; mov %1, %%es" : : "r"(selector), "r"(0));
}

/* A loaded GDT is in use: its selectors load, those beyond fault. */
TEST(set_gdt)
{
    struct trap_frame trap;

    CHECK(gdt_ready());
    CHECK(!trap_catch(load_es, (void *)0x0bUL, &trap));
    CHECK(trap_catch(load_es, (void *)0x1bUL, &trap));
    CHECK_EQ(trap.vector, 13);
    CHECK_EQ(trap.error, 0x18);
    uint64_t limit;
    __asm__ volatile("lsl %1, %0" : "=r"(limit) : "r"(0x0bUL));
    CHECK_EQ(limit & 0xffffffff, 0xffffffff);
}

/* The page is locked: no writable mapping while it is a descriptor page, none to become one. */
TEST(gdt_is_readonly)
{
    uint64_t *page = page_alloc_zeroed();
    unsigned long mfn[1] = {virt_to_mfn(page)};

    CHECK(gdt_ready());
    CHECK(pte_write(gdt, (uint64_t)frame[0] << 12 | PTE_KERNEL) < 0);
    long rc = hv_set_gdt(mfn, 512);
    answer("writable_page", "%ld", rc);
    CHECK(rc < 0);
    page_free(page);
    CHECK(gdt_ready());
}

TEST(set_gdt_bad)
{
    unsigned long bad[14];

    answer("too_many", "%ld", hv_set_gdt(frame, 7169));
    answer("max", "%ld", hv_set_gdt(frame, 0xffffffff));
    bad[0] = 1UL << 40;
    answer("beyond", "%ld", hv_set_gdt(bad, 512));
    bad[0] = virt_to_mfn(l4_kernel());
    answer("table", "%ld", hv_set_gdt(bad, 512));
    CHECK(hv_set_gdt(bad, 512) < 0);
    answer("pointer", "%ld", hv_set_gdt((void *)0x1000, 512));
    CHECK(gdt_ready());
    CHECK_EQ(hv_set_gdt(frame, 0), 0);
    struct trap_frame trap;
    CHECK(trap_catch(load_es, (void *)0x0bUL, &trap));
    CHECK(gdt_ready());
}

/* Descriptors of every kind through update_descriptor. */
TEST(update_descriptor)
{
    static const struct {
        const char *key;
        uint64_t descriptor;
    } cases[] = {
        {"data3", FLAT_DATA},
        {"code3", FLAT_CODE},
        {"null", 0},
        {"not_present", 0x00cf73000000ffffUL},
        {"data0", 0x00cf93000000ffffUL},
        {"data1", 0x00cfb3000000ffffUL},
        {"code0", 0x00af9b000000ffffUL},
        {"conforming0", 0x00af9f000000ffffUL},
        {"conforming3", 0x00afff000000ffffUL},
        {"code32", 0x00cffb000000ffffUL},
        {"long_and_default", 0x00effb000000ffffUL},
        {"call_gate", 0x0000ec0000e00000UL},
        {"call_gate3", 0xffffec00e0080000UL},
        {"interrupt_gate", 0x0000ee00e0080000UL},
        {"task_gate", 0x0000e50000400000UL},
        {"tss", 0x0000e90000000067UL},
        {"busy_tss", 0x0000eb0000000067UL},
        {"ldt", 0x0000e20000000fffUL},
        {"expand_down", 0x00cff7000000ffffUL},
    };

    CHECK(gdt_ready());
    for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        long rc = hv_update_descriptor(virt_to_maddr(&gdt[4]), cases[i].descriptor);

        answer(cases[i].key, "%ld %#lx", rc, gdt[4]);
        hv_update_descriptor(virt_to_maddr(&gdt[4]), 0);
    }
    CHECK(hv_update_descriptor(virt_to_maddr(&gdt[4]), 0xffffec00e0080000UL) < 0);
    CHECK(hv_update_descriptor(virt_to_maddr(&gdt[4]), 0x0000e90000000067UL) < 0);
}

/* Places that are no descriptor slots of ours. */
TEST(update_descriptor_where)
{
    uint64_t *page = page_alloc_zeroed();

    CHECK(gdt_ready());
    answer("unaligned", "%ld", hv_update_descriptor(virt_to_maddr(&gdt[4]) + 4, FLAT_DATA));
    answer("beyond", "%ld", hv_update_descriptor(1UL << 45, FLAT_DATA));
    answer("table", "%ld", hv_update_descriptor(virt_to_maddr(l4_kernel()), FLAT_DATA));
    CHECK(hv_update_descriptor(virt_to_maddr(l4_kernel()), FLAT_DATA) < 0);
    long rc = hv_update_descriptor(virt_to_maddr(&page[3]), FLAT_DATA);
    answer("data_page", "%ld %#lx", rc, page[3]);
    page_free(page);
}

/* A page that holds an illegal descriptor cannot become a GDT. */
TEST(illegal_page)
{
    static const uint64_t illegal[] = {0x0000ec00e0080000UL, 0x00af9b000000ffffUL,
                                       0x0000e90000000067UL};
    uint64_t *page = page_alloc_zeroed();
    unsigned long mfn[1] = {virt_to_mfn(page)};

    for (unsigned int i = 0; i < 3; i++) {
        char key[16];

        page[100] = illegal[i];
        page_set_readonly(page);
        long rc = hv_set_gdt(mfn, 512);
        ksnprintf(key, sizeof(key), "case%u", i);
        answer(key, "%ld %#lx", rc, page[100]);
        if (rc == 0) {
            CHECK(gdt_ready());
        }
        page_set_writable(page);
    }
    page_free(page);
    CHECK(gdt_ready());
}

/* The hypervisor's own selectors cannot be loaded as data or code of a lower ring. */
TEST(hypervisor_selectors)
{
    struct trap_frame trap;

    CHECK(trap_catch(load_es, (void *)0xe008UL, &trap));
    CHECK_EQ(trap.vector, 13);
    CHECK(trap_catch(load_es, (void *)0xe010UL, &trap));
    CHECK_EQ(trap.vector, 13);
    CHECK(!trap_catch(load_es, (void *)(unsigned long)FLAT_RING3_DS32, &trap));
}

static long set_ldt(unsigned long va, unsigned int entries)
{
    struct mmuext_op op = {.cmd = MMUEXT_SET_LDT, .arg1.linear_addr = va, .arg2.nr_ents = entries};

    return hv_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static volatile unsigned int failsafes;

static void on_failsafe(struct trap_frame *at)
{
    (void)at;
    failsafes++;
}

/* A selector whose descriptor goes away stays as it is, or, once another vCPU had the processor and it
 * cannot be loaded again, is null, and the failsafe callback tells what it was. */
TEST(lost_descriptor)
{
    struct sched_poll sleep = {.timeout = time_now() + 20000000};
    uint16_t es;

    CHECK(gdt_ready());
    CHECK_EQ(hv_update_descriptor(virt_to_maddr(&gdt[4]), FLAT_DATA), 0);
    failsafes = 0;
    trap_set_handler(TRAP_FAILSAFE, on_failsafe);
    __asm__ volatile("mov %0, %%es" : : "r"(0x23));
    CHECK_EQ(hv_update_descriptor(virt_to_maddr(&gdt[4]), 0), 0);
    CHECK_EQ(hv_sched_op(SCHEDOP_poll, &sleep), 0);
    __asm__ volatile("mov %%es, %0; mov %1, %%es" : "=&r"(es) : "r"(0));
    trap_set_handler(TRAP_FAILSAFE, NULL);
    kprintf("# failsafe callbacks: %u\n", failsafes);
    CHECK(failsafes <= 1);
    CHECK_EQ(es, failsafes ? 0 : 0x23);
    if (failsafes) {
        CHECK_EQ(trap_failsafe_segments[1], 0x23);
    }
}

/* An LDT's selectors load (the hypervisor maps its pages on demand) and stop when it is taken away. */
TEST(set_ldt)
{
    uint64_t *ldt = page_alloc_zeroed();
    struct trap_frame trap;

    ldt[0] = FLAT_DATA;
    ldt[5] = FLAT_DATA;
    page_set_readonly(ldt);
    CHECK_EQ(set_ldt((unsigned long)ldt, 512), 0);
    CHECK(!trap_catch(load_es, (void *)0x07UL, &trap));
    CHECK(!trap_catch(load_es, (void *)(5 * 8 + 7UL), &trap));
    CHECK(trap_catch(load_es, (void *)(6 * 8 + 7UL), &trap));
    CHECK_EQ(trap.vector, 13);
    CHECK_EQ(trap.error, 6 * 8 + 4);
    CHECK(pte_write(ldt, (uint64_t)virt_to_mfn(ldt) << 12 | PTE_KERNEL) < 0);
    CHECK_EQ(set_ldt(0, 0), 0);
    CHECK(trap_catch(load_es, (void *)0x07UL, &trap));
    CHECK_EQ(trap.vector, 13);
    page_set_writable(ldt);
    page_free(ldt);
}

TEST(set_ldt_bad)
{
    struct trap_frame trap;

    answer("too_many", "%ld", set_ldt(KIT_VIRT_BASE, 8193));
    answer("unaligned", "%ld", set_ldt(KIT_VIRT_BASE + 8, 1));
    answer("hole", "%ld", set_ldt(0xffff830000000000UL, 512));
    CHECK(set_ldt(KIT_VIRT_BASE, 8193) < 0);
    /* An address without a page is found out when a selector is used. */
    answer("unmapped", "%ld", set_ldt(0x0000700000000000UL, 512));
    CHECK(trap_catch(load_es, (void *)0x07UL, &trap));
    answer("unmapped_use", "%lu", trap.vector);
    CHECK_EQ(set_ldt(0, 0), 0);
}
