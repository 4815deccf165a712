/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bootloader=: a guest's kernel, ramdisk and command line from its own disk. hospes-bootloader finds them, in processes
 * without rights (dom0-toolstack/bootloader); what it finds is kept in memory and goes with its descriptors.
 */
#ifndef HL_BOOTLOADER_H
#define HL_BOOTLOADER_H

#include <stdbool.h>

struct hl_domain_config;
struct hl_error;

struct hl_boot_files {
    int kernel_fd, ramdisk_fd;    /* -1: none */
    char kernel[32], ramdisk[32]; /* paths by which this process can open them; "" : none */
    char *args;                   /* the command line */
};

/* "pygrub", "hospes-bootloader", or a path that ends in one of them: all are our program. */
bool hl_bootloader_known(const char *name);

/* Fills `files`, which hl_bootloader_close() undoes, also after a failure. */
int hl_bootloader_run(const struct hl_domain_config *c, struct hl_boot_files *files,
                      struct hl_error *e);

/*
 * The menu from which c->boot_entry may be chosen first, as hospes-bootloader --menu prints it: "" where there is nothing
 * to choose. malloc'd.
 */
int hl_bootloader_menu(const struct hl_domain_config *c, char **text, struct hl_error *e);
void hl_bootloader_close(struct hl_boot_files *files);

#endif
