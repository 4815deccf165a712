/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen/pv/hypercall.c with its preempt_check() under another name, so that the calls of it, those in
 * that file too, go to whole.c's. (Definition and calls differ in what is between the parentheses.)
 */
#include "hypercalls/hypercall.h"
#include "sched/softirq.h"
#include "whole.h"

#define PREEMPT_CHECK_void  whole_real_preempt_check(void)
#define PREEMPT_CHECK_      (preempt_check)()
#define preempt_check(what) PREEMPT_CHECK_##what
#include "xen/pv/hypercall.c"
