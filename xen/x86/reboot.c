/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reboot and power-off (ACPI 6.4 ch. 4.8.3.6 reset register, 4.8.3.2 PM1 control; chipset reset
 * control register at 0xcf9; 8042 keyboard controller).
 */
#include "x86/reboot.h"
#include "boot/cmdline.h"
#include "console/console.h"
#include "lib/lib.h"
#include "x86/acpi.h"
#include "x86/cpu.h"
#include "x86/page.h"
#include "x86/pci.h"
#include "x86/smp.h"
#include "x86/time.h"

#define PORT_RESET_CONTROL 0xcf9
#define RESET_SYSTEM       0x02
#define RESET_CPU          0x04
#define KBC_COMMAND        0x64
#define KBC_STATUS_FULL    0x02
#define KBC_PULSE_RESET    0xfe

#define PM1_SLEEP_TYPE     0x1c00
#define PM1_SLEEP_ENABLE   0x2000
#define PM1_KEEP           0x0203 /* SCI_EN, BM_RLD and reserved bit 9 stay */

/* reboot=: letters of Xen's: a ACPI, p chipset port, k keyboard, t triple fault, n none */
static char first_method = 'a';

static int parse_reboot(const char *v)
{
    if (!strchr("apktn", *v) || !*v)
        return -EINVAL;
    first_method = *v;
    return 0;
}
OPT_FN("reboot", parse_reboot);

static void reset_by_acpi(void)
{
    switch (acpi.reset.address ? acpi.reset.space : 0xff) {
    case ACPI_SPACE_IO: outb((uint16_t)acpi.reset.address, acpi.reset_value); break;
    case ACPI_SPACE_PCI: /* bus 0: device in bits 32-47, function 16-31, offset 0-15 */
        pci_write((struct pci_address){0, 0,
                                       (uint8_t)((acpi.reset.address >> 32 & 31) << 3 |
                                                 (acpi.reset.address >> 16 & 7))},
                  (uint16_t)acpi.reset.address & 0xff, 1, acpi.reset_value);
        break;
    case ACPI_SPACE_MEMORY: {
        uint8_t *reg = ioremap(acpi.reset.address, 1);
        if (reg)
            WRITE_ONCE(*reg, acpi.reset_value);
        break;
    }
    default: return;
    }
    udelay(15000);
}

static void reset_by_chipset(void)
{
    uint8_t v = inb(PORT_RESET_CONTROL) & (uint8_t) ~(RESET_SYSTEM | RESET_CPU);
    outb(PORT_RESET_CONTROL, v | RESET_SYSTEM);
    udelay(50);
    outb(PORT_RESET_CONTROL, v | RESET_SYSTEM | RESET_CPU);
    udelay(1000);
}

static void reset_by_keyboard(void)
{
    for (unsigned int i = 0; i < 1000 && (inb(KBC_COMMAND) & KBC_STATUS_FULL); i++)
        udelay(2);
    outb(KBC_COMMAND, KBC_PULSE_RESET);
    udelay(1000);
}

static void reset_by_fault(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __packed none = {0, 0};
    __asm__ volatile("lidt %0; int3" ::"m"(none));
}

void machine_restart(void)
{
    irq_disable();
    smp_stop_others();
    console_flush();
    switch (first_method) {
    case 'n': machine_halt();
    case 't': reset_by_fault(); break;
    case 'k': reset_by_keyboard(); break;
    case 'p': reset_by_chipset(); break;
    }
    for (;;) {
        reset_by_acpi();
        reset_by_chipset();
        reset_by_keyboard();
        reset_by_fault();
    }
}

void machine_halt(void)
{
    irq_disable();
    smp_stop_others();
    console_flush();
    for (;;)
        __asm__ volatile("cli; hlt");
}

static void write_pm1(const struct acpi_register *r, uint16_t value, uint16_t enable)
{
    if (!r->address || r->space != ACPI_SPACE_IO)
        return;
    uint16_t old = inw((uint16_t)r->address) & PM1_KEEP;
    outw((uint16_t)r->address, (uint16_t)(old | (value & PM1_SLEEP_TYPE) | enable));
}

int machine_power_off(uint16_t pm1a_control, uint16_t pm1b_control)
{
    if (!acpi.pm1a_control.address || acpi.pm1a_control.space != ACPI_SPACE_IO)
        return -EOPNOTSUPP;
    printk(LOG_WARN "Powering off\n");
    irq_disable();
    smp_stop_others();
    console_flush();
    write_pm1(&acpi.pm1a_control, pm1a_control, 0);
    write_pm1(&acpi.pm1b_control, pm1b_control, 0);
    write_pm1(&acpi.pm1a_control, pm1a_control, PM1_SLEEP_ENABLE);
    write_pm1(&acpi.pm1b_control, pm1b_control, PM1_SLEEP_ENABLE);
    udelay(1000000);
    printk(LOG_ERR "The machine did not power off\n");
    machine_halt();
}
