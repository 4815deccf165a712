/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen/lib/types.h for simulations: where fine_points is set, another CPU may execute before each read
 * and write of what is shared (READ_ONCE, WRITE_ONCE, and the atomics of lib/atomic.h).
 */
#ifndef TESTS_WORLD_POINTS_TYPES_H
#define TESTS_WORLD_POINTS_TYPES_H
#include "xen/lib/types.h"

extern bool fine_points;
void world_fine_point(void);
static inline void fine_point(void)
{
    if (unlikely(fine_points))
        world_fine_point();
}

#undef READ_ONCE
#undef WRITE_ONCE
#define READ_ONCE(x)     (fine_point(), *(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (fine_point(), *(volatile typeof(x) *)&(x) = (v))

#endif
