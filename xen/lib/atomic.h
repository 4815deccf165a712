/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Atomic operations as compiler builtins (no inline assembly, so the host build uses the same).
 * On x86 every read-modify-write below is one locked instruction and a full barrier; a release
 * store and an acquire load are plain moves.
 */
#ifndef XEN_LIB_ATOMIC_H
#define XEN_LIB_ATOMIC_H
#include "lib/types.h"

#define atomic_load(p)         __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define atomic_store(p, v)     __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define atomic_add(p, v)       ((void)__atomic_fetch_add((p), (v), __ATOMIC_SEQ_CST))
#define atomic_sub(p, v)       ((void)__atomic_fetch_sub((p), (v), __ATOMIC_SEQ_CST))
#define atomic_add_fetch(p, v) __atomic_add_fetch((p), (v), __ATOMIC_SEQ_CST)
#define atomic_sub_fetch(p, v) __atomic_sub_fetch((p), (v), __ATOMIC_SEQ_CST)
#define atomic_fetch_add(p, v) __atomic_fetch_add((p), (v), __ATOMIC_SEQ_CST)
#define atomic_or(p, v)        ((void)__atomic_fetch_or((p), (v), __ATOMIC_SEQ_CST))
#define atomic_and(p, v)       ((void)__atomic_fetch_and((p), (v), __ATOMIC_SEQ_CST))
#define atomic_fetch_or(p, v)  __atomic_fetch_or((p), (v), __ATOMIC_SEQ_CST)
#define atomic_fetch_and(p, v) __atomic_fetch_and((p), (v), __ATOMIC_SEQ_CST)
#define atomic_xchg(p, v)      __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
/* True if *p was *old and is now new; else *old holds what was found. */
#define atomic_cmpxchg(p, old, new) \
    __atomic_compare_exchange_n((p), (old), (new), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

/* Full barrier; and barriers for the compiler alone (x86 keeps loads and stores in order). */
#define smp_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define smp_wmb() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define barrier() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* Bits in arrays of 64-bit words (guest bitmaps of the ABI are xen_ulong_t, the same). */
static inline bool test_bit(const uint64_t *map, unsigned int nr)
{
    return (READ_ONCE(map[nr / 64]) >> (nr % 64)) & 1;
}
/* Written with the mask on both sides: compilers make one locked BTS or BTR of it. */
static inline bool test_and_set_bit(uint64_t *map, unsigned int nr)
{
    uint64_t mask = 1ull << (nr % 64);
    return atomic_fetch_or(&map[nr / 64], mask) & mask;
}
static inline bool test_and_clear_bit(uint64_t *map, unsigned int nr)
{
    uint64_t mask = 1ull << (nr % 64);
    return atomic_fetch_and(&map[nr / 64], ~mask) & mask;
}
static inline void set_bit(uint64_t *map, unsigned int nr)
{
    atomic_or(&map[nr / 64], 1ull << (nr % 64));
}
static inline void clear_bit(uint64_t *map, unsigned int nr)
{
    atomic_and(&map[nr / 64], ~(1ull << (nr % 64)));
}
/* Not atomic: for maps that a lock protects. */
static inline void set_bit_plain(uint64_t *map, unsigned int nr)
{
    map[nr / 64] |= 1ull << (nr % 64);
}
static inline void clear_bit_plain(uint64_t *map, unsigned int nr)
{
    map[nr / 64] &= ~(1ull << (nr % 64));
}

#endif
