/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The formatter behind snprintf and printk, under a name that host builds can use, too. */
#ifndef XEN_LIB_FORMAT_H
#define XEN_LIB_FORMAT_H
#include "lib/types.h"
#include <stdarg.h>

/*
 * As C's vsnprintf, for %c %s %d %i %u %x %X %o %p %% with the flags - 0 # + and space, width and
 * precision (also *), and the lengths hh h l ll z j t. Returns the length that the whole text has;
 * buf is terminated if size is not 0.
 */
int hv_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);

#endif
