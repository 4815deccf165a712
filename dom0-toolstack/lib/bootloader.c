/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running hospes-bootloader; see bootloader.h. */
#include "dom0-toolstack/lib/bootloader.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dom0-toolstack/lib/domain_config.h"
#include "dom0-toolstack/lib/driver_domain.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/script.h"

#define PROGRAM     "hospes-bootloader"
#define MAX_SECONDS 240
#define MAX_RESULT  8192
#define MAX_MENU    (1 << 17)

static const char step[] = "find a kernel on the guest's disk";

bool hl_bootloader_known(const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *base = slash == NULL ? name : slash + 1;

    return strcmp(base, "pygrub") == 0 || strcmp(base, PROGRAM) == 0;
}

/* The first disk, as xl does; it must be one that this host can read. */
static int find_disk(const struct hl_domain_config *c, const struct hl_disk **disk,
                     struct hl_error *e)
{
    const struct hl_disk *d = NULL;

    for (size_t i = 0; i < c->devices.count && d == NULL; i++)
        if (c->devices.items[i].kind == HL_DEVICE_VBD)
            d = &c->devices.items[i].disk;
    if (d == NULL) {
        hl_fail(e, EINVAL, step, c->name, "the domain has no disk");
        hl_error_advise(e, "give it one with disk=, or a kernel= in place of bootloader=");
        return -EINVAL;
    }
    if (d->target == NULL || d->format == HL_DISK_EMPTY)
        return hl_fail(e, EINVAL, step, d->vdev, "the first disk is an empty drive");
    if (d->script != NULL || !driver_domain_is_none(d->backend_domain)) {
        hl_fail(e, EOPNOTSUPP, step, d->target,
                "disks with a script or of another domain cannot be read before the guest runs");
        hl_error_advise(e, "use grub-xen-host's image as kernel=");
        return -EOPNOTSUPP;
    }
    *disk = d;
    return 0;
}

static const char *format_name(const struct hl_disk *d)
{
    if (strncmp(d->target, "nbd://", 6) == 0 || strncmp(d->target, "nbd+unix://", 11) == 0)
        return "nbd";
    return d->format == HL_DISK_QCOW2 ? "qcow2" : d->format == HL_DISK_VHD ? "vhd" : "raw";
}

/* Beside our own program, or where the system has it. */
static void find_program(char path[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - sizeof(PROGRAM) - 1);
    char *slash;

    path[n < 0 ? 0 : n] = '\0';
    slash = strrchr(path, '/');
    if (slash != NULL) {
        strcpy(slash + 1, PROGRAM);
        if (access(path, X_OK) == 0)
            return;
    }
    strcpy(path, PROGRAM);
}

/* ---- the program's arguments ---- */

struct arguments {
    char **list;
    size_t n;
    bool no_memory;
};

static void add(struct arguments *a, const char *option, const char *value)
{
    if (value == NULL)
        return;
    if (asprintf(&a->list[a->n], "%s%s", option, value) < 0) {
        a->list[a->n] = NULL;
        a->no_memory = true;
    } else {
        a->n++;
    }
}

/* With `menu` it prints that into its descriptor 3. */
static int make_arguments(const struct hl_domain_config *c, const struct hl_disk *d,
                          const char *program, bool menu, struct arguments *a)
{
    *a = (struct arguments){calloc(c->nr_bootloader_args + 13, sizeof(char *)), 0, false};
    if (a->list == NULL)
        return -ENOMEM;
    add(a, program, "");
    add(a, "--kernel=", c->kernel);
    add(a, "--ramdisk=", c->kernel == NULL ? NULL : c->ramdisk);
    add(a, "--args=", c->cmdline);
    for (size_t i = 0; i < c->nr_bootloader_args; i++)
        add(a, c->bootloader_args[i], "");
    /* Behind the user's: these are not his to choose. */
    add(a, "--format=", format_name(d));
    if (menu) {
        add(a, "--menu", "");
        add(a, "--output=/dev/fd/3", "");
    } else {
        add(a, "--entry=", c->boot_entry);
        add(a, "--kernel-fd=3", "");
        add(a, "--ramdisk-fd=4", "");
        add(a, "--output=/dev/fd/5", "");
        add(a, "--output-format=simple0", "");
    }
    add(a, "--", "");
    add(a, d->target, "");
    return a->no_memory ? -ENOMEM : 0;
}

static void free_arguments(struct arguments *a)
{
    for (size_t i = 0; i < a->n; i++)
        free(a->list[i]);
    free(a->list);
}

/* ---- its result ---- */

/* Three texts, each with a NUL behind it: "kernel PATH", "ramdisk PATH" (if there is one), "args WORDS". */
static int take_result(int fd, struct hl_boot_files *files, struct hl_error *e)
{
    char text[MAX_RESULT + 1];
    ssize_t n = pread(fd, text, MAX_RESULT, 0);
    bool kernel = false, ramdisk = false;

    text[n < 0 ? 0 : n] = '\0';
    for (const char *at = text; at < text + n; at += strlen(at) + 1) {
        if (strncmp(at, "kernel ", 7) == 0)
            kernel = true;
        else if (strncmp(at, "ramdisk ", 8) == 0)
            ramdisk = true;
        else if (strncmp(at, "args ", 5) == 0 && files->args == NULL)
            files->args = strdup(at + 5);
    }
    if (!kernel || files->args == NULL) {
        hl_fail(e, EINVAL, step, PROGRAM, "it found no kernel");
        hl_error_advise(e, "bootloader_args= must leave it something to do: no --list-entries, "
                           "no --not-really");
        return -EINVAL;
    }
    snprintf(files->kernel, sizeof(files->kernel), "/proc/self/fd/%d", files->kernel_fd);
    if (ramdisk)
        snprintf(files->ramdisk, sizeof(files->ramdisk), "/proc/self/fd/%d", files->ramdisk_fd);
    return 0;
}

static int run(const struct hl_domain_config *c, const struct hl_disk *d, bool menu,
               const int *files, unsigned int nr_files, struct hl_error *e)
{
    char program[PATH_MAX];
    struct arguments a;
    int rc;

    find_program(program);
    rc = make_arguments(c, d, program, menu, &a);
    if (rc < 0) {
        hl_fail(e, ENOMEM, step, c->name, NULL);
    } else {
        const struct script s = {step, (const char *const *)a.list, NULL, MAX_SECONDS, NULL};

        rc = script_run_with(&s, files, nr_files, e);
    }
    free_arguments(&a);
    return rc;
}

int hl_bootloader_run(const struct hl_domain_config *c, struct hl_boot_files *files,
                      struct hl_error *e)
{
    const struct hl_disk *disk = NULL;
    int fds[3], rc;

    *files = (struct hl_boot_files){.kernel_fd = -1, .ramdisk_fd = -1};
    rc = find_disk(c, &disk, e);
    if (rc < 0)
        return rc;
    files->kernel_fd = fds[0] = memfd_create("guest kernel", MFD_CLOEXEC);
    files->ramdisk_fd = fds[1] = memfd_create("guest ramdisk", MFD_CLOEXEC);
    fds[2] = memfd_create("guest boot", MFD_CLOEXEC);
    if (fds[0] < 0 || fds[1] < 0 || fds[2] < 0)
        rc = hl_fail(e, errno, step, c->name, NULL);
    if (rc == 0)
        rc = run(c, disk, false, fds, 3, e);
    if (rc == 0)
        rc = take_result(fds[2], files, e);
    if (fds[2] >= 0)
        close(fds[2]);
    if (rc < 0)
        hl_bootloader_close(files);
    return rc;
}

int hl_bootloader_menu(const struct hl_domain_config *c, char **text, struct hl_error *e)
{
    const struct hl_disk *disk = NULL;
    int fd, rc = find_disk(c, &disk, e);
    ssize_t n = 0;

    *text = NULL;
    if (rc < 0)
        return rc;
    fd = memfd_create("guest menu", MFD_CLOEXEC);
    *text = malloc(MAX_MENU + 1);
    if (fd < 0 || *text == NULL)
        rc = hl_fail(e, fd < 0 ? errno : ENOMEM, step, c->name, NULL);
    if (rc == 0)
        rc = run(c, disk, true, &fd, 1, e);
    if (rc == 0)
        n = pread(fd, *text, MAX_MENU, 0);
    if (rc == 0 && n < 0)
        rc = hl_fail(e, errno, step, c->name, NULL);
    if (fd >= 0)
        close(fd);
    if (rc == 0) {
        (*text)[n] = '\0';
    } else {
        free(*text);
        *text = NULL;
    }
    return rc;
}

void hl_bootloader_close(struct hl_boot_files *files)
{
    if (files->kernel_fd >= 0)
        close(files->kernel_fd);
    if (files->ramdisk_fd >= 0)
        close(files->ramdisk_fd);
    free(files->args);
    *files = (struct hl_boot_files){.kernel_fd = -1, .ramdisk_fd = -1};
}
