/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UEFI's system table (UEFI 2.9 ch. 4.3): physical addresses, as nobody gave it a virtual map.
 *
 *   +0 "IBI SYST"  +8 revision  +24 vendor string  +32 its revision  +104 entries  +112 table
 */
#include "x86/efi_info.h"
#include "boot/boot.h"
#include "lib/lib.h"
#include "x86/page.h"

#define EFI_SYSTAB_SIGNATURE 0x5453595320494249ull
#define EFI_SYSTAB_SIZE      120
#define BDA_SHIFT_FLAGS      0x417

struct systab {
    uint64_t signature;
    uint32_t revision, header_size, crc, reserved;
    uint64_t vendor;
    uint32_t vendor_revision, pad;
    uint64_t console_and_services[8];
    uint64_t nr_config, config_table;
};
_Static_assert(sizeof(struct systab) == EFI_SYSTAB_SIZE, "EFI system table");

bool efi_info_get(struct efi_info *info)
{
    static const struct systab *table; /* mapped once: mappings are never undone */
    static const uint16_t *vendor;

    if (!boot_info.efi || !boot_info.efi_systab)
        return false;
    if (!table) {
        const struct systab *t = ioremap(boot_info.efi_systab, sizeof(*t));
        if (!t || t->signature != EFI_SYSTAB_SIGNATURE)
            return false;
        vendor = t->vendor ? ioremap(t->vendor, sizeof(info->vendor)) : NULL;
        table = t;
    }
    *info = (struct efi_info){
        .version = table->revision,
        .config_table = table->config_table,
        .nr_config = (uint32_t)table->nr_config,
        .vendor_revision = table->vendor_revision,
    };
    for (unsigned int i = 0; vendor && i < ARRAY_SIZE(info->vendor) - 1 && vendor[i]; i++)
        info->vendor[i] = vendor[i];
    return true;
}

uint8_t bios_shift_flags(void)
{
    static const uint8_t *bda;

    if (boot_info.efi)
        return 0;
    if (!bda)
        bda = ioremap(0, PAGE_SIZE);
    return bda ? bda[BDA_SHIFT_FLAGS] : 0;
}
