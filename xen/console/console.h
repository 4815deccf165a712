/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypervisor's console: serial port and VGA text, a ring that `hl dmesg` reads, input shared
 * between Dom0 and the hypervisor's debug keys (three Ctrl-A switch).
 */
#ifndef XEN_CONSOLE_CONSOLE_H
#define XEN_CONSOLE_CONSOLE_H
#include "lib/types.h"

struct domain;
void console_init_early(void);   /* serial by default settings, before options are known */
void console_init_options(void); /* com1=, console=, loglvl=, guest_loglvl=, sync_console */
void console_init_irq(void);     /* input by interrupt */
/* Raw output of len bytes (guest's own, no level handling); also into the ring. */
void console_write(const char *s, size_t len);
/* Dom0's input (CONSOLEIO_read): bytes copied, up to len. */
size_t console_read_input(char *buf, size_t len);
/* Ring: copy up to len bytes from *index on; advance; clear: forget. sysctl readconsole. */
size_t console_ring_read(char *buf, size_t len, uint32_t *index, bool clear, bool incremental);
/* Input byte from the serial driver, interrupt context. */
void console_rx(char c);
/* Go synchronous, unlock: for panic. */
void console_force(void);
/* guest_loglvl= admits debug lines: ordinary guests may write to the console, too. */
bool console_guest_debug(void);
/* Wait (0.1 s at most) until the serial port has sent all: the machine is about to go. */
void console_flush(void);
/* Dom0 took the VGA over. */
void console_vga_release(void);

/* Debug keys: `hl debug-keys` and the menu. */
void debug_key_register(char key, void (*fn)(char key), const char *desc);
void debug_key_handle(char key);

#endif
