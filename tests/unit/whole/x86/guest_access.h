/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stand-in for xen/x86/guest_access.h: the same functions, out of line (whole.c). */
#ifndef XEN_X86_GUEST_ACCESS_H
#define XEN_X86_GUEST_ACCESS_H
#include "lib/types.h"
#include "lib/errno.h"

typedef struct {
    uint64_t va;
} guest_ptr_t;

static inline guest_ptr_t guest_ptr(uint64_t va)
{
    return (guest_ptr_t){va};
}
#define guest_ptr_of(handle) guest_ptr((uint64_t)(handle).p)
static inline bool guest_ptr_null(guest_ptr_t p)
{
    return !p.va;
}

int __must_check copy_from_guest(void *dst, guest_ptr_t src, size_t len);
int __must_check copy_to_guest(guest_ptr_t dst, const void *src, size_t len);
int __must_check clear_guest(guest_ptr_t dst, size_t len);
static inline int __must_check copy_elem_from_guest(void *dst, guest_ptr_t array, uint64_t index,
                                                    size_t size)
{
    uint64_t off, va;
    if (__builtin_mul_overflow(index, size, &off) || __builtin_add_overflow(array.va, off, &va))
        return -EFAULT;
    return copy_from_guest(dst, guest_ptr(va), size);
}
static inline int __must_check copy_elem_to_guest(guest_ptr_t array, uint64_t index,
                                                  const void *src, size_t size)
{
    uint64_t off, va;
    if (__builtin_mul_overflow(index, size, &off) || __builtin_add_overflow(array.va, off, &va))
        return -EFAULT;
    return copy_to_guest(guest_ptr(va), src, size);
}
#define copy_struct_from_guest(dst, src) copy_from_guest((dst), (src), sizeof(*(dst)))
#define copy_struct_to_guest(dst, src)   copy_to_guest((dst), (src), sizeof(*(src)))

#endif
