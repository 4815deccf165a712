/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of physical CPUs. MAX_CPUS is 64, so that a set is one word, passed by value. */
#ifndef XEN_LIB_CPUMASK_H
#define XEN_LIB_CPUMASK_H
#include "lib/types.h"

typedef struct {
    uint64_t bits;
} cpumask_t;
_Static_assert(MAX_CPUS <= 64, "a cpumask is one word");

#define CPUMASK_NONE ((cpumask_t){0})
#define CPUMASK_ALL  ((cpumask_t){~0ull})

static inline cpumask_t cpumask_of(unsigned int cpu)
{
    return (cpumask_t){1ull << cpu};
}
static inline bool cpumask_test(cpumask_t m, unsigned int cpu)
{
    return (m.bits >> cpu) & 1;
}
static inline bool cpumask_empty(cpumask_t m)
{
    return !m.bits;
}
static inline unsigned int cpumask_weight(cpumask_t m)
{
    return (unsigned int)__builtin_popcountll(m.bits);
}
static inline cpumask_t cpumask_and(cpumask_t a, cpumask_t b)
{
    return (cpumask_t){a.bits & b.bits};
}
static inline cpumask_t cpumask_or(cpumask_t a, cpumask_t b)
{
    return (cpumask_t){a.bits | b.bits};
}
static inline cpumask_t cpumask_andnot(cpumask_t a, cpumask_t b)
{
    return (cpumask_t){a.bits & ~b.bits};
}
/* Lowest CPU in the set; MAX_CPUS if it is empty. */
static inline unsigned int cpumask_first(cpumask_t m)
{
    return m.bits ? (unsigned int)__builtin_ctzll(m.bits) : MAX_CPUS;
}
#define cpumask_for_each(cpu, m)      \
    for (uint64_t m_##cpu = (m).bits; \
         m_##cpu && ((cpu) = (unsigned int)__builtin_ctzll(m_##cpu), 1); m_##cpu &= m_##cpu - 1)

/* CPUs that are up and scheduling. Written only while CPUs come up; defined in x86/smp.c. */
extern cpumask_t cpu_online_map;

#endif
