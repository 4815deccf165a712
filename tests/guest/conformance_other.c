/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls of hardware guests, of features that are off, and of those that are gone. */
#include "conformance.h"
#include "hypercalls/abi/hvm_op.h"
#include "hypercalls/abi/dm_op.h"
#include "hypercalls/abi/kexec.h"
#include "hypercalls/abi/hypfs.h"
#include "hypercalls/abi/mca.h"
#include "hypercalls/abi/pmu.h"

static uint64_t arg[128] __attribute__((aligned(4096)));

static long hvm(unsigned int op)
{
    memset(arg, 0, sizeof(arg));
    return HYPERCALL2(__HYPERVISOR_hvm_op, op, arg);
}

void conform_other(void)
{
    static const unsigned int hvm_ops[] = {0, 1, 5, 9, 10, 12, 13, 15, 23, 24, 25, 99};
    char key[24];

    conform_family("hvm_op");
    for (unsigned int i = 0; i < sizeof(hvm_ops) / sizeof(hvm_ops[0]); i++) {
        ksnprintf(key, sizeof(key), "%u/pv", hvm_ops[i]);
        ROW(key, -XEN_ENOSYS, hvm(hvm_ops[i]));
    }

    conform_family("dm_op");
    ROW("nobody", -XEN_ENOSYS, HYPERCALL3(__HYPERVISOR_dm_op, NOBODY, 1, arg));
    ROW("self", -XEN_ENOSYS, HYPERCALL3(__HYPERVISOR_dm_op, DOMID_SELF, 1, arg));
    ROW("no-buffers", -XEN_ENOSYS, HYPERCALL3(__HYPERVISOR_dm_op, DOMID_SELF, 0, arg));

    conform_family("kexec_op");
    for (unsigned int i = 0; i < 8; i++) {
        ksnprintf(key, sizeof(key), "%u/unmapped", i);
        ROW(key, -XEN_ENOSYS, HYPERCALL2(__HYPERVISOR_kexec_op, i, NO_ADDRESS));
    }

    conform_family("hypfs_op");
    for (unsigned int i = 0; i < 4; i++) {
        ksnprintf(key, sizeof(key), "%u", i);
        ROW(key, -XEN_ENOSYS, hypercall(__HYPERVISOR_hypfs_op, i, 0, 0, 0, 0));
    }

    conform_family("xenpmu_op");
    for (unsigned int i = 0; i < 8; i++) {
        memset(arg, 0, sizeof(arg));
        ksnprintf(key, sizeof(key), "%u", i);
        ROW(key, -XEN_EOPNOTSUPP, HYPERCALL2(__HYPERVISOR_xenpmu_op, i, arg));
    }
    ROW("8", -XEN_EOPNOTSUPP, HYPERCALL2(__HYPERVISOR_xenpmu_op, 8, arg));
    POINTERS("init", -XEN_EOPNOTSUPP, p, HYPERCALL2(__HYPERVISOR_xenpmu_op, XENPMU_init, p));

    conform_family("xsm_op");
    ROW("any", -XEN_ENOSYS, HYPERCALL1(__HYPERVISOR_xsm_op, arg));
    ROW("null", -XEN_ENOSYS, HYPERCALL1(__HYPERVISOR_xsm_op, NULL));

    conform_family("mca");
    memset(arg, 0, sizeof(arg));
    ROW("version-0", -XEN_ENOSYS, HYPERCALL1(__HYPERVISOR_mca, arg));
    ((struct xen_mc *)arg)->interface_version = XEN_MCA_INTERFACE_VERSION;
    ROW("command-0", -XEN_ENOSYS, HYPERCALL1(__HYPERVISOR_mca, arg));
    ROW("null", -XEN_ENOSYS, HYPERCALL1(__HYPERVISOR_mca, NULL));

    conform_family("argo_op");
    for (unsigned int i = 0; i < 6; i++) {
        ksnprintf(key, sizeof(key), "%u", i);
        ROW(key, -XEN_ENOSYS, HYPERCALL2(39, i, arg));
    }

    conform_family("gone");
    ROW("tmem_op", -XEN_ENOSYS, HYPERCALL1(38, arg));
    ROW("xenoprof_op", -XEN_ENOSYS, HYPERCALL2(31, 0, NO_ADDRESS));
    ROW("event_channel_op_compat", -XEN_ENOSYS, HYPERCALL1(16, NO_ADDRESS));
    ROW("physdev_op_compat", -XEN_ENOSYS, HYPERCALL1(19, NO_ADDRESS));
    ROW("paging_domctl_cont", -XEN_ENOSYS, HYPERCALL1(49, NO_ADDRESS));
}
