/* SPDX-License-Identifier: MIT */
/* Everything of the Xen ABI that a PV guest uses, in one include. */
#ifndef KIT_ABI_H
#define KIT_ABI_H

#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>

#include "hypercalls/abi/xen.h"
#include "hypercalls/abi/callback.h"
#include "hypercalls/abi/event_channel.h"
#include "hypercalls/abi/features.h"
#include "hypercalls/abi/grant_table.h"
#include "hypercalls/abi/memory.h"
#include "hypercalls/abi/physdev.h"
#include "hypercalls/abi/sched.h"
#include "hypercalls/abi/vcpu.h"
#include "hypercalls/abi/version.h"

#endif
