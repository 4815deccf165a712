/* SPDX-License-Identifier: GPL-2.0-or-later */
/* domctl: vCPUs' contexts, types of frames, clocks and CPU policies. */
#include "conformance.h"
#include "conformance_domctl.h"

#define ctl   conform_domctl_op
#define call  conform_domctl_call
#define clear conform_domctl_clear

static struct vcpu_guest_context context;
static uint64_t buffer[2048];

static long get_context(domid_t dom, uint32_t vcpu, void *to)
{
    clear();
    ctl.u.vcpucontext.vcpu = vcpu;
    ctl.u.vcpucontext.ctxt.p = to;
    return call(XEN_DOMCTL_getvcpucontext, dom);
}

static long set_context(domid_t dom, uint32_t vcpu, void *from)
{
    clear();
    ctl.u.vcpucontext.vcpu = vcpu;
    ctl.u.vcpucontext.ctxt.p = from;
    return call(XEN_DOMCTL_setvcpucontext, dom);
}

static void contexts(const struct domain *w)
{
    ROW("getvcpucontext", 0, get_context(w->id, 0, &context));
    ROW("getvcpucontext/rflags", 0x200, context.user_regs.rflags & ~2UL);
    ROW("getvcpucontext/cr3", 1, context.ctrlreg[3] == xen_pfn_to_cr3(w->l4_mfn));
    ROW("getvcpucontext/online", VGCF_online, context.flags & VGCF_online);
    ROW("getvcpucontext/in-kernel", VGCF_in_kernel, context.flags & VGCF_in_kernel);
    ROW("getvcpucontext/not-initialised", -XEN_ENODATA, get_context(conform_empty, 0, &context));
    ROW("getvcpucontext/vcpu-beyond", -XEN_EINVAL, get_context(w->id, 1, &context));
    ROW("getvcpucontext/vcpu-max", -XEN_EINVAL, get_context(w->id, ~0U, &context));
    ROW("getvcpucontext/self", -XEN_EINVAL, get_context(0, 0, &context));
    ROW("getvcpucontext/null", -XEN_EFAULT, get_context(w->id, 0, NULL));
    ROW("getvcpucontext/unmapped", -XEN_EFAULT, get_context(w->id, 0, (void *)NO_ADDRESS));
    get_context(w->id, 0, &context);
    ROW("setvcpucontext/as-it-is", 0, set_context(w->id, 0, &context));
    ROW("setvcpucontext/self", -XEN_EINVAL, set_context(0, 0, &context));
    ROW("setvcpucontext/vcpu-beyond", -XEN_EINVAL, set_context(w->id, 1, &context));
    ROW("setvcpucontext/unmapped", -XEN_EFAULT, set_context(w->id, 0, (void *)NO_ADDRESS));
    ROW("setvcpucontext/reset-of-pv", -XEN_EOPNOTSUPP, set_context(w->id, 0, NULL));
    ROW("setvcpucontext/foreign-root", -XEN_EINVAL, set_context(conform_empty, 0, &context));
    struct vcpu_guest_context bad = context;
    bad.user_regs.rip = 0x0000900000000000UL;
    ROW("setvcpucontext/rip-non-canonical", -XEN_EINVAL, set_context(w->id, 0, &bad));
    bad = context;
    bad.ldt_ents = 8193;
    ROW("setvcpucontext/ldt-too-long", -XEN_EINVAL, set_context(w->id, 0, &bad));
    bad = context;
    bad.trap_ctxt[3].address = 0x0000900000000000UL;
    bad.trap_ctxt[3].vector = 3;
    ROW("setvcpucontext/trap-non-canonical", -XEN_EINVAL, set_context(w->id, 0, &bad));
    set_context(w->id, 0, &context);

    clear();
    ROW("get_ext_vcpucontext", 0, call(XEN_DOMCTL_get_ext_vcpucontext, w->id));
    ROW("get_ext_vcpucontext/size", 64, ctl.u.ext_vcpucontext.size);
    ROW("set_ext_vcpucontext/as-it-is", 0, call(XEN_DOMCTL_set_ext_vcpucontext, w->id));
    ctl.u.ext_vcpucontext.size = 1;
    ROW("set_ext_vcpucontext/too-short", -XEN_EINVAL, call(XEN_DOMCTL_set_ext_vcpucontext, w->id));
    ctl.u.ext_vcpucontext.size = 64;
    ctl.u.ext_vcpucontext.sysenter_callback_eip = 0x0000900000000000UL;
    ROW("set_ext_vcpucontext/non-canonical", -XEN_EINVAL,
        call(XEN_DOMCTL_set_ext_vcpucontext, w->id));
    ctl.u.ext_vcpucontext.vcpu = 1;
    ROW("set_ext_vcpucontext/vcpu-beyond", -XEN_ESRCH, call(XEN_DOMCTL_set_ext_vcpucontext, w->id));
    ctl.u.ext_vcpucontext.vcpu = 1;
    ROW("get_ext_vcpucontext/vcpu-beyond", -XEN_ESRCH, call(XEN_DOMCTL_get_ext_vcpucontext, w->id));
    ctl.u.ext_vcpucontext.vcpu = 0;
    ROW("get_ext_vcpucontext/self", -XEN_ESRCH, call(XEN_DOMCTL_get_ext_vcpucontext, 0));
}

static void states(const struct domain *w)
{
    clear();
    ROW("getvcpuinfo", 0, call(XEN_DOMCTL_getvcpuinfo, w->id));
    ROW("getvcpuinfo/online", 1, ctl.u.getvcpuinfo.online);
    ROW("getvcpuinfo/running", 0, ctl.u.getvcpuinfo.running);
    ctl.u.getvcpuinfo.vcpu = 0;
    ROW("getvcpuinfo/self", 0, call(XEN_DOMCTL_getvcpuinfo, 0));
    ROW("getvcpuinfo/self/running", 1, ctl.u.getvcpuinfo.running);
    ctl.u.getvcpuinfo.vcpu = 1;
    ROW("getvcpuinfo/vcpu-beyond", -XEN_EINVAL, call(XEN_DOMCTL_getvcpuinfo, w->id));
    ctl.u.getvcpuinfo.vcpu = ~0U;
    ROW("getvcpuinfo/vcpu-max", -XEN_EINVAL, call(XEN_DOMCTL_getvcpuinfo, w->id));

    clear();
    ROW("getvcpuextstate/size", 0, call(XEN_DOMCTL_getvcpuextstate, w->id));
    uint64_t size = ctl.u.vcpuextstate.size, mask = ctl.u.vcpuextstate.xfeature_mask;
    ROW("getvcpuextstate/size/some", 1, size > 576 && size <= sizeof(buffer) && (mask & 3) == 3);
    ctl.u.vcpuextstate.buffer.p = buffer;
    ROW("getvcpuextstate", 0, call(XEN_DOMCTL_getvcpuextstate, w->id));
    ctl.u.vcpuextstate.size = size - 1;
    ROW("getvcpuextstate/short", -XEN_EINVAL, call(XEN_DOMCTL_getvcpuextstate, w->id));
    ctl.u.vcpuextstate.size = size;
    ctl.u.vcpuextstate.xfeature_mask = mask;
    ctl.u.vcpuextstate.buffer.p = (void *)NO_ADDRESS;
    ROW("getvcpuextstate/unmapped", -XEN_EFAULT, call(XEN_DOMCTL_getvcpuextstate, w->id));
    ctl.u.vcpuextstate.vcpu = 1;
    ROW("getvcpuextstate/vcpu-beyond", -XEN_ESRCH, call(XEN_DOMCTL_getvcpuextstate, w->id));
    ctl.u.vcpuextstate.vcpu = 0;
    ctl.u.vcpuextstate.size = 1;
    ctl.u.vcpuextstate.buffer.p = buffer;
    ROW("setvcpuextstate/too-short", -XEN_EINVAL, call(XEN_DOMCTL_setvcpuextstate, w->id));
    ctl.u.vcpuextstate.size = 1UL << 20;
    ROW("setvcpuextstate/too-long", -XEN_EINVAL, call(XEN_DOMCTL_setvcpuextstate, w->id));
    ctl.u.vcpuextstate.vcpu = 1;
    ROW("setvcpuextstate/vcpu-beyond", -XEN_ESRCH, call(XEN_DOMCTL_setvcpuextstate, w->id));

    clear();
    ctl.u.vcpu_msrs.msrs.p = NULL;
    ROW("get_vcpu_msrs/size", 0, call(XEN_DOMCTL_get_vcpu_msrs, w->id));
    ctl.u.vcpu_msrs.vcpu = 1;
    ROW("get_vcpu_msrs/vcpu-beyond", -XEN_ESRCH, call(XEN_DOMCTL_get_vcpu_msrs, w->id));
    clear();
    ROW("set_vcpu_msrs/none", 0, call(XEN_DOMCTL_set_vcpu_msrs, w->id));
    memset(buffer, 0xff, 64);
    ctl.u.vcpu_msrs.msr_count = 1;
    ctl.u.vcpu_msrs.msrs.p = (void *)buffer;
    ROW("set_vcpu_msrs/unknown", -XEN_EINVAL, call(XEN_DOMCTL_set_vcpu_msrs, w->id));

    clear();
    ROW("sendtrigger/nmi", 0, call(XEN_DOMCTL_sendtrigger, w->id));
    ctl.u.sendtrigger.trigger = XEN_DOMCTL_SENDTRIGGER_RESET;
    ROW("sendtrigger/reset-of-pv", -XEN_ENOSYS, call(XEN_DOMCTL_sendtrigger, w->id));
    ctl.u.sendtrigger.trigger = XEN_DOMCTL_SENDTRIGGER_POWER;
    ROW("sendtrigger/power-of-pv", -XEN_EINVAL, call(XEN_DOMCTL_sendtrigger, w->id));
    ctl.u.sendtrigger.trigger = 99;
    ROW("sendtrigger/99", -XEN_ENOSYS, call(XEN_DOMCTL_sendtrigger, w->id));
    ctl.u.sendtrigger.trigger = 0;
    ctl.u.sendtrigger.vcpu = 1;
    ROW("sendtrigger/vcpu-beyond", -XEN_ESRCH, call(XEN_DOMCTL_sendtrigger, w->id));
}

static void memory(const struct domain *w)
{
    xen_pfn_t list[3] = {w->l4_mfn, w->first_mfn, 1UL << 27};

    clear();
    ctl.u.getpageframeinfo3.num = 3;
    ctl.u.getpageframeinfo3.array.p = list;
    ROW("getpageframeinfo3", 0, call(XEN_DOMCTL_getpageframeinfo3, w->id));
    ROW("getpageframeinfo3/pinned-root", XEN_DOMCTL_PFINFO_L4TAB | XEN_DOMCTL_PFINFO_LPINTAB,
        list[0] & XEN_DOMCTL_PFINFO_LTAB_MASK);
    ROW("getpageframeinfo3/plain", XEN_DOMCTL_PFINFO_NOTAB, list[1] & XEN_DOMCTL_PFINFO_LTAB_MASK);
    ROW("getpageframeinfo3/beyond", XEN_DOMCTL_PFINFO_XTAB, list[2] & XEN_DOMCTL_PFINFO_LTAB_MASK);
    ctl.u.getpageframeinfo3.num = 1025;
    ROW("getpageframeinfo3/1025", -XEN_E2BIG, call(XEN_DOMCTL_getpageframeinfo3, w->id));
    ctl.u.getpageframeinfo3.num = 1;
    ctl.u.getpageframeinfo3.array.p = (void *)NO_ADDRESS;
    ROW("getpageframeinfo3/unmapped", -XEN_EFAULT, call(XEN_DOMCTL_getpageframeinfo3, w->id));
    clear();
    ctl.u.hypercall_init.gmfn = w->l4_mfn;
    ROW("hypercall_init/page-table", -XEN_EPERM, call(XEN_DOMCTL_hypercall_init, w->id));
    ctl.u.hypercall_init.gmfn = ~0UL;
    ROW("hypercall_init/frame-max", -XEN_EINVAL, call(XEN_DOMCTL_hypercall_init, w->id));
    ctl.u.hypercall_init.gmfn = virt_to_mfn(page_alloc());
    ROW("hypercall_init/not-theirs", -XEN_EINVAL, call(XEN_DOMCTL_hypercall_init, w->id));
    ctl.u.hypercall_init.gmfn = w->first_mfn;
    ROW("hypercall_init", 0, call(XEN_DOMCTL_hypercall_init, w->id));
    clear();
    ROW("shadow_op/off", 0, call(XEN_DOMCTL_shadow_op, w->id));
    ctl.u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION;
    ROW("shadow_op/get_allocation", 0, call(XEN_DOMCTL_shadow_op, w->id));
    ctl.u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_PEEK;
    ROW("shadow_op/peek-not-on", -XEN_EOPNOTSUPP, call(XEN_DOMCTL_shadow_op, w->id));
    ctl.u.shadow_op.op = 99;
    ROW("shadow_op/99", -XEN_EINVAL, call(XEN_DOMCTL_shadow_op, w->id));
    clear();
    ctl.u.address_size.size = 64;
    ROW("set_address_size/64", 0, call(XEN_DOMCTL_set_address_size, conform_empty));
    ctl.u.address_size.size = 16;
    ROW("set_address_size/16", -XEN_EINVAL, call(XEN_DOMCTL_set_address_size, conform_empty));
    ctl.u.address_size.size = 32;
    ROW("set_address_size/32", -XEN_EOPNOTSUPP, call(XEN_DOMCTL_set_address_size, w->id));
    ROW("get_address_size", 0, call(XEN_DOMCTL_get_address_size, conform_empty));
    ROW("get_address_size/64", 64, ctl.u.address_size.size);
}

static long tsc(domid_t dom, uint32_t mode)
{
    clear();
    ctl.u.tsc_info.tsc_mode = mode;
    return call(XEN_DOMCTL_settscinfo, dom);
}

static long policy(domid_t dom, uint32_t cmd, uint32_t leaves, uint32_t msrs, void *to)
{
    clear();
    ctl.u.cpu_policy.nr_leaves = leaves;
    ctl.u.cpu_policy.nr_msrs = msrs;
    ctl.u.cpu_policy.leaves.p = to;
    ctl.u.cpu_policy.msrs.p = to != NULL ? (void *)(buffer + 1900) : NULL;
    return call(cmd, dom);
}

static void models(const struct domain *w)
{
    const uint32_t get = XEN_DOMCTL_get_cpu_policy, set = XEN_DOMCTL_set_cpu_policy;
    xen_cpuid_leaf_t *leaf = (void *)buffer;

    ROW("settscinfo/default", 0, tsc(conform_empty, 0));
    ROW("settscinfo/never", 0, tsc(conform_empty, 2));
    ROW("gettscinfo", 0, call(XEN_DOMCTL_gettscinfo, conform_empty));
    ROW("gettscinfo/mode", 2, ctl.u.tsc_info.tsc_mode);
    ROW("gettscinfo/khz", 0, ctl.u.tsc_info.gtsc_khz > 1000);
    ROW("settscinfo/mode-4", -XEN_EINVAL, tsc(conform_empty, 4));
    ROW("settscinfo/mode-max", -XEN_EINVAL, tsc(conform_empty, ~0U));
    ROW("settscinfo/self", -XEN_EINVAL, tsc(0, 0));
    ROW("get_cpu_policy/size", 0, policy(w->id, get, 0, 0, NULL));
    ROW("get_cpu_policy/size/some", 1, ctl.u.cpu_policy.nr_leaves > 20);
    ROW("get_cpu_policy", 0, policy(w->id, get, 300, 16, buffer));
    ROW("get_cpu_policy/vendor", 0x68747541 /* Auth */, leaf[0].b);
    ROW("get_cpu_policy/room-1", -XEN_ENOBUFS, policy(w->id, get, 1, 16, buffer));
    ROW("get_cpu_policy/unmapped", -XEN_EFAULT, policy(w->id, get, 300, 16, (void *)NO_ADDRESS));
    ROW("get_cpu_policy/self", 0, policy(0, get, 300, 16, buffer));
    ROW("set_cpu_policy/initialised", -XEN_EEXIST, policy(w->id, set, 0, 0, buffer));
    ROW("set_cpu_policy/self", -XEN_EINVAL, policy(0, set, 0, 0, buffer));
    ROW("set_cpu_policy/nothing", 0, policy(conform_empty, set, 0, 0, NULL));
    ROW("set_cpu_policy/leaves-max", -XEN_E2BIG, policy(conform_empty, set, ~0U, 0, buffer));
    ROW("set_cpu_policy/msrs-max", -XEN_E2BIG, policy(conform_empty, set, 0, ~0U, buffer));
    ROW("set_cpu_policy/unmapped", -XEN_EFAULT,
        policy(conform_empty, set, 1, 0, (void *)NO_ADDRESS));
    leaf[0] = (xen_cpuid_leaf_t){.leaf = 0x12345678, .subleaf = XEN_CPUID_INPUT_UNUSED};
    ROW("set_cpu_policy/leaf-unknown", -XEN_ERANGE, policy(conform_empty, set, 1, 0, buffer));
    ROW("set_cpu_policy/leaf-unknown/which", 0x12345678, ctl.u.cpu_policy.err_leaf);
    policy(conform_empty, get, 300, 16, buffer);
    uint32_t n = ctl.u.cpu_policy.nr_leaves, m = ctl.u.cpu_policy.nr_msrs;
    ROW("set_cpu_policy/as-it-is", 0, policy(conform_empty, set, n, m, buffer));
}

void conform_domctl_vcpus(const struct domain *w)
{
    contexts(w);
    states(w);
    memory(w);
    models(w);
}
