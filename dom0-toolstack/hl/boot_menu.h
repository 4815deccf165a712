/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bootloader=: the menu that is on the guest's disk, shown on the user's terminal before the guest is made.
 *
 *   Up, Ctrl-P, k; Down, Ctrl-N, j     mark another entry; the first key stops the countdown
 *   Home, End                          the first, the last
 *   Enter, Right                       boot it
 *   q, Ctrl-C, Ctrl-]                  give up: no guest is made
 */
#ifndef HL_HL_BOOT_MENU_H
#define HL_HL_BOOT_MENU_H

#include <stdbool.h>
#include <stddef.h>

struct app;
struct hl_domain_config;

/*
 * Lets the user choose what the domain boots, and puts that into c->boot_entry; nothing where there is no terminal or
 * nothing to choose. False: the user gave up, or an error was printed.
 */
bool boot_menu_choose(struct app *app, struct hl_domain_config *c);

/* ---- its parts, which know no terminal ---- */

#define BOOT_MENU_SECONDS 5 /* where the menu says nothing */

struct boot_menu {
    char *text;    /* holds the titles */
    char **titles; /* without control characters */
    unsigned int count, marked;
    int timeout;  /* seconds until the marked one boots; -1: until a key says so */
    char pending; /* of a key of several bytes: what has come, '\0', ESC or what followed it */
};

enum boot_menu_step { BOOT_MENU_WAITS, BOOT_MENU_CHOSEN, BOOT_MENU_LEFT };

/* `text` as from hl_bootloader_menu(): becomes the menu's, and boot_menu_free() frees it, also after -ENOMEM. */
int boot_menu_read(struct boot_menu *m, char *text);
void boot_menu_free(struct boot_menu *m);

/* What was typed; keys may be cut anywhere. */
enum boot_menu_step boot_menu_type(struct boot_menu *m, const char *keys, size_t n);

/*
 * The picture, malloc'd: `*lines` lines (0 before the first), over those that stand there already; the cursor is behind
 * the last, which has no line end. `left` is how many seconds are left, -1: no limit. NULL: no memory.
 */
char *boot_menu_draw(const struct boot_menu *m, const char *name, unsigned int rows,
                     unsigned int columns, int left, unsigned int *lines);

#endif
