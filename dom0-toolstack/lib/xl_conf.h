/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's defaults, /etc/xen/xl.conf (environment HOSPES_XL_CONF names another file). */
#ifndef HL_XL_CONF_H
#define HL_XL_CONF_H

#include <stdbool.h>

struct hl_cpumask;
struct hl_error;
struct hv_topology;

/*
 * *value gets a malloc'd string, NULL where the key is not set. No file is as good as an empty one;
 * one that cannot be read is an error with file, line and column.
 */
int xl_conf_string(const char *key, char **value, struct hl_error *e);

/* *value stays as it is where the key is not set; outside of low to high it is an error. */
int xl_conf_number(const char *key, int low, int high, int *value, struct hl_error *e);

/*
 * Calls `warn` for each setting that does nothing: a key that nobody knows, or one of xl's that has no
 * meaning here. Of a file that cannot be read whoever needs a key of it complains.
 */
void xl_conf_check(void (*warn)(void *opaque, const char *text), void *opaque);

/* domid_policy=: are the numbers of domains random, or (false, where it is unset) the hypervisor's? */
int xl_conf_random_domid(bool *random, struct hl_error *e);

enum xl_autoballoon {
    XL_AUTOBALLOON_AUTO, /* unless dom0_mem= is on the hypervisor's command line */
    XL_AUTOBALLOON_ON,
    XL_AUTOBALLOON_OFF,
};

/* autoballoon=: may `create` shrink Domain 0? "auto", "on" or 1, "off" or 0; AUTO where it is unset. */
int xl_conf_autoballoon(enum xl_autoballoon *mode, struct hl_error *e);

/* claim_mode=: is a domain's memory claimed before it is allocated? 1 or 0; true where it is unset. */
int xl_conf_claim_mode(bool *claim, struct hl_error *e);

/*
 * The CPUs that guests may run on: vm.cpumask= and, of their type, vm.pv.cpumask= or vm.hvm.cpumask=.
 * *given is false where the host says nothing; then all are in *allowed.
 */
int xl_conf_cpumask(bool hvm, const struct hv_topology *topo, struct hl_cpumask *allowed,
                    bool *given, struct hl_error *e);

/* For whoever wanted others. */
#define XL_CONF_CPUMASK_ADVICE                                                            \
    "vm.cpumask and vm.pv.cpumask in /etc/xen/xl.conf say which CPUs guests may run on; " \
    "--ignore-global-affinity-masks overrules them"

#endif
