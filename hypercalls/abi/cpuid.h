/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's CPUID leaves. A PV guest asks with XEN_CPUID, a hardware guest with CPUID; the
 * latter finds them 0x100 (or a multiple) higher when Viridian leaves come first.
 *
 *   +0  eax: last leaf; ebx ecx edx: "XenVMMXenVMM"
 *   +1  eax: version, major << 16 | minor
 *   +2  eax: hypercall pages; ebx: MSR to write their address to; ecx, edx: features
 *   +3  time: subleaf 0 mode, 1 scale and offset, 2 host frequency
 *   +4  hardware guests: eax: flags below; ebx: vCPU id; ecx: domain id
 *   +5  PV guests: ebx: width of machine addresses
 */
#ifndef HOSPES_ABI_CPUID_H
#define HOSPES_ABI_CPUID_H

#define XEN_CPUID_FIRST_LEAF     0x40000000
#define XEN_CPUID_LEAF(i)        (XEN_CPUID_FIRST_LEAF + (i))
#define XEN_CPUID_MAX_NUM_LEAVES 5

#define XEN_CPUID_SIGNATURE_EBX  0x566e6558
#define XEN_CPUID_SIGNATURE_ECX  0x65584d4d
#define XEN_CPUID_SIGNATURE_EDX  0x4d4d566e

/* Leaf 2, ecx */
#define _XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD 0
#define XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD  (1u << 0)

/* Leaf 4, eax */
#define XEN_HVM_CPUID_APIC_ACCESS_VIRT (1u << 0)
#define XEN_HVM_CPUID_X2APIC_VIRT      (1u << 1)
#define XEN_HVM_CPUID_IOMMU_MAPPINGS   (1u << 2)
#define XEN_HVM_CPUID_VCPU_ID_PRESENT  (1u << 3)
#define XEN_HVM_CPUID_DOMID_PRESENT    (1u << 4)
#define XEN_HVM_CPUID_EXT_DEST_ID      (1u << 5)
#define XEN_HVM_CPUID_UPCALL_VECTOR    (1u << 6)

/* Leaf 5, ebx */
#define XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK (0xffu << 0)

#endif
