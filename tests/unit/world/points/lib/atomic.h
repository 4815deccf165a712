/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen/lib/atomic.h for simulations: before each atomic change another CPU may execute (simulate.c);
 * before an atomic load or store, it may where lib/types.h lets it.
 */
#ifndef TESTS_WORLD_POINTS_ATOMIC_H
#define TESTS_WORLD_POINTS_ATOMIC_H
#include "xen/lib/atomic.h"
#include "lib/types.h"

void world_point(void);

#undef atomic_load
#undef atomic_store
#undef atomic_add
#undef atomic_sub
#undef atomic_add_fetch
#undef atomic_sub_fetch
#undef atomic_fetch_add
#undef atomic_or
#undef atomic_and
#undef atomic_fetch_or
#undef atomic_fetch_and
#undef atomic_xchg
#undef atomic_cmpxchg
#define atomic_load(p)         (fine_point(), __atomic_load_n((p), __ATOMIC_ACQUIRE))
#define atomic_store(p, v)     (fine_point(), __atomic_store_n((p), (v), __ATOMIC_RELEASE))
#define POINT_OP(op, p, v)     (world_point(), __atomic_##op((p), (v), __ATOMIC_SEQ_CST))
#define atomic_add(p, v)       ((void)POINT_OP(fetch_add, p, v))
#define atomic_sub(p, v)       ((void)POINT_OP(fetch_sub, p, v))
#define atomic_add_fetch(p, v) POINT_OP(add_fetch, p, v)
#define atomic_sub_fetch(p, v) POINT_OP(sub_fetch, p, v)
#define atomic_fetch_add(p, v) POINT_OP(fetch_add, p, v)
#define atomic_or(p, v)        ((void)POINT_OP(fetch_or, p, v))
#define atomic_and(p, v)       ((void)POINT_OP(fetch_and, p, v))
#define atomic_fetch_or(p, v)  POINT_OP(fetch_or, p, v)
#define atomic_fetch_and(p, v) POINT_OP(fetch_and, p, v)
#define atomic_xchg(p, v)      POINT_OP(exchange_n, p, v)
#define atomic_cmpxchg(p, old, new) \
    (world_point(),                 \
     __atomic_compare_exchange_n((p), (old), (new), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))

/* Their own definitions have the atomics without points. */
#define test_and_set_bit(map, nr)   (world_point(), (test_and_set_bit)(map, nr))
#define test_and_clear_bit(map, nr) (world_point(), (test_and_clear_bit)(map, nr))
#define set_bit(map, nr)            (world_point(), (set_bit)(map, nr))
#define clear_bit(map, nr)          (world_point(), (clear_bit)(map, nr))

#endif
