/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The user's terminal joined with a guest's console. */
#ifndef HL_HL_TERMINAL_H
#define HL_HL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct app;

/* Which console, and who serves it. */
struct console_link {
    uint32_t domid;
    uint8_t uuid[16];
    unsigned int number;
    bool follow;  /* stays over reboots */
    pid_t daemon; /* hospesd's process; 0: it is a pty of another daemon */
};

/* Leaves the console: Ctrl-]. */
#define CONSOLE_ESCAPE 0x1d

/*
 * Copies both ways between the terminal and `fd`, a socket of hospesd or a pty, until the user types
 * the escape or the other side ends. The terminal is raw meanwhile and as before afterwards, also
 * when a signal ends us. An end of stdin that is no terminal only ends that direction. Where it was hospesd that ended, and
 * not the guest, the next hospesd is waited for. Closes fd. 0, or an exit code after printing why.
 */
int terminal_join(struct app *app, int fd, struct console_link *link);

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
 * names. A descriptor, or -1 after printing why. Fills *link in.
 */
int console_open(struct app *app, uint32_t domid, unsigned int number, bool follow,
                 struct console_link *link);

/*
 * The same console from the next hospesd, when its connection ended. A descriptor; -EAGAIN: that one is not there yet;
 * any other negative errno: it was the guest that ended, or the daemon wanted it so.
 */
int console_again(struct app *app, struct console_link *link);

#endif
