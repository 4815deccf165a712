/* SPDX-License-Identifier: MIT */
/* More than one vCPU. */
#ifndef KIT_VCPUS_H
#define KIT_VCPUS_H

#include "kit/abi.h"

/* Fills the state in which a vCPU enters fn(arg) on the kit's stack, address space, trap table and
 * callbacks. Events are masked. */
void vcpu_context(struct vcpu_guest_context *context, unsigned int vcpu, void (*fn)(void *),
                  void *arg);

/* Initialises and starts a vCPU in fn(arg); fn must not return but may take the vCPU down. Returns
 * the hypervisor's error or 0. */
long vcpu_start(unsigned int vcpu, void (*fn)(void *), void *arg);

/* Whether the vCPU is up: 1, 0 or the hypervisor's error. */
long vcpu_is_up(unsigned int vcpu);

/* Takes the calling vCPU down; returns only if it is brought up again. */
void vcpu_down_self(void);

#endif
