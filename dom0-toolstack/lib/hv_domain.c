/* SPDX-License-Identifier: GPL-2.0-or-later */
/* domctl, typed; see hv_domain.h. */
#include "dom0-toolstack/lib/hv_domain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/lib/abi.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hv.h"
#include "dom0-toolstack/lib/hv_private.h"
#include "dom0-toolstack/lib/hv_system.h"

_Static_assert(sizeof(struct xen_domctl) <= HV_ARGS_SIZE, "the argument buffer holds a domctl");

long hv_call_struct(struct hv *hv, unsigned int nr, unsigned int cmd, void *arg, size_t size)
{
    long rc;

    if (size > HV_ARGS_SIZE)
        return -E2BIG;
    memcpy(hv->args, arg, size);
    rc = hv_call(hv, nr, cmd, (uintptr_t)hv->args, 0, 0, 0);
    memcpy(arg, hv->args, size);
    return rc;
}

long hv_domctl(struct hv *hv, struct xen_domctl *op)
{
    long rc;

    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    memcpy(hv->args, op, sizeof(*op));
    rc = hv_call(hv, __HYPERVISOR_domctl, (uintptr_t)hv->args, 0, 0, 0, 0);
    memcpy(op, hv->args, sizeof(*op));
    return rc;
}

int hv_domctl_fail(struct hl_error *e, long rc, uint32_t domid, const char *step)
{
    int err = (int)-rc;

    hl_fail_dom(e, err, domid, step, NULL);
    if (err == EACCES)
        hl_error_advise(e, "the hypervisor speaks another version of the tools interface than %#x",
                        XEN_DOMCTL_INTERFACE_VERSION);
    else if (err == EPERM)
        hl_error_advise(e, "only the control domain may do this");
    return -err;
}

/* A domctl with no answer but its success. */
static int simple(struct hv *hv, struct xen_domctl *op, const char *step, struct hl_error *e)
{
    long rc = hv_domctl(hv, op);

    return rc < 0 ? hv_domctl_fail(e, rc, op->domain, step) : 0;
}

static int command(struct hv *hv, uint32_t cmd, uint32_t domid, const char *step,
                   struct hl_error *e)
{
    struct xen_domctl op = {.cmd = cmd, .domain = (domid_t)domid};

    return simple(hv, &op, step, e);
}

/* ---- information ---- */

static void info_from_abi(struct hv_domain_info *to, const struct xen_domctl_getdomaininfo *from)
{
    *to = (struct hv_domain_info){
        .domid = from->domain,
        .running = (from->flags & XEN_DOMINF_running) != 0,
        .blocked = (from->flags & XEN_DOMINF_blocked) != 0,
        .paused = (from->flags & XEN_DOMINF_paused) != 0,
        .shutdown = (from->flags & XEN_DOMINF_shutdown) != 0,
        .dying = (from->flags & XEN_DOMINF_dying) != 0,
        .hvm = (from->flags & XEN_DOMINF_hvm_guest) != 0,
        .hap = (from->flags & XEN_DOMINF_hap) != 0,
        .xenstore = (from->flags & XEN_DOMINF_xs_domain) != 0,
        .shutdown_reason = (from->flags >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask,
        .pages = from->tot_pages,
        .max_pages = from->max_pages,
        .outstanding_pages = from->outstanding_pages,
        .shared_pages = from->shr_pages,
        .paged_pages = from->paged_pages,
        .shared_info_frame = from->shared_info_frame,
        .cpu_time_ns = from->cpu_time,
        .vcpus_online = from->nr_online_vcpus,
        .max_vcpu_id = from->max_vcpu_id,
        .cpupool = from->cpupool,
    };
    memcpy(to->uuid, from->handle, sizeof(to->uuid));
}

#define LIST_BATCH 64u

int hv_domain_list(struct hv *hv, struct hv_domain_info **list, size_t *count, struct hl_error *e)
{
    const size_t size = LIST_BATCH * sizeof(struct xen_domctl_getdomaininfo);
    struct xen_domctl_getdomaininfo *buf = hv_buffer_alloc(hv, size);
    struct hv_domain_info *all = NULL, *grown;
    size_t n = 0;
    uint32_t first = 0, got;
    int err = 0;

    *list = NULL;
    *count = 0;
    if (buf == NULL)
        return hl_fail(e, ENOMEM, "list the domains", NULL, NULL);
    do {
        struct xen_sysctl op = {.cmd = XEN_SYSCTL_getdomaininfolist};
        long rc;

        op.u.getdomaininfolist.first_domain = (domid_t)first;
        op.u.getdomaininfolist.max_domains = LIST_BATCH;
        HANDLE_SET(op.u.getdomaininfolist.buffer, buf);
        rc = hv_sysctl(hv, &op);
        if (rc < 0) {
            err = hv_sysctl_fail(e, rc, "list the domains");
            break;
        }
        got = op.u.getdomaininfolist.num_domains;
        if (got == 0 || got > LIST_BATCH)
            break;
        grown = realloc(all, (n + got) * sizeof(*all));
        if (grown == NULL) {
            err = hl_fail(e, ENOMEM, "list the domains", NULL, NULL);
            break;
        }
        all = grown;
        for (uint32_t i = 0; i < got; i++)
            info_from_abi(&all[n++], &buf[i]);
        first = all[n - 1].domid + 1;
    } while (got == LIST_BATCH);
    hv_buffer_free(hv, buf, size);
    if (err != 0) {
        free(all);
        return err;
    }
    *list = all;
    *count = n;
    return 0;
}

int hv_domain_info(struct hv *hv, uint32_t domid, struct hv_domain_info *info, struct hl_error *e)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_getdomaininfo, .domain = (domid_t)domid};
    long rc = domid < DOMID_FIRST_RESERVED ? hv_domctl(hv, &op) : -ESRCH;

    /* The call answers for the next higher domain where this one does not exist. */
    if (rc == 0 && op.u.getdomaininfo.domain != domid)
        rc = -ESRCH;
    if (rc < 0)
        return hv_domctl_fail(e, rc, domid, "look up the domain");
    info_from_abi(info, &op.u.getdomaininfo);
    return 0;
}

/* ---- life ---- */

int hv_domain_create(struct hv *hv, const struct hv_domain_create *c, uint32_t *domid,
                     struct hl_error *e)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_createdomain, .domain = (domid_t)*domid};
    struct xen_domctl_createdomain *create = &op.u.createdomain;
    long rc;

    memcpy(create->handle, c->uuid, sizeof(c->uuid));
    create->max_vcpus = c->max_vcpus;
    create->max_evtchn_port = c->max_evtchn_port;
    create->max_grant_frames = c->max_grant_frames;
    create->max_maptrack_frames = c->max_maptrack_frames;
    create->grant_opts = XEN_DOMCTL_GRANT_version(c->grant_version);
    create->cpupool_id = c->cpupool;
    rc = hv_domctl(hv, &op);
    if (rc < 0) {
        hl_fail(e, (int)-rc, "create an empty domain", NULL, NULL);
        if (rc == -ENOMEM)
            hl_error_advise(e, "the hypervisor is out of memory: destroy or shrink a domain");
        else if (rc == -EINVAL)
            hl_error_advise(e,
                            "the hypervisor refuses one of its limits: %u vCPUs, event channels up "
                            "to %u, grant frames %d, maptrack frames %d, grant version %u, pool %u",
                            c->max_vcpus, c->max_evtchn_port, c->max_grant_frames,
                            c->max_maptrack_frames, c->grant_version, c->cpupool);
        return (int)rc;
    }
    *domid = op.domain;
    return 0;
}

int hv_domain_destroy(struct hv *hv, uint32_t domid, struct hl_error *e)
{
    struct xen_domctl op;
    long rc;

    do {
        op = (struct xen_domctl){.cmd = XEN_DOMCTL_destroydomain, .domain = (domid_t)domid};
        rc = hv_domctl(hv, &op);
    } while (rc == -EAGAIN || rc == -EINTR || rc == -ERESTART);
    return rc < 0 ? hv_domctl_fail(e, rc, domid, "destroy the domain") : 0;
}

int hv_domain_pause(struct hv *hv, uint32_t domid, struct hl_error *e)
{
    return command(hv, XEN_DOMCTL_pausedomain, domid, "pause the domain", e);
}

int hv_domain_unpause(struct hv *hv, uint32_t domid, struct hl_error *e)
{
    return command(hv, XEN_DOMCTL_unpausedomain, domid, "unpause the domain", e);
}

int hv_domain_resume(struct hv *hv, uint32_t domid, struct hl_error *e)
{
    return command(hv, XEN_DOMCTL_resumedomain, domid, "resume the domain", e);
}

int hv_domain_shutdown(struct hv *hv, uint32_t domid, enum hv_shutdown reason, struct hl_error *e)
{
    struct sched_remote_shutdown op = {.domain_id = (domid_t)domid, .reason = reason};
    long rc = hv_call_struct(hv, __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, &op, sizeof(op));

    return rc < 0 ? hv_domctl_fail(e, rc, domid, "shut the domain down") : 0;
}

int hv_domain_set_uuid(struct hv *hv, uint32_t domid, const uint8_t uuid[16], struct hl_error *e)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_setdomainhandle, .domain = (domid_t)domid};

    memcpy(op.u.setdomainhandle.handle, uuid, 16);
    return simple(hv, &op, "set the domain's UUID", e);
}

int hv_domain_trigger(struct hv *hv, uint32_t domid, uint32_t trigger, uint32_t vcpu,
                      struct hl_error *e)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_sendtrigger, .domain = (domid_t)domid};

    op.u.sendtrigger.trigger = trigger;
    op.u.sendtrigger.vcpu = vcpu;
    return simple(hv, &op, "send a trigger", e);
}

/* ---- limits ---- */

int hv_domain_set_max_vcpus(struct hv *hv, uint32_t domid, uint32_t max, struct hl_error *e)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_max_vcpus, .domain = (domid_t)domid};

    op.u.max_vcpus.max = max;
    return simple(hv, &op, "make the domain's vCPUs", e);
}

int hv_domain_set_max_mem(struct hv *hv, uint32_t domid, uint64_t kib, struct hl_error *e)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_max_mem, .domain = (domid_t)domid};

    op.u.max_mem.max_memkb = kib;
    return simple(hv, &op, "set the domain's memory limit", e);
}

int hv_domain_set_address_size(struct hv *hv, uint32_t domid, uint32_t bits, struct hl_error *e)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_set_address_size, .domain = (domid_t)domid};

    op.u.address_size.size = bits;
    return simple(hv, &op, "set the domain's address size", e);
}

int hv_domain_get_address_size(struct hv *hv, uint32_t domid, uint32_t *bits, struct hl_error *e)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_get_address_size, .domain = (domid_t)domid};
    int rc = simple(hv, &op, "read the domain's address size", e);

    if (rc == 0)
        *bits = op.u.address_size.size;
    return rc;
}

int hv_domain_set_tsc(struct hv *hv, uint32_t domid, uint32_t mode, uint32_t khz,
                      uint32_t incarnation, uint64_t elapsed_ns, struct hl_error *e)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_settscinfo, .domain = (domid_t)domid};

    op.u.tsc_info.tsc_mode = mode;
    op.u.tsc_info.gtsc_khz = khz;
    op.u.tsc_info.incarnation = incarnation;
    op.u.tsc_info.elapsed_nsec = elapsed_ns;
    return simple(hv, &op, "set the domain's TSC mode", e);
}

int hv_domain_init_hypercall_page(struct hv *hv, uint32_t domid, uint64_t gmfn, struct hl_error *e)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_hypercall_init, .domain = (domid_t)domid};

    op.u.hypercall_init.gmfn = gmfn;
    return simple(hv, &op, "write the hypercall page", e);
}

/* ---- vCPUs ---- */

int hv_vcpu_set_context(struct hv *hv, uint32_t domid, uint32_t vcpu,
                        const struct vcpu_guest_context *ctxt, struct hl_error *e)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_setvcpucontext, .domain = (domid_t)domid};
    struct vcpu_guest_context *buf = hv_buffer_alloc(hv, sizeof(*buf));
    int rc;

    if (buf == NULL)
        return hl_fail_dom(e, ENOMEM, domid, "set a vCPU's state", NULL);
    *buf = *ctxt;
    op.u.vcpucontext.vcpu = vcpu;
    HANDLE_SET(op.u.vcpucontext.ctxt, buf);
    rc = simple(hv, &op, "set a vCPU's state", e);
    hv_buffer_free(hv, buf, sizeof(*buf));
    return rc;
}

int hv_vcpu_get_context(struct hv *hv, uint32_t domid, uint32_t vcpu,
                        struct vcpu_guest_context *ctxt, struct hl_error *e)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_getvcpucontext, .domain = (domid_t)domid};
    struct vcpu_guest_context *buf = hv_buffer_alloc(hv, sizeof(*buf));
    int rc;

    if (buf == NULL)
        return hl_fail_dom(e, ENOMEM, domid, "read a vCPU's state", NULL);
    op.u.vcpucontext.vcpu = vcpu;
    HANDLE_SET(op.u.vcpucontext.ctxt, buf);
    rc = simple(hv, &op, "read a vCPU's state", e);
    if (rc == 0)
        *ctxt = *buf;
    hv_buffer_free(hv, buf, sizeof(*buf));
    return rc;
}

int hv_vcpu_info(struct hv *hv, uint32_t domid, uint32_t vcpu, struct hv_vcpu_info *info,
                 struct hl_error *e)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_getvcpuinfo, .domain = (domid_t)domid};
    long rc;

    op.u.getvcpuinfo.vcpu = vcpu;
    rc = hv_domctl(hv, &op);
    if (rc < 0) {
        hv_domctl_fail(e, rc, domid, "read a vCPU's accounts");
        return (int)rc;
    }
    *info = (struct hv_vcpu_info){
        .vcpu = vcpu,
        .online = op.u.getvcpuinfo.online != 0,
        .blocked = op.u.getvcpuinfo.blocked != 0,
        .running = op.u.getvcpuinfo.running != 0,
        .cpu_time_ns = op.u.getvcpuinfo.cpu_time,
        .cpu = op.u.getvcpuinfo.cpu,
    };
    return 0;
}

/* Two masks in one hypercall buffer: hard first. */
struct mask_pair {
    struct hl_cpumask hard, soft;
};

static void point_at_masks(struct xen_domctl_vcpuaffinity *a, struct mask_pair *m)
{
    HANDLE_SET(a->cpumap_hard.bitmap, &m->hard);
    HANDLE_SET(a->cpumap_soft.bitmap, &m->soft);
    a->cpumap_hard.nr_bits = a->cpumap_soft.nr_bits = HL_CPUMASK_BITS;
}

static int affinity(struct hv *hv, uint32_t cmd, uint32_t domid, uint32_t vcpu, uint32_t flags,
                    struct hl_cpumask *hard, struct hl_cpumask *soft, const char *step,
                    struct hl_error *e)
{
    struct xen_domctl op = {.cmd = cmd, .domain = (domid_t)domid};
    struct mask_pair *m = hv_buffer_alloc(hv, sizeof(*m));
    int rc;

    if (m == NULL)
        return hl_fail_dom(e, ENOMEM, domid, step, NULL);
    if (hard != NULL) {
        m->hard = *hard;
        flags |= XEN_VCPUAFFINITY_HARD;
    }
    if (soft != NULL) {
        m->soft = *soft;
        flags |= XEN_VCPUAFFINITY_SOFT;
    }
    op.u.vcpuaffinity.vcpu = vcpu;
    op.u.vcpuaffinity.flags = flags;
    point_at_masks(&op.u.vcpuaffinity, m);
    rc = simple(hv, &op, step, e);
    if (rc == 0 && hard != NULL)
        *hard = m->hard;
    if (rc == 0 && soft != NULL)
        *soft = m->soft;
    hv_buffer_free(hv, m, sizeof(*m));
    return rc;
}

int hv_vcpu_set_affinity(struct hv *hv, uint32_t domid, uint32_t vcpu, struct hl_cpumask *hard,
                         struct hl_cpumask *soft, bool force, struct hl_error *e)
{
    return affinity(hv, XEN_DOMCTL_setvcpuaffinity, domid, vcpu, force ? XEN_VCPUAFFINITY_FORCE : 0,
                    hard, soft, "set a vCPU's CPUs", e);
}

int hv_vcpu_get_affinity(struct hv *hv, uint32_t domid, uint32_t vcpu, struct hl_cpumask *hard,
                         struct hl_cpumask *soft, struct hl_error *e)
{
    return affinity(hv, XEN_DOMCTL_getvcpuaffinity, domid, vcpu, 0, hard, soft,
                    "read a vCPU's CPUs", e);
}

int hv_domain_set_node_affinity(struct hv *hv, uint32_t domid, const struct hl_cpumask *nodes,
                                struct hl_error *e)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_setnodeaffinity, .domain = (domid_t)domid};
    struct hl_cpumask *m = hv_buffer_alloc(hv, sizeof(*m));
    int rc;

    if (m == NULL)
        return hl_fail_dom(e, ENOMEM, domid, "set the domain's nodes", NULL);
    *m = *nodes;
    HANDLE_SET(op.u.nodeaffinity.nodemap.bitmap, m);
    op.u.nodeaffinity.nodemap.nr_bits = HL_CPUMASK_BITS;
    rc = simple(hv, &op, "set the domain's nodes", e);
    hv_buffer_free(hv, m, sizeof(*m));
    return rc;
}

/* ---- scheduling ---- */

static int sched_op(struct hv *hv, uint32_t domid, uint32_t cmd, struct xen_domctl *op,
                    const char *step, struct hl_error *e)
{
    uint32_t id;
    int rc = hv_sched_id(hv, &id, e);

    if (rc != 0)
        return rc;
    if (id != XEN_SCHEDULER_CREDIT2 && id != XEN_SCHEDULER_CREDIT)
        return hl_fail_dom(e, EOPNOTSUPP, domid, step, "the scheduler %s has no weights or caps",
                           hv_sched_name(id));
    op->cmd = XEN_DOMCTL_scheduler_op;
    op->domain = (domid_t)domid;
    op->u.scheduler_op.sched_id = id;
    op->u.scheduler_op.cmd = cmd;
    return simple(hv, op, step, e);
}

int hv_domain_sched_get(struct hv *hv, uint32_t domid, struct hv_sched_params *p,
                        struct hl_error *e)
{
    struct xen_domctl op = {0};
    int rc = sched_op(hv, domid, XEN_DOMCTL_SCHEDOP_getinfo, &op, "read weight and cap", e);

    /* Both schedulers have the same two fields in the same places. */
    if (rc == 0)
        *p = (struct hv_sched_params){op.u.scheduler_op.u.credit2.weight,
                                      op.u.scheduler_op.u.credit2.cap};
    return rc;
}

int hv_domain_sched_set(struct hv *hv, uint32_t domid, const struct hv_sched_params *p,
                        struct hl_error *e)
{
    struct hv_sched_params now;
    struct xen_domctl op = {0};
    int rc = hv_domain_sched_get(hv, domid, &now, e);

    if (rc != 0)
        return rc;
    if (p->weight >= 0)
        now.weight = p->weight;
    if (p->cap >= 0)
        now.cap = p->cap;
    if (now.weight < 1 || now.weight > 65535)
        return hl_fail_dom(e, EINVAL, domid, "set weight and cap", "weight %d is not in 1 … 65535",
                           now.weight);
    if (now.cap > 65535)
        return hl_fail_dom(e, EINVAL, domid, "set weight and cap", "cap %d is above 65535",
                           now.cap);
    op.u.scheduler_op.u.credit2.weight = (uint16_t)now.weight;
    op.u.scheduler_op.u.credit2.cap = (uint16_t)now.cap;
    return sched_op(hv, domid, XEN_DOMCTL_SCHEDOP_putinfo, &op, "set weight and cap", e);
}
