/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stand-in for interrupts of guests: 64 pirqs a domain, bound or not; number 13 is always taken. */
#include "domain/domain.h"
#include "lib/lib.h"
#include "x86/irq.h"

struct domain_pirqs {
    uint32_t port[64];
    bool bound[64];
};

int pirq_init_domain(struct domain *d)
{
    d->nr_pirqs = 64;
    d->pirqs = hv_zalloc(sizeof(*d->pirqs));
    return d->pirqs ? 0 : -ENOMEM;
}
void pirq_destroy_domain(struct domain *d)
{
    hv_free(d->pirqs);
    d->pirqs = NULL;
}
int pirq_bind_guest(struct domain *d, uint32_t pirq, bool shareable __unused)
{
    if (pirq == 13)
        return -EBUSY;
    d->pirqs->bound[pirq] = true;
    return 0;
}
void pirq_unbind_guest(struct domain *d, uint32_t pirq)
{
    d->pirqs->bound[pirq] = false;
}
void pirq_guest_unmask(struct domain *d __unused, uint32_t pirq __unused)
{
}
void pirq_set_cpu(struct domain *d __unused, uint32_t pirq __unused, unsigned int cpu)
{
    ASSERT(cpumask_test(cpu_online_map, cpu));
}
uint32_t pirq_to_evtchn(struct domain *d, uint32_t pirq)
{
    return d->pirqs ? d->pirqs->port[pirq] : 0;
}
void pirq_set_evtchn(struct domain *d, uint32_t pirq, uint32_t port)
{
    d->pirqs->port[pirq] = port;
}
struct frame *pirq_eoi_frame(const struct domain *d __unused)
{
    return NULL;
}
