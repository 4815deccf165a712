/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Boot Loader Specification, type 1 (systemd's documentation, "The Boot Loader Specification"; Fedora and its kin have
 * their entries so, and a grub.cfg that says "blscfg"): a file an entry in loader/entries, a keyword a line.
 */
#ifndef BOOTLOADER_BLS_H
#define BOOTLOADER_BLS_H

#include "dom0-toolstack/bootloader/menu.h"

/* The files, malloc'd; empty with all zeros. */
struct bls {
    struct bls_file {
        char *id; /* the file's name without ".conf" */
        char *text;
    } files[MENU_MAX_ITEMS];
    unsigned int count;
};

/* Takes over `text`. The file's name is the guest's; one that is no entry's, or too many, is left out. 0, -ENOMEM. */
int bls_add(struct bls *b, const char *name, char *text);
bool bls_is_entry(const char *name);
void bls_free(struct bls *b);

/* The newest version first, by the names, as the specification has it. */
void bls_sort(struct bls *b);

/* The value of a variable in an entry's options ($kernelopts), "" where there is none. */
typedef const char *bls_value(void *opaque, const char *name, size_t n);

/* The files become items at the menu's end. */
void bls_put(const struct bls *b, struct menu *m, int parent, bls_value *value, void *opaque);

/* Reads a loader.conf (systemd-boot's; NULL: there is none) and makes the files its menu. 0 or -ENOMEM. */
int menu_read_loader(struct menu *m, const char *text, const struct bls *b);

#endif
