/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the console share, and printk. */
#ifndef XEN_CONSOLE_CONSOLE_INTERNAL_H
#define XEN_CONSOLE_CONSOLE_INTERNAL_H
#include "lib/types.h"

#define LEVEL_NONE 4u /* no mark: as LOG_WARN */

/* A formatted text of one level (0..3, LEVEL_NONE); it may hold several lines or a part of one. */
void console_log(const char *text, unsigned int level, bool guest);

/* serial.c. Lock: console lock, except for rx. */
void serial_init_early(void);
void serial_init_options(bool com1, bool com2);
void serial_init_irq(void);
void serial_write(const char *s, size_t len);

/* vga.c. Lock: console lock. */
void vga_init(void);
void vga_write(const char *s, size_t len);
void vga_release(void);

/* keys.c */
void keys_init(void);

/* key_audit.c */
void key_audit_init(void);

/* input.c */
void input_init(void);

#endif
