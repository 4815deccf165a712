/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLBs that remember: each CPU keeps translations that its guests used until a flush drops them, as
 * the hardware may. What they must never do is give a guest what it has no right to any more.
 */
#ifndef HOSPES_TESTS_WORLD_TLB_H
#define HOSPES_TESTS_WORLD_TLB_H
#include "tests/unit/whole/whole.h"

/* whole_hooks.flush: this CPU drops one page's entry, or (0) all. */
void tlb_model_flush(uint64_t va);
/*
 * The guest that runs on this CPU reads, or writes `value` to, the word at va, by an entry of the TLB
 * or of its tables; sets accessed and dirty bits. False: it would fault.
 */
bool tlb_model_access(uint64_t va, bool write, uint64_t value);
/*
 * At any time: no entry of any CPU leads to a frame that has another owner than when it was made, none
 * with write permission to a page table or descriptor page. Ends the test.
 */
void tlb_model_check(void);
/* While nobody is in the middle of anything: nor does one lead to the hypervisor's own. */
void tlb_model_check_quiet(void);

#endif
