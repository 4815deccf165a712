/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For bootloader.sh: what hl does for bootloader=, up to the files that it would build a domain of.
 *     bootloader_run IMAGE FORMAT CMDLINE [ARGUMENT...]
 * With BOOT_ENTRY in the environment, that is what was chosen from the menu; with BOOT_MENU, it prints the menu.
 * Writes them to ./got.kernel and ./got.ramdisk, and prints the command line; or the failure, with status 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-toolstack/lib/bootloader.h"
#include "dom0-toolstack/lib/domain_config.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/files.h"

static int keep(const char *from, const char *to)
{
    void *data;
    size_t size;
    int rc;

    if (*from == '\0')
        return 0;
    rc = file_read_all(from, (size_t)1 << 30, &data, &size);
    if (rc == 0)
        rc = file_write_atomic(to, data, size, 0600);
    if (rc == 0)
        free(data);
    return rc;
}

static void configure(struct hl_domain_config *c, char **argv, int argc)
{
    struct hl_device d = {.kind = HL_DEVICE_VBD, .devid = HL_NO_DEVID};

    hl_domain_config_init(c);
    c->name = strdup("test");
    c->bootloader = strdup("pygrub");
    c->cmdline = strdup(argv[3]);
    if (getenv("BOOT_ENTRY") != NULL)
        c->boot_entry = strdup(getenv("BOOT_ENTRY"));
    c->bootloader_args = calloc((size_t)argc, sizeof(char *));
    for (int i = 4; i < argc; i++)
        c->bootloader_args[c->nr_bootloader_args++] = strdup(argv[i]);
    d.disk.target = strdup(argv[1]);
    d.disk.vdev = strdup("xvda");
    d.disk.format = strcmp(argv[2], "qcow2") == 0 ? HL_DISK_QCOW2 : HL_DISK_RAW;
    if (hl_device_list_add(&c->devices, &d) < 0)
        exit(2);
}

static int print_menu(const struct hl_domain_config *c, struct hl_error *e)
{
    char *text;
    int rc = hl_bootloader_menu(c, &text, e);

    if (rc < 0)
        return rc;
    fputs(text, stdout);
    free(text);
    return 0;
}

static int run(const struct hl_domain_config *c, struct hl_error *e)
{
    struct hl_boot_files files;
    int rc = hl_bootloader_run(c, &files, e);

    if (rc < 0)
        return rc;
    printf("%s\n", files.args);
    rc = keep(files.kernel, "got.kernel");
    if (rc == 0)
        rc = keep(files.ramdisk, "got.ramdisk");
    hl_bootloader_close(&files);
    return rc;
}

int main(int argc, char **argv)
{
    struct hl_error *e = hl_error_new();
    struct hl_domain_config c;
    char *text;
    int rc;

    if (argc < 4)
        return 2;
    configure(&c, argv, argc);
    rc = getenv("BOOT_MENU") != NULL ? print_menu(&c, e) : run(&c, e);
    if (rc < 0) {
        text = hl_error_sentence(e);
        printf("%s\n", text);
        free(text);
    }
    hl_domain_config_free(&c);
    hl_error_free(e);
    return rc < 0 ? 1 : 0;
}
