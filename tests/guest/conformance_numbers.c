/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every number of a hypercall, with arguments of all ones: who has it, and that none believes them. */
#include "conformance.h"

/* 4 would set callbacks to an address at the very top, 23 leave the kernel. */
static const short expected[64] = {
    [0] = -XEN_EFAULT,
    [1] = -XEN_EFAULT,
    [2] = -XEN_EINVAL,
    [3] = 0,
    [4] = 1,
    [5] = 0,
    [6] = -XEN_ENOSYS,
    [7] = -XEN_EFAULT,
    [8] = -XEN_ENODEV,
    [9] = -XEN_ENODEV,
    [10] = -XEN_EINVAL,
    [11] = -XEN_ENOSYS,
    [12] = -XEN_ENOSYS,
    [13] = -XEN_EFAULT,
    [14] = -XEN_EINVAL,
    [15] = 0,
    [16] = -XEN_ENOSYS,
    [17] = -XEN_ENOSYS,
    [18] = -XEN_ENOSYS,
    [19] = -XEN_ENOSYS,
    [20] = -XEN_EINVAL,
    [21] = -XEN_EINVAL,
    [22] = -XEN_ESRCH,
    [23] = 1,
    [24] = -XEN_ENOENT,
    [25] = -XEN_EINVAL,
    [26] = -XEN_EFAULT,
    [27] = -XEN_ENOSYS,
    [28] = -XEN_ENOSYS,
    [29] = -XEN_ENOSYS,
    [30] = -XEN_ENOSYS,
    [31] = -XEN_ENOSYS,
    [32] = -XEN_ENOSYS,
    [33] = -XEN_ENOSYS,
    [34] = -XEN_ENOSYS,
    [35] = -XEN_EFAULT,
    [36] = -XEN_EFAULT,
    [37] = -XEN_ENOSYS,
    [38] = -XEN_ENOSYS,
    [39] = -XEN_ENOSYS,
    [40] = -XEN_EOPNOTSUPP,
    [41] = -XEN_ENOSYS,
    [42] = -XEN_ENOSYS,
    [43] = -XEN_ENOSYS,
    [44] = -XEN_ENOSYS,
    [45] = -XEN_ENOSYS,
    [46] = -XEN_ENOSYS,
    [47] = -XEN_ENOSYS,
    [48] = -XEN_ENOSYS,
    [49] = -XEN_ENOSYS,
    [50] = -XEN_ENOSYS,
    [51] = -XEN_ENOSYS,
    [52] = -XEN_ENOSYS,
    [53] = -XEN_ENOSYS,
    [54] = -XEN_ENOSYS,
    [55] = -XEN_ENOSYS,
    [56] = -XEN_ENOSYS,
    [57] = -XEN_ENOSYS,
    [58] = -XEN_ENOSYS,
    [59] = -XEN_ENOSYS,
    [60] = -XEN_ENOSYS,
    [61] = -XEN_ENOSYS,
    [62] = -XEN_ENOSYS,
    [63] = -XEN_ENOSYS,
};

void conform_numbers(void)
{
    char key[16];

    conform_family("number");
    for (unsigned int nr = 0; nr < 64; nr++) {
        if (expected[nr] == 1) {
            continue;
        }
        ksnprintf(key, sizeof(key), "%u", nr);
        /* These look at the domain, too: its own. */
        bool list = nr == __HYPERVISOR_mmu_update || nr == __HYPERVISOR_mmuext_op;
        ROW(key, expected[nr],
            list ? hypercall(nr, ~0UL, 1, 0, DOMID_SELF, 0)
                 : hypercall(nr, ~0UL, ~0UL, ~0UL, ~0UL, ~0UL));
    }
    hv_fpu_taskswitch(0);
    ROW("64", -XEN_ENOSYS, HYPERCALL0(64));
    ROW("2^31", -XEN_ENOSYS, HYPERCALL0(1UL << 31));
    ROW("2^32", -XEN_ENOSYS, HYPERCALL0(1UL << 32));
    ROW("2^63", -XEN_ENOSYS, HYPERCALL0(1UL << 63));
    ROW("all-ones", -XEN_ENOSYS, HYPERCALL0(~0UL));
}
