/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The user's terminal joined with a guest's console. */
#ifndef HL_HL_TERMINAL_H
#define HL_HL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

struct app;

/* Leaves the console: Ctrl-]. */
#define CONSOLE_ESCAPE 0x1d

/*
 * Copies both ways between the terminal and `fd`, a socket of hospesd or a pty, until the user types
 * the escape or the other side ends. The terminal is raw meanwhile and as before afterwards, also
 * when a signal ends us. An end of stdin that is no terminal only ends that direction. Closes fd. 0,
 * or an exit code after printing why.
 */
int terminal_join(struct app *app, int fd);

/*
 * For others who draw on the terminal: keys come as they are typed until terminal_cook(), or until a signal ends us.
 * False, and nothing done, where stdin or stdout is no terminal.
 */
bool terminal_raw(void);
void terminal_cook(void);
/* All of it to the terminal; -1 with errno. */
int terminal_write(const char *data, size_t len);

/*
 * Opens a domain's console: hospesd's or, where another daemon serves it, the pty that xenstore
 * names. A descriptor, or -1 after printing why.
 */
int console_open(struct app *app, unsigned int domid, unsigned int number, int follow);

#endif
