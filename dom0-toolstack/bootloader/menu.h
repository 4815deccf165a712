/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The boot menu that a guest's own files describe: GRUB's grub.cfg, an extlinux.conf, entries of the Boot Loader
 * Specification (bls.h). The files are the guest's: whatever they hold, reading them ends, in bounded memory, with a
 * menu that may be empty.
 */
#ifndef BOOTLOADER_MENU_H
#define BOOTLOADER_MENU_H

#include <stdbool.h>
#include <stddef.h>

#define MENU_MAX_ITEMS   256
#define MENU_MAX_INITRDS 8
#define MENU_NO_TIMEOUT  (-2)
#define MENU_MAX_TIMEOUT 3600

struct bls;

/* Strings are malloc'd; NULL: not given. */
struct menu_item {
    char *title, *id;
    int parent;   /* the submenu that it is in, -1: none */
    bool submenu; /* it has items, no kernel */
    char *kernel; /* path in the file system that the menu comes from */
    char *args;   /* the kernel's command line, "" at least where there is a kernel */
    char *initrds[MENU_MAX_INITRDS];
    unsigned int nr_initrds;
};

struct menu {
    struct menu_item *items[MENU_MAX_ITEMS];
    unsigned int count;
    char *chosen; /* the default, as the file says it: "0", "1>2", a title, an id */
    int timeout;  /* seconds until the default is booted, -1: it waits, MENU_NO_TIMEOUT: not said */
    bool no_memory;
};

/*
 * Reads grub.cfg. Conditions are not judged: what stands in both branches is read, in their order, and an assignment of
 * nothing is none. So the usual file comes out right, but for what GRUB would ask the machine. `env` is grubenv's text,
 * for saved_entry and the kernel's options, or NULL. `bls` (bls.h), or NULL, are the entries that "blscfg" puts in. The
 * menu comes uninitialised and is undone by menu_free(), whatever happens. 0 or -ENOMEM.
 */
int menu_read_grub(struct menu *m, const char *text, const char *env, const struct bls *bls);

/* Reads extlinux.conf, whose folder is `dir` (paths may be relative to it). */
int menu_read_extlinux(struct menu *m, const char *text, const char *dir);
void menu_free(struct menu *m);

/*
 * The item to boot, NULL where there is none with a kernel. `wanted` is NULL for the menu's own default (and the first
 * item with a kernel if that cannot be), else the number of the item among those that have a kernel, its title or its id.
 */
const struct menu_item *menu_choose(const struct menu *m, const char *wanted);

/* Its number among those with a kernel; of one that menu_choose() gave. */
unsigned int menu_number(const struct menu *m, const struct menu_item *i);

/* For those who fill a menu. An empty one. */
void menu_init(struct menu *m);
/* Of a text in units of 1/`divisor` s, rounded up; what is no number changes nothing. */
void menu_set_timeout(struct menu *m, const char *text, int divisor);
/* A new item; its texts are its own; NULL when the menu is full or there is no memory. */
struct menu_item *menu_add(struct menu *m, int parent);
/* Replaces *to by a copy; on failure marks the menu. */
void menu_set(struct menu *m, char **to, const char *text);
void menu_add_initrd(struct menu *m, struct menu_item *i, const char *path);

#endif
