/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the mechanism asks of parts of xen/x86 and xen/console that are not here. */
#include "whole.h"
#include "boot/boot.h"
#include "boot/cmdline.h"
#include "console/console.h"
#include "x86/cpu_setup.h"
#include "x86/efi_info.h"
#include "x86/reboot.h"
#include "x86/switch.h"
#include "x86/time.h"
#include "x86/traps.h"
#include "x86/xpti.h"
#include <cpuid.h>

/* ---- time ---- */

s_time_t whole_now = 1;
uint32_t tsc_khz = 1000000, tsc_to_ns_mul = 0x80000000u;
int8_t tsc_to_ns_shift = 1;

s_time_t now(void)
{
    return whole_now;
}
s_time_t tsc_to_ns(uint64_t tsc)
{
    return (s_time_t)tsc;
}
uint64_t rdtsc(void)
{
    return (uint64_t)whole_now;
}
void timer_hw_program(s_time_t t __unused)
{
}
void wallclock_update(struct domain *d __unused)
{
}

/* ---- the processor ---- */

struct cpu_caps cpu_caps;
uint32_t xsave_size = 576;

struct cpuid_regs (*whole_cpuid)(uint32_t leaf, uint32_t sub);

struct cpuid_regs cpuid_count(uint32_t leaf, uint32_t sub)
{
    struct cpuid_regs r;

    if (whole_cpuid)
        return whole_cpuid(leaf, sub);
    __cpuid_count(leaf, sub, r.a, r.b, r.c, r.d);
    return r;
}
int rdmsr_safe(uint32_t msr __unused, uint64_t *v __unused)
{
    return -EFAULT;
}
int wrmsr_safe(uint32_t msr __unused, uint64_t v __unused)
{
    return -EFAULT;
}

uint64_t pv_get_base(struct vcpu *v, unsigned int which)
{
    return which == SEGBASE_FS        ? v->pv.fs_base
           : which == SEGBASE_GS_USER ? v->pv.gs_base_user
                                      : v->pv.gs_base_kernel;
}
void pv_set_base(struct vcpu *v, unsigned int which, uint64_t base)
{
    if (which == SEGBASE_FS)
        v->pv.fs_base = base;
    else if (which == SEGBASE_GS_USER)
        v->pv.gs_base_user = base;
    else
        v->pv.gs_base_kernel = base;
}
int load_seg_gs(uint16_t sel);
int load_seg_gs(uint16_t sel __unused)
{
    return 0;
}
void pv_load_gdt(struct vcpu *v __unused)
{
}
void pv_load_ldt(struct vcpu *v __unused)
{
}
void pv_load_debugregs(struct vcpu *v __unused)
{
}
bool xpti_for(const struct domain *d __unused)
{
    return false;
}

/* ---- the host ---- */

char saved_cmdline[1024];

void machine_restart(void)
{
    panic("the machine was restarted");
}
void machine_halt(void)
{
    panic("the machine was halted");
}
void console_write(const char *s __unused, size_t len __unused)
{
}
size_t console_read_input(char *buf __unused, size_t len __unused)
{
    return 0;
}
bool console_guest_debug(void)
{
    return false;
}
size_t console_ring_read(char *buf __unused, size_t len __unused, uint32_t *index __unused,
                         bool clear __unused, bool incremental __unused)
{
    return 0;
}
void debug_key_handle(char key __unused)
{
}
size_t hv_strlcpy(char *dst, const char *src, size_t size)
{
    snprintf(dst, size, "%s", src);
    return strlen(src);
}

/* Bounces are not here. */
HYPERCALL(hc_iret)
{
    return -ENOSYS;
}
void pv_bounce_exception(struct cpu_user_regs *regs, unsigned int nr, uint32_t error);
void pv_bounce_exception(struct cpu_user_regs *regs __unused, unsigned int nr __unused,
                         uint32_t error __unused)
{
}

/* The firmware's memory map: none. */
struct boot_info boot_info;
