/* SPDX-License-Identifier: MIT */
/*
 * For a kernel that is Domain 0: making, starting and ending other PV domains, from an ELF image of the kit that
 * was given as its initrd. No toolstack and no store are needed, and hundreds fit in a small machine.
 *
 * A new domain's pseudo-physical memory, all of it mapped at KIT_VIRT_BASE:
 *
 *   [0, 1 MiB) unused · image · p2m list · start_info · store page · console page · tables · stack · spare pages
 *
 * The store page holds no store: maker and domain may use it as they agree (domain.shared here, domain_shared()
 * there). What the domain prints goes to the ring in its console page; domain_print() shows it.
 */
#ifndef KIT_DOMAINS_H
#define KIT_DOMAINS_H

#include "kit/abi.h"
#include "hypercalls/abi/domctl.h"

#define KIT_MAX_DOMAINS 256

struct xencons_interface;

/* How a domain shall be; zero stands for the value in brackets. */
struct domain_config {
    const void *elf;          /* [the initrd] */
    const char *cmdline;      /* [empty] */
    unsigned int vcpus;       /* [1] */
    unsigned int spare_pages; /* free pages behind the stack [32] */
};

struct domain {
    domid_t id;
    unsigned int slot; /* of the window for its two pages */
    unsigned long nr_pages;
    void *shared;                      /* its store page, mapped here */
    struct xencons_interface *console; /* its console page, mapped here */
    unsigned long shared_mfn, l4_mfn, first_mfn /* of pfn 0 */;
};

/* Makes a domain, paused by one pause of the tools. 0 or the hypervisor's error; then nothing is left of it.
 * domain_destroy() undoes it. */
long domain_make(struct domain *d, const struct domain_config *config);
/* The parts of domain_make(), for who measures them: an empty domain with its vCPUs; its memory and state. */
long domain_create_empty(struct domain *d, const struct domain_config *config);
long domain_fill(struct domain *d, const struct domain_config *config);

/* Maps nothing of it any more and destroys it; it is gone at return if nobody else holds pages of it. */
long domain_destroy(struct domain *d);

long domain_unpause(const struct domain *d);
long domain_pause(const struct domain *d);
/* -3 (ESRCH) if there is no such domain. */
long domain_info(domid_t id, struct xen_domctl_getdomaininfo *info);
long domain_set_weight_and_cap(const struct domain *d, uint16_t weight, uint16_t cap);
/* The CPUs on which a vCPU may run. */
long domain_set_affinity(domid_t id, unsigned int vcpu, uint64_t cpus);
/* Any domctl: fills in command, interface version and domain. */
long domain_control(struct xen_domctl *op, uint32_t cmd, domid_t id);

/* Prints what the domain has written to its console since, each line after `prefix`. */
void domain_print(struct domain *d, const char *prefix);

/* In the made domain: the page that the maker has as domain.shared. */
void *domain_shared(void);

#endif
