/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a PV guest sees in control registers and MSRs; also for save and restore. */
#ifndef XEN_PV_EMULATE_H
#define XEN_PV_EMULATE_H
#include "domain/domain.h"

uint64_t pv_guest_cr4(const struct vcpu *v);
/* current's MSRs. False: #GP. */
bool pv_read_msr(struct vcpu *v, uint32_t msr, uint64_t *value);
bool pv_write_msr(struct vcpu *v, uint32_t msr, uint64_t value);

#endif
