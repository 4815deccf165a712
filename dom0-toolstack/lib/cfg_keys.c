/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of xl.cfg's keys. See cfg_keys.h. */
#include "dom0-toolstack/lib/cfg_keys.h"

#include <stdlib.h>
#include <string.h>

/* In strcmp() order. */
/* clang-format off */
static const struct cfg_key keys[] = {
    {"acpi",                              KEY_BOOL,              KEY_NOT_YET, "1"},
    {"acpi_firmware",                     KEY_STRING,            KEY_NOT_YET, NULL},
    {"acpi_laptop_slate",                 KEY_BOOL,              KEY_NOT_YET, NULL},
    {"acpi_s3",                           KEY_BOOL,              KEY_NOT_YET, "1"},
    {"acpi_s4",                           KEY_BOOL,              KEY_NOT_YET, "1"},
    {"altp2m",                            KEY_STRING_OR_NUMBER,  KEY_NOT_YET, "disabled"},
    {"altp2mhvm",                         KEY_BOOL,              KEY_NOT_YET, NULL},
    {"apic",                              KEY_BOOL,              KEY_NOT_YET, "1"},
    {"bios",                              KEY_STRING,            KEY_NOT_YET, NULL},
    {"bios_path_override",                KEY_STRING,            KEY_NOT_YET, NULL},
    {"boot",                              KEY_STRING,            KEY_NOT_YET, NULL},
    {"bootloader",                        KEY_STRING,            KEY_SUPPORTED, NULL},
    {"bootloader_args",                   KEY_STRING_OR_LIST,    KEY_SUPPORTED, NULL},
    {"builder",                           KEY_STRING,            KEY_SUPPORTED, NULL},
    {"cap",                               KEY_NUMBER,            KEY_SUPPORTED, NULL},
    {"channel",                           KEY_LIST,              KEY_SUPPORTED, NULL},
    {"cmdline",                           KEY_STRING,            KEY_SUPPORTED, NULL},
    {"cpu_weight",                        KEY_NUMBER,            KEY_SUPPORTED, NULL},
    {"cpuid",                             KEY_STRING_OR_LIST,    KEY_NOT_YET, NULL},
    {"cpus",                              KEY_ANY,               KEY_SUPPORTED, NULL},
    {"cpus_soft",                         KEY_ANY,               KEY_SUPPORTED, NULL},
    {"device_model",                      KEY_STRING,            KEY_IGNORED, NULL},
    {"device_model_args",                 KEY_LIST,              KEY_NOT_YET, NULL},
    {"device_model_args_hvm",             KEY_LIST,              KEY_NOT_YET, NULL},
    {"device_model_args_pv",              KEY_LIST,              KEY_NOT_YET, NULL},
    {"device_model_override",             KEY_STRING,            KEY_NOT_YET, NULL},
    {"device_model_stubdomain_override",  KEY_BOOL,              KEY_NOT_YET, NULL},
    {"device_model_stubdomain_seclabel",  KEY_STRING,            KEY_NOT_YET, NULL},
    {"device_model_user",                 KEY_STRING,            KEY_NOT_YET, NULL},
    {"device_model_version",              KEY_STRING,            KEY_NOT_YET, "qemu-xen"},
    {"device_tree",                       KEY_STRING,            KEY_ARM, NULL},
    {"disk",                              KEY_LIST,              KEY_SUPPORTED, NULL},
    {"display",                           KEY_STRING,            KEY_NOT_YET, NULL},
    {"dm_restrict",                       KEY_BOOL,              KEY_NOT_YET, NULL},
    {"driver_domain",                     KEY_BOOL,              KEY_SUPPORTED, NULL},
    {"dtdev",                             KEY_LIST,              KEY_ARM, NULL},
    {"e820_host",                         KEY_BOOL,              KEY_NOT_YET, NULL},
    {"extra",                             KEY_STRING,            KEY_SUPPORTED, NULL},
    {"extratime",                         KEY_NUMBER,            KEY_NOT_YET, NULL},
    {"firmware",                          KEY_STRING,            KEY_NOT_YET, NULL},
    {"firmware_override",                 KEY_STRING,            KEY_NOT_YET, NULL},
    {"gfx_passthru",                      KEY_STRING_OR_NUMBER,  KEY_NOT_YET, NULL},
    {"gic_version",                       KEY_STRING,            KEY_ARM, NULL},
    {"hap",                               KEY_BOOL,              KEY_NOT_YET, "1"},
    {"hdtype",                            KEY_STRING,            KEY_NOT_YET, "ide"},
    {"hpet",                              KEY_BOOL,              KEY_NOT_YET, "1"},
    {"init_seclabel",                     KEY_STRING,            KEY_NOT_YET, NULL},
    {"iomem",                             KEY_LIST,              KEY_NOT_YET, NULL},
    {"ioports",                           KEY_LIST,              KEY_NOT_YET, NULL},
    {"irqs",                              KEY_LIST,              KEY_NOT_YET, NULL},
    {"kernel",                            KEY_STRING,            KEY_SUPPORTED, NULL},
    {"keymap",                            KEY_STRING,            KEY_SUPPORTED, NULL},
    {"latency",                           KEY_NUMBER,            KEY_NOT_YET, NULL},
    {"localtime",                         KEY_BOOL,              KEY_NOT_YET, NULL},
    {"max_event_channels",                KEY_NUMBER,            KEY_SUPPORTED, NULL},
    {"max_grant_frames",                  KEY_NUMBER,            KEY_SUPPORTED, NULL},
    {"max_grant_version",                 KEY_NUMBER,            KEY_SUPPORTED, NULL},
    {"max_maptrack_frames",               KEY_NUMBER,            KEY_SUPPORTED, NULL},
    {"maxmem",                            KEY_NUMBER,            KEY_SUPPORTED, NULL},
    {"maxvcpus",                          KEY_NUMBER,            KEY_SUPPORTED, NULL},
    {"mca_caps",                          KEY_LIST,              KEY_NOT_YET, NULL},
    {"memory",                            KEY_NUMBER,            KEY_SUPPORTED, NULL},
    {"mmio_hole",                         KEY_NUMBER,            KEY_NOT_YET, NULL},
    {"ms_vm_genid",                       KEY_STRING,            KEY_NOT_YET, "none"},
    {"msr_relaxed",                       KEY_BOOL,              KEY_NOT_YET, NULL},
    {"name",                              KEY_STRING,            KEY_SUPPORTED, NULL},
    {"nestedhvm",                         KEY_BOOL,              KEY_NOT_YET, NULL},
    {"nographic",                         KEY_BOOL,              KEY_NOT_YET, NULL},
    {"nomigrate",                         KEY_BOOL,              KEY_NOT_YET, NULL},
    {"nx",                                KEY_BOOL,              KEY_NOT_YET, "1"},
    {"on_crash",                          KEY_STRING,            KEY_SUPPORTED, NULL},
    {"on_poweroff",                       KEY_STRING,            KEY_SUPPORTED, NULL},
    {"on_reboot",                         KEY_STRING,            KEY_SUPPORTED, NULL},
    {"on_soft_reset",                     KEY_STRING,            KEY_SUPPORTED, NULL},
    {"on_watchdog",                       KEY_STRING,            KEY_SUPPORTED, NULL},
    {"oos",                               KEY_BOOL,              KEY_NOT_YET, "1"},
    {"opengl",                            KEY_BOOL,              KEY_NOT_YET, NULL},
    {"p9",                                KEY_LIST,              KEY_SUPPORTED, NULL},
    {"pae",                               KEY_BOOL,              KEY_NOT_YET, "1"},
    {"passthrough",                       KEY_STRING,            KEY_NOT_YET, "default|disabled"},
    {"pci",                               KEY_LIST,              KEY_NOT_YET, NULL},
    {"pci_msitranslate",                  KEY_BOOL,              KEY_NOT_YET, "1"},
    {"pci_permissive",                    KEY_BOOL,              KEY_NOT_YET, NULL},
    {"pci_power_mgmt",                    KEY_BOOL,              KEY_NOT_YET, NULL},
    {"pci_seize",                         KEY_BOOL,              KEY_NOT_YET, NULL},
    {"period",                            KEY_NUMBER,            KEY_NOT_YET, NULL},
    {"pool",                              KEY_STRING_OR_NUMBER,  KEY_SUPPORTED, NULL},
    {"pvcalls",                           KEY_LIST,              KEY_NOT_YET, NULL},
    {"pvshim",                            KEY_BOOL,              KEY_NOT_YET, NULL},
    {"pvshim_cmdline",                    KEY_STRING,            KEY_NOT_YET, NULL},
    {"pvshim_extra",                      KEY_STRING,            KEY_NOT_YET, NULL},
    {"pvshim_path",                       KEY_STRING,            KEY_NOT_YET, NULL},
    {"ramdisk",                           KEY_STRING,            KEY_SUPPORTED, NULL},
    {"rdm",                               KEY_STRING,            KEY_NOT_YET, NULL},
    {"rdm_mem_boundary",                  KEY_NUMBER,            KEY_NOT_YET, NULL},
    {"root",                              KEY_STRING,            KEY_SUPPORTED, NULL},
    {"rtc_timeoffset",                    KEY_NUMBER,            KEY_NOT_YET, NULL},
    {"sdl",                               KEY_BOOL,              KEY_NOT_YET, NULL},
    {"seclabel",                          KEY_STRING,            KEY_NOT_YET, NULL},
    {"serial",                            KEY_STRING_OR_LIST,    KEY_NOT_YET, "none"},
    {"shadow_memory",                     KEY_NUMBER,            KEY_NOT_YET, NULL},
    {"slice",                             KEY_NUMBER,            KEY_NOT_YET, NULL},
    {"smbios_firmware",                   KEY_STRING,            KEY_NOT_YET, NULL},
    {"soundhw",                           KEY_STRING,            KEY_NOT_YET, NULL},
    {"spice",                             KEY_BOOL,              KEY_NOT_YET, NULL},
    {"spice_clipboard_sharing",           KEY_BOOL,              KEY_NOT_YET, NULL},
    {"spice_image_compression",           KEY_STRING,            KEY_NOT_YET, NULL},
    {"spice_streaming_video",             KEY_STRING,            KEY_NOT_YET, NULL},
    {"spiceagent_mouse",                  KEY_BOOL,              KEY_NOT_YET, NULL},
    {"spicedisable_ticketing",            KEY_BOOL,              KEY_NOT_YET, NULL},
    {"spicehost",                         KEY_STRING,            KEY_NOT_YET, NULL},
    {"spicepasswd",                       KEY_STRING,            KEY_NOT_YET, NULL},
    {"spiceport",                         KEY_NUMBER,            KEY_NOT_YET, NULL},
    {"spicetls_port",                     KEY_NUMBER,            KEY_NOT_YET, NULL},
    {"spiceusbredirection",               KEY_NUMBER,            KEY_NOT_YET, NULL},
    {"spicevdagent",                      KEY_BOOL,              KEY_NOT_YET, NULL},
    {"stdvga",                            KEY_BOOL,              KEY_NOT_YET, NULL},
    {"stubdomain_cmdline",                KEY_STRING,            KEY_NOT_YET, NULL},
    {"stubdomain_kernel",                 KEY_STRING,            KEY_NOT_YET, NULL},
    {"stubdomain_memory",                 KEY_NUMBER,            KEY_NOT_YET, NULL},
    {"stubdomain_ramdisk",                KEY_STRING,            KEY_NOT_YET, NULL},
    {"tee",                               KEY_STRING,            KEY_ARM, NULL},
    {"timer_mode",                        KEY_STRING_OR_NUMBER,  KEY_NOT_YET, NULL},
    {"tsc_mode",                          KEY_STRING_OR_NUMBER,  KEY_NOT_YET, "default"},
    {"type",                              KEY_STRING,            KEY_SUPPORTED, NULL},
    {"usb",                               KEY_BOOL,              KEY_NOT_YET, NULL},
    {"usbctrl",                           KEY_LIST,              KEY_NOT_YET, NULL},
    {"usbdev",                            KEY_LIST,              KEY_NOT_YET, NULL},
    {"usbdevice",                         KEY_STRING_OR_LIST,    KEY_NOT_YET, NULL},
    {"usbversion",                        KEY_NUMBER,            KEY_NOT_YET, NULL},
    {"uuid",                              KEY_STRING,            KEY_SUPPORTED, NULL},
    {"vcpus",                             KEY_NUMBER,            KEY_SUPPORTED, NULL},
    {"vdispl",                            KEY_LIST,              KEY_NOT_YET, NULL},
    {"vendor_device",                     KEY_STRING,            KEY_NOT_YET, "none"},
    {"vfb",                               KEY_LIST,              KEY_SUPPORTED, NULL},
    {"vga",                               KEY_STRING,            KEY_NOT_YET, "none"},
    {"videoram",                          KEY_NUMBER,            KEY_NOT_YET, NULL},
    {"vif",                               KEY_LIST,              KEY_SUPPORTED, NULL},
    {"vif2",                              KEY_LIST,              KEY_NOT_YET, NULL},
    {"viridian",                          KEY_ANY,               KEY_NOT_YET, NULL},
    {"vkb",                               KEY_LIST,              KEY_SUPPORTED, NULL},
    {"vkb_device",                        KEY_BOOL,              KEY_NOT_YET, "1"},
    {"vmtrace_buf_kb",                    KEY_NUMBER,            KEY_NOT_YET, NULL},
    {"vnc",                               KEY_BOOL,              KEY_SUPPORTED, NULL},
    {"vncdisplay",                        KEY_NUMBER,            KEY_SUPPORTED, NULL},
    {"vnclisten",                         KEY_STRING,            KEY_SUPPORTED, NULL},
    {"vncpasswd",                         KEY_STRING,            KEY_SUPPORTED, NULL},
    {"vncunused",                         KEY_BOOL,              KEY_SUPPORTED, NULL},
    {"vncviewer",                         KEY_BOOL,              KEY_NOT_YET, NULL},
    {"vnuma",                             KEY_LIST,              KEY_NOT_YET, NULL},
    {"vpmu",                              KEY_BOOL,              KEY_NOT_YET, NULL},
    {"vpt_align",                         KEY_BOOL,              KEY_NOT_YET, "1"},
    {"vsnd",                              KEY_LIST,              KEY_NOT_YET, NULL},
    {"vtpm",                              KEY_LIST,              KEY_NOT_YET, NULL},
    {"vuart",                             KEY_STRING,            KEY_ARM, NULL},
    {"xauthority",                        KEY_STRING,            KEY_NOT_YET, NULL},
    {"xen_platform_pci",                  KEY_BOOL,              KEY_NOT_YET, "1"},
    {"xend_suspend_evtchn_compat",        KEY_BOOL,              KEY_NOT_YET, NULL},
};
/* clang-format on */

#define NR_KEYS (sizeof(keys) / sizeof(keys[0]))

const struct cfg_key *cfg_key_table(size_t *count)
{
    *count = NR_KEYS;
    return keys;
}

static int compare_name(const void *name, const void *key)
{
    return strcmp(name, ((const struct cfg_key *)key)->name);
}

const struct cfg_key *cfg_key_find(const char *name)
{
    return bsearch(name, keys, NR_KEYS, sizeof(keys[0]), compare_name);
}

#define MAX_COMPARED 64

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* What a slip of the fingers costs: a wrong letter is rarer than a missing or swapped one. */
#define COST_SWAP    2
#define COST_GAP     2
#define COST_REPLACE 3

/*
 * The cheapest way from one word to the other by inserting, deleting and replacing letters and
 * swapping neighbours. Only the first 64 letters count.
 */
static size_t edit_distance(const char *a, const char *b)
{
    size_t la = strnlen(a, MAX_COMPARED), lb = strnlen(b, MAX_COMPARED);
    size_t rows[3][MAX_COMPARED + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];

    for (size_t j = 0; j <= lb; j++)
        last[j] = j * COST_GAP;
    memset(before, 0, sizeof(rows[0]));
    for (size_t i = 1; i <= la; i++) {
        row[0] = i * COST_GAP;
        for (size_t j = 1; j <= lb; j++) {
            size_t cost = a[i - 1] == b[j - 1] ? 0 : COST_REPLACE;

            row[j] = least(last[j] + COST_GAP, row[j - 1] + COST_GAP, last[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + COST_SWAP < row[j])
                row[j] = before[j - 2] + COST_SWAP;
        }
        size_t *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[lb];
}

const struct cfg_key *cfg_key_nearest(const char *name)
{
    const struct cfg_key *nearest = &keys[0];
    size_t best = (size_t)-1;

    for (size_t i = 0; i < NR_KEYS; i++) {
        size_t distance = edit_distance(name, keys[i].name);

        if (distance < best) {
            best = distance;
            nearest = &keys[i];
        }
    }
    return nearest;
}

/* Whether `text` is one of the words of a "a|b|c" list. */
static bool in_words(const char *words, const char *text)
{
    size_t len = strlen(text);

    while (words && *words) {
        size_t n = strcspn(words, "|");

        if (n == len && memcmp(words, text, n) == 0)
            return true;
        words += n + (words[n] != 0);
    }
    return false;
}

bool cfg_key_neutral(const struct cfg_key *key, const struct cfg_value *v)
{
    long long number;

    if (v->type == CFG_LIST) {
        for (size_t i = 0; i < v->nr_items; i++) {
            if (v->items[i]->type != CFG_STRING || v->items[i]->text[0])
                return false;
        }
        /* [""] is one device with all defaults, but no argument or word at all. */
        return v->nr_items == 0 || key->kind == KEY_STRING_OR_LIST;
    }
    if (v->text[0] == 0)
        return true;
    if (cfg_value_number(v, &number) && number == 0)
        return true;
    return in_words(key->neutral, v->text);
}

bool cfg_key_type_ok(const struct cfg_key *key, const struct cfg_value *v, const char **wanted)
{
    long long number;
    bool numeric = cfg_value_number(v, &number);
    bool word = v->type != CFG_LIST;

    switch (key->kind) {
    case KEY_STRING: *wanted = "a string"; return word;
    case KEY_NUMBER: *wanted = "a number"; return numeric;
    case KEY_BOOL: *wanted = "0 or 1"; return numeric;
    case KEY_LIST: *wanted = "a list"; return v->type == CFG_LIST;
    case KEY_STRING_OR_LIST: *wanted = "a string or a list"; return true;
    case KEY_STRING_OR_NUMBER: *wanted = "a string or a number"; return word;
    case KEY_ANY: break;
    }
    *wanted = "a value";
    return true;
}
