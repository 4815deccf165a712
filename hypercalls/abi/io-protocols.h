/* SPDX-License-Identifier: MIT */
/* What a frontend writes to "protocol": whose structure layout its rings follow. */
#ifndef HOSPES_ABI_IO_PROTOCOLS_H
#define HOSPES_ABI_IO_PROTOCOLS_H

#define XEN_IO_PROTO_ABI_X86_32 "x86_32-abi"
#define XEN_IO_PROTO_ABI_X86_64 "x86_64-abi"
#define XEN_IO_PROTO_ABI_ARM    "arm-abi"
#define XEN_IO_PROTO_ABI_NATIVE XEN_IO_PROTO_ABI_X86_64

#endif
