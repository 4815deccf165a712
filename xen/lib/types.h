/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types that every part of the hypervisor shares: integers, frame numbers that do not mix, and
 * a few macros. Freestanding; compiles on the host too.
 */
#ifndef XEN_LIB_TYPES_H
#define XEN_LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Machine frame number: a 4 KiB frame of the host. */
typedef struct {
    uint64_t v;
} mfn_t;
/* Guest frame number: a frame in a guest's own physical address space (PV: the MFN itself). */
typedef struct {
    uint64_t v;
} gfn_t;

static inline mfn_t mfn_make(uint64_t v)
{
    return (mfn_t){v};
}
static inline uint64_t mfn_x(mfn_t m)
{
    return m.v;
}
static inline mfn_t mfn_add(mfn_t m, uint64_t n)
{
    return (mfn_t){m.v + n};
}
static inline bool mfn_eq(mfn_t a, mfn_t b)
{
    return a.v == b.v;
}
static inline gfn_t gfn_make(uint64_t v)
{
    return (gfn_t){v};
}
static inline uint64_t gfn_x(gfn_t g)
{
    return g.v;
}
#define INVALID_MFN ((mfn_t){~0ull})

typedef uint64_t paddr_t; /* machine physical address, bytes */
typedef int64_t s_time_t; /* system time since boot, nanoseconds */

#define PAGE_SHIFT                    12
#define PAGE_SIZE                     4096ul
#define PAGE_MASK                     (~(PAGE_SIZE - 1))

#define MAX_CPUS                      64  /* physical CPUs */
#define MAX_VCPUS                     128 /* vCPUs of one domain */

#define KB(n)                         ((uint64_t)(n) << 10)
#define MB(n)                         ((uint64_t)(n) << 20)
#define GB(n)                         ((uint64_t)(n) << 30)

#define ARRAY_SIZE(a)                 (sizeof(a) / sizeof((a)[0]))
#define DIV_ROUND_UP(a, b)            (((a) + (b)-1) / (b))
#define ROUND_UP(a, b)                (((a) + (b)-1) & ~((typeof(a))(b)-1))
#define ROUND_DOWN(a, b)              ((a) & ~((typeof(a))(b)-1))
#define container_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))

/* Each argument is read once: what another CPU changes meanwhile is not seen twice. */
#define MIN(a, b)                      \
    __extension__({                    \
        __auto_type min_a = (a);       \
        __auto_type min_b = (b);       \
        min_a < min_b ? min_a : min_b; \
    })
#define MAX(a, b)                      \
    __extension__({                    \
        __auto_type max_a = (a);       \
        __auto_type max_b = (b);       \
        max_a > max_b ? max_a : max_b; \
    })

#define likely(x)      __builtin_expect(!!(x), 1)
#define unlikely(x)    __builtin_expect(!!(x), 0)
#define __packed       __attribute__((packed))
#define __aligned(n)   __attribute__((aligned(n)))
#define __noreturn     __attribute__((noreturn))
#define __unused       __attribute__((unused))
#define __must_check   __attribute__((warn_unused_result))
#define __printf(a, b) __attribute__((format(printf, a, b)))
#define __section(s)   __attribute__((section(s)))
/* Code and data used only until Domain 0 starts. (Its memory is not given back yet.) */
#ifdef __HYPERVISOR__
#define __init     __attribute__((section(".init.text"), cold))
#define __initdata __attribute__((section(".init.data")))
#else
#define __init
#define __initdata
#endif

#define READ_ONCE(x)     (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))

#endif
