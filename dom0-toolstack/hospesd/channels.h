/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The consoles of guests beyond the first ("channels"): the back end of the devices below
 * /local/domain/0/backend/console. Each has a console (console.h) from the moment its nodes are there,
 * which is connected to the guest while the guest's driver wants it.
 */
#ifndef HL_HOSPESD_CHANNELS_H
#define HL_HOSPESD_CHANNELS_H

#include <stdint.h>

struct console;
struct daemon;
struct hl_error;

#define CHANNELS_TOKEN "channels"

/* Sets the watch, whose first event finds what is there. 0 or a negative errno. */
int channels_start(struct daemon *d, struct hl_error *e);
void channels_stop(struct daemon *d);

/* The watch fired. Nothing is asked of xenstored until channels_work(), however often a guest writes. */
void channels_note(struct daemon *d, const char *path);
void channels_work(struct daemon *d);

/* A domain is dying: its pages are let go at once. */
void channels_let_go(struct daemon *d, uint32_t domid);

/* NULL: it has none of that number. */
struct console *channel_console(struct daemon *d, uint32_t domid, unsigned int number);

#endif
