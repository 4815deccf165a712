/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one list of hypercalls: T(number, name, arguments, who may call, handler).
 * Dispatch, rights and docs/hypercalls.md derive from it.
 * Define T, include, undefine. (No include guard on purpose.)
 */
/* clang-format off */
T(0,  set_trap_table,     1, HC_PV,           hc_set_trap_table)
T(1,  mmu_update,         4, HC_PV,           hc_mmu_update)
T(2,  set_gdt,            2, HC_PV,           hc_set_gdt)
T(3,  stack_switch,       2, HC_PV,           hc_stack_switch)
T(5,  fpu_taskswitch,     1, HC_PV,           hc_fpu_taskswitch)
T(6,  sched_op_compat,    2, HC_PV,           hc_sched_op_compat)
T(7,  platform_op,        1, HC_ALL | HC_PRIV, hc_platform_op)
T(8,  set_debugreg,       2, HC_PV,           hc_set_debugreg)
T(9,  get_debugreg,       1, HC_PV,           hc_get_debugreg)
T(10, update_descriptor,  2, HC_PV,           hc_update_descriptor)
T(12, memory_op,          2, HC_ALL,          hc_memory_op)
T(13, multicall,          2, HC_ALL,          hc_multicall)
T(14, update_va_mapping,  3, HC_PV,           hc_update_va_mapping)
T(15, set_timer_op,       1, HC_ALL,          hc_set_timer_op)
T(17, xen_version,        2, HC_ALL,          hc_xen_version)
T(18, console_io,         3, HC_ALL,          hc_console_io)
T(20, grant_table_op,     3, HC_ALL,          hc_grant_table_op)
T(21, vm_assist,          2, HC_ALL,          hc_vm_assist)
T(22, update_va_mapping_otherdomain, 4, HC_PV, hc_update_va_mapping_otherdomain)
T(23, iret,               0, HC_PV,           hc_iret)
T(24, vcpu_op,            3, HC_ALL,          hc_vcpu_op)
T(25, set_segment_base,   2, HC_PV,           hc_set_segment_base)
T(26, mmuext_op,          4, HC_ALL,          hc_mmuext_op)
T(28, nmi_op,             2, HC_PV,           hc_nmi_op)
T(29, sched_op,           2, HC_ALL,          hc_sched_op)
T(30, callback_op,        2, HC_PV,           hc_callback_op)
T(32, event_channel_op,   2, HC_ALL,          hc_event_channel_op)
T(33, physdev_op,         2, HC_ALL,          hc_physdev_op)
T(35, sysctl,             1, HC_ALL | HC_PRIV, hc_sysctl)
T(36, domctl,             1, HC_ALL | HC_PRIV, hc_domctl)
T(40, xenpmu_op,          2, HC_ALL,          hc_xenpmu_op)
/* clang-format on */
