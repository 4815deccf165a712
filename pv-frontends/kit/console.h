/* SPDX-License-Identifier: MIT */
/* Text output: the hypervisor's console for Domain 0, the console ring for any other domain. */
#ifndef KIT_CONSOLE_H
#define KIT_CONSOLE_H

#include <stdarg.h>
#include "kit/abi.h"

/* Chooses ring or hypercall by start_info's flags. Before it, output goes by hypercall. */
void console_init(void);

/* What was typed, as far as it has come: how many bytes, 0 where there is no ring. Its port is
 * start_info's console.domU.evtchn. */
size_t console_read(char *text, size_t size);

/* Writes all bytes, waiting for the ring's reader where there is one. */
void console_write(const char *text, size_t length);

/* printf for %c %s %d %u %x %lx %ld %lu %p %% with width, '0', '-' and '#'. One call is one line at
 * most: text beyond 512 bytes is cut. */
__attribute__((format(printf, 1, 2))) void kprintf(const char *format, ...);
__attribute__((format(printf, 3, 4))) int ksnprintf(char *out, size_t size, const char *format,
                                                    ...);
int kvsnprintf(char *out, size_t size, const char *format, va_list args);

#endif
