/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a domain is to be: the result of reading a .cfg file, the input of the domain builder, and
 * what is kept on disk so that a rebooting domain can be made again. The JSON form follows the
 * layout that `xl list -l` and `xl create -n` print (c_info, b_info, on_*), so that one schema
 * serves the store and the command line.
 */
#ifndef HL_DOMAIN_CONFIG_H
#define HL_DOMAIN_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dom0-toolstack/lib/device.h"

struct hl_error;

enum hl_domain_type {
    HL_TYPE_PV,
    HL_TYPE_PVH,
    HL_TYPE_HVM,
};

/* What happens when a domain ends. The order is that of hl_action_name(). */
enum hl_action {
    HL_ACTION_DESTROY,
    HL_ACTION_RESTART,
    HL_ACTION_RENAME_RESTART,
    HL_ACTION_PRESERVE,
    HL_ACTION_COREDUMP_DESTROY,
    HL_ACTION_COREDUMP_RESTART,
    HL_ACTION_SOFT_RESET,
    HL_ACTION_COUNT,
};

/*
 * A CPU set as the user wrote it ("0-3,^2", "node:1", "all"); it is resolved against the host by
 * hl_cpumask_parse() when the domain is built. `all` is for every vCPU; else each[i] is for vCPU i,
 * vCPUs past nr_each get each CPU. A NULL each[i] is "all".
 */
struct hl_affinity {
    char *all;
    char **each;
    size_t nr_each;
};

#define HL_UNSET_INT (-1)

struct hl_domain_config {
    enum hl_domain_type type;
    char *name;
    uint8_t uuid[16]; /* all zero: a random one is made by the builder */

    uint64_t memory_kib; /* at start; memory= */
    uint64_t maxmem_kib; /* static maximum; 0: as memory_kib; maxmem= */

    uint32_t vcpus;    /* online at start; 0 means 1 */
    uint32_t maxvcpus; /* 0: as vcpus */
    struct hl_affinity cpus;
    struct hl_affinity cpus_soft;
    bool ignore_host_cpus; /* xl.conf's vm.cpumask and its like are not for this one */
    int cpu_weight;        /* HL_UNSET_INT: the scheduler's default */
    int cpu_cap; /* percent of one CPU, 0 unlimited, HL_UNSET_INT: the scheduler's default */

    /* With a boot loader, paths in the guest's own file system, and the kernel may be NULL. */
    char *kernel;
    char *ramdisk; /* NULL: none */
    char *cmdline; /* complete: see hl_domain_config_compose_cmdline() */

    char *bootloader; /* a name or path that hl_bootloader_known() accepts; NULL: none */
    char **bootloader_args;
    size_t nr_bootloader_args;
    char *boot_entry; /* chosen from its menu for this one start; kept in no record; NULL */

    enum hl_action on_poweroff, on_reboot, on_crash, on_watchdog, on_soft_reset;

    int max_grant_frames;    /* HL_UNSET_INT: the hypervisor's default */
    int max_maptrack_frames; /* the same */
    int max_grant_version;   /* the same; else 1 or 2 */
    int max_event_channels;  /* highest port; HL_UNSET_INT: 1023 */
    char *pool;              /* CPU pool's name or number; NULL: pool 0 */

    bool driver_domain; /* it serves devices of others: a place of its own in xenstore */

    struct hl_device_list devices;

    char *config_file; /* where it was read from, for messages; may be NULL */
};

/* Sets every field to its default. Must come first; hl_domain_config_free() undoes all. */
void hl_domain_config_init(struct hl_domain_config *c);

/* Frees what the fields own and leaves a config as after init. Safe to call twice. */
void hl_domain_config_free(struct hl_domain_config *c);

/* Deep copy into an uninitialised `to`. -ENOMEM or 0. */
int hl_domain_config_copy(struct hl_domain_config *to, const struct hl_domain_config *from);

/*
 * The kernel's command line from the three keys: cmdline= wins alone (as in xl, extra= and root= are
 * then ignored); else "root=ROOT EXTRA". Any may be NULL. A malloc'd string, or NULL for none (errno
 * 0) or no memory (errno ENOMEM).
 */
char *hl_domain_config_compose_cmdline(const char *cmdline, const char *root, const char *extra);

/*
 * Checks ranges and combinations and fills in what depends on other fields (maxmem, maxvcpus, a
 * random uuid). The builder calls it, too. -EINVAL and a record that names the key.
 */
int hl_domain_config_finish(struct hl_domain_config *c, struct hl_error *e);

/* JSON text (malloc'd), pretty-printed when `pretty`; NULL when out of memory. */
char *hl_domain_config_to_json(const struct hl_domain_config *c, bool pretty);

/*
 * Reads what hl_domain_config_to_json() wrote into an uninitialised config. On failure the config
 * is as after init. Unknown members are ignored.
 */
int hl_domain_config_from_json(struct hl_domain_config *c, const char *json, size_t len,
                               struct hl_error *e);

/* yajl_gen_state: writes the object into a larger document (`hl list -l`). 0 or -EIO. */
struct yajl_gen_t;
int hl_domain_config_gen(const struct hl_domain_config *c, struct yajl_gen_t *g);

/* "destroy", "restart", "rename-restart", …; from_name answers -EINVAL for an unknown word. */
const char *hl_action_name(enum hl_action a);
int hl_action_from_name(const char *name, enum hl_action *a);
const char *hl_domain_type_name(enum hl_domain_type t);
int hl_domain_type_from_name(const char *name, enum hl_domain_type *t);

/* A valid domain name: 1 to 255 characters, none of / or a control character, not a number. */
bool hl_domain_name_ok(const char *name);

/* Text form of a UUID, 37 bytes with the NUL; parse accepts with or without dashes, any case. */
void hl_uuid_format(const uint8_t uuid[16], char out[37]);
int hl_uuid_parse(const char *text, uint8_t uuid[16]);
void hl_uuid_random(uint8_t uuid[16]);
bool hl_uuid_is_nil(const uint8_t uuid[16]);

#endif
