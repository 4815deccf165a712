/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Boot options, with Xen's names. A module declares its own; an unknown one is reported.
 *   OPT_BOOL("noreboot", opt_noreboot);  OPT_UINT("maxcpus", opt_maxcpus);
 *   OPT_STRING("com1", opt_com1);        OPT_FN("dom0_mem", parse_dom0_mem);
 * Booleans take name, no-name, name=on|off|yes|no|1|0. Sizes take K M G T.
 */
#ifndef XEN_BOOT_CMDLINE_H
#define XEN_BOOT_CMDLINE_H
#include "lib/types.h"

struct boot_opt {
    const char *name;
    enum { OPT_T_BOOL, OPT_T_UINT, OPT_T_SIZE, OPT_T_STRING, OPT_T_FN } type;
    uint32_t len; /* strings: size of the buffer */
    void *var;
    int (*fn)(const char *value); /* non-zero: bad value, reported */
};
#define OPT_ENTRY \
    __attribute__((section(".boot_opts"), used, aligned(8))) static const struct boot_opt
#define OPT_BOOL(n, v) OPT_ENTRY opt_##v = {.name = n, .type = OPT_T_BOOL, .var = &(v)}
#define OPT_UINT(n, v) OPT_ENTRY opt_##v = {.name = n, .type = OPT_T_UINT, .var = &(v)}
#define OPT_SIZE(n, v) OPT_ENTRY opt_##v = {.name = n, .type = OPT_T_SIZE, .var = &(v)}
#define OPT_STRING(n, v) \
    OPT_ENTRY opt_##v = {.name = n, .type = OPT_T_STRING, .len = sizeof(v), .var = (v)}
#define OPT_FN(n, f) OPT_ENTRY opt_##f = {.name = n, .type = OPT_T_FN, .fn = (f)}

/* A size as in options: number and K, M, G, T or B (none: K). 0, or -EINVAL; *end past it. */
int parse_size(const char *s, const char **end, uint64_t *bytes);
/* on, off and their like; "" is on. 0 or -EINVAL. */
int parse_bool(const char *s, bool *v);
void cmdline_parse(const char *cmdline);
/* The whole line as booted, for XENVER_commandline. */
extern char saved_cmdline[1024];

#endif
