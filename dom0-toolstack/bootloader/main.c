/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hospes-bootloader: finds kernel, ramdisk and command line in a guest's disk. The options are those that pygrub has and
 * that the users of xl know; hl runs it with two descriptors in place of a folder (--kernel-fd, --ramdisk-fd).
 *
 *   this process        makes the files, starts the next, removes the files if that failed
 *     └ the server      opens the image, becomes nobody, reads for the finder and writes what it found
 *         └ the finder  reads partitions, file systems and menus; has nothing but a socket to the server
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dom0-toolstack/bootloader/find.h"
#include "dom0-toolstack/bootloader/fs.h"
#include "dom0-toolstack/bootloader/image_disk.h"
#include "dom0-toolstack/bootloader/sandbox.h"
#include "dom0-toolstack/bootloader/wire.h"
#include "dom0-toolstack/lib/error.h"

#define DEFAULT_DIR "/var/run/xen/pygrub"
#define MAX_SECONDS 180

enum format { FORMAT_SXP, FORMAT_SIMPLE, FORMAT_SIMPLE0 };

struct options {
    struct boot_request request;
    const char *image, *image_format;
    const char *output, *dir;
    enum format format;
    bool dry_run, quiet;
    int kernel_fd, ramdisk_fd; /* -1: files are made in `dir` */
    char kernel_path[4096], ramdisk_path[4096];
    bool own_files;
};

static int complain(const char *text, const char *about)
{
    fprintf(stderr, "hospes-bootloader: %s%s\n", text, about);
    return -EINVAL;
}

static int say_failure(struct hl_error *e)
{
    char *text = hl_error_sentence(e);

    fprintf(stderr, "hospes-bootloader: %s\n", text == NULL ? "out of memory" : text);
    free(text);
    return 1;
}

/* ---- options ---- */

static const char usage[] =
    "Usage: hospes-bootloader [options] IMAGE\n"
    "Finds kernel, ramdisk and command line for a guest in its disk image.\n"
    "\n"
    "-l, --list-entries         print the menu's entries\n"
    "-n, --not-really           print what would be booted; copy nothing\n"
    "    --entry=ENTRY          boot this one: its number in the list, its title or its id\n"
    "    --kernel=PATH          this kernel of the guest's file system, in place of a menu\n"
    "    --ramdisk=PATH         with it, this ramdisk\n"
    "    --args=ARGS            more words for the kernel's command line\n"
    "    --offset=BYTES         the file system begins there\n"
    "    --format=FORMAT        of the image: raw, qcow2, vhd [raw]\n"
    "    --menu                 print the menu for a program that shows it: the lines default N, "
    "timeout S\n"
    "                           and entry TITLE; nothing with -q, --entry or --kernel\n"
    "    --output=FILE          where the result is written [the standard output]\n"
    "    --output-format=FORMAT sxp, simple, simple0 [sxp]\n"
    "    --output-directory=DIR where kernel and ramdisk are put [" DEFAULT_DIR "]\n"
    "    --kernel-fd=N --ramdisk-fd=N\n"
    "                           put them into these open files instead\n"
    "-q, --quiet            let nobody choose: boot the menu's default\n"
    "-i, --interactive, --debug, --runas=UID\n"
    "                           are accepted and change nothing: hl create -c shows the menu where "
    "it can,\n"
    "                           and the disk is never read as root\n";

enum {
    OPT_ENTRY = 256,
    OPT_MENU,
    OPT_KERNEL,
    OPT_RAMDISK,
    OPT_ARGS,
    OPT_OFFSET,
    OPT_FORMAT,
    OPT_OUTPUT,
    OPT_OUTPUT_FORMAT,
    OPT_OUTPUT_DIRECTORY,
    OPT_KERNEL_FD,
    OPT_RAMDISK_FD,
    OPT_IGNORED,
    OPT_ISCONFIG,
};

static int parse_number(const char *text, uint64_t max, uint64_t *n)
{
    char *end;

    errno = 0;
    *n = strtoull(text, &end, 0);
    return errno != 0 || *end != '\0' || end == text || *text == '-' || *n > max
               ? complain("this is no number that fits: ", text)
               : 0;
}

static int parse_fd(const char *text, int *fd)
{
    uint64_t n;
    int rc = parse_number(text, 1 << 20, &n);

    if (rc == 0 && fcntl((int)n, F_GETFD) < 0)
        rc = complain("no file is open as descriptor ", text);
    if (rc == 0)
        *fd = (int)n;
    return rc;
}

static int parse_output_format(struct options *o, const char *text)
{
    static const char *const names[] = {"sxp", "simple", "simple0"};

    for (unsigned int i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            o->format = (enum format)i;
            return 0;
        }
    }
    return complain("there is no output format ", text);
}

static int take_option(struct options *o, int opt)
{
    switch (opt) {
    case 'l': o->request.list = true; return 0;
    case 'n': o->dry_run = true; return 0;
    case 'q': o->quiet = true; return 0;
    case OPT_MENU: o->request.menu = true; return 0;
    case 'i':
    case OPT_IGNORED: return 0;
    case OPT_ENTRY: o->request.entry = optarg; return 0;
    case OPT_KERNEL: o->request.kernel = optarg; return 0;
    case OPT_RAMDISK: o->request.ramdisk = optarg; return 0;
    case OPT_ARGS: o->request.args = optarg; return 0;
    case OPT_OFFSET: return parse_number(optarg, INT64_MAX, &o->request.offset);
    case OPT_FORMAT: o->image_format = optarg; return 0;
    case OPT_OUTPUT: o->output = strcmp(optarg, "-") == 0 ? NULL : optarg; return 0;
    case OPT_OUTPUT_FORMAT: return parse_output_format(o, optarg);
    case OPT_OUTPUT_DIRECTORY: o->dir = optarg; return 0;
    case OPT_KERNEL_FD: return parse_fd(optarg, &o->kernel_fd);
    case OPT_RAMDISK_FD: return parse_fd(optarg, &o->ramdisk_fd);
    case OPT_ISCONFIG: return complain("--isconfig is not supported: give a disk image", "");
    default: return complain("see hospes-bootloader --help", "");
    }
}

/* 1: --help. */
static int parse(struct options *o, int argc, char **argv)
{
    static const struct option longs[] = {{"list-entries", 0, 0, 'l'},
                                          {"not-really", 0, 0, 'n'},
                                          {"quiet", 0, 0, 'q'},
                                          {"interactive", 0, 0, 'i'},
                                          {"help", 0, 0, 'h'},
                                          {"debug", 0, 0, OPT_IGNORED},
                                          {"runas", 1, 0, OPT_IGNORED},
                                          {"entry", 1, 0, OPT_ENTRY},
                                          {"menu", 0, 0, OPT_MENU},
                                          {"kernel", 1, 0, OPT_KERNEL},
                                          {"ramdisk", 1, 0, OPT_RAMDISK},
                                          {"args", 1, 0, OPT_ARGS},
                                          {"offset", 1, 0, OPT_OFFSET},
                                          {"format", 1, 0, OPT_FORMAT},
                                          {"output", 1, 0, OPT_OUTPUT},
                                          {"output-format", 1, 0, OPT_OUTPUT_FORMAT},
                                          {"output-directory", 1, 0, OPT_OUTPUT_DIRECTORY},
                                          {"kernel-fd", 1, 0, OPT_KERNEL_FD},
                                          {"ramdisk-fd", 1, 0, OPT_RAMDISK_FD},
                                          {"isconfig", 0, 0, OPT_ISCONFIG},
                                          {0}};
    int opt, rc;

    while ((opt = getopt_long(argc, argv, "qilnh", longs, NULL)) >= 0) {
        if (opt == 'h') {
            fputs(usage, stdout);
            return 1;
        }
        rc = take_option(o, opt);
        if (rc < 0)
            return rc;
    }
    if (optind + 1 != argc)
        return complain("one disk image is wanted; see hospes-bootloader --help", "");
    if (o->request.ramdisk != NULL && o->request.kernel == NULL)
        return complain("--ramdisk is for --kernel", "");
    if ((o->kernel_fd < 0) != (o->ramdisk_fd < 0))
        return complain("--kernel-fd and --ramdisk-fd go together", "");
    o->image = argv[optind];
    return 0;
}

/* ---- the finder and the server ---- */

static void finder(int fd, uint64_t size, const struct boot_request *r)
{
    struct hl_error *e = hl_error_new();

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    fs_prepare();
    if (sandbox_lock(fd, e) < 0)
        _exit(1);
    wire_find(fd, size, r);
    _exit(0);
}

/* Is the menu all that is wanted? */
static bool is_list(const struct options *o)
{
    return o->request.list || o->request.menu;
}

static int write_result(const struct options *o, const struct wire_result *r, int fd)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    bool ramdisk = r->ramdisk_size > 0;
    char end = o->format == FORMAT_SIMPLE ? '\n' : '\0';
    ssize_t n;

    if (f == NULL)
        return -ENOMEM;
    if (is_list(o)) {
        fputs(r->list == NULL ? "" : r->list, f);
    } else if (o->format == FORMAT_SXP) {
        fprintf(f, "linux (kernel %s)", o->kernel_path);
        if (ramdisk)
            fprintf(f, "(ramdisk %s)", o->ramdisk_path);
        fprintf(f, "(args \"%s\")%s", r->args, fd == STDOUT_FILENO ? "\n" : "");
    } else {
        fprintf(f, "kernel %s%c", o->kernel_path, end);
        if (ramdisk)
            fprintf(f, "ramdisk %s%c", o->ramdisk_path, end);
        fprintf(f, "args %s%c", r->args, end);
    }
    if (fclose(f) != 0) {
        free(text);
        return -ENOMEM;
    }
    n = write(fd, text, size);
    free(text);
    return n == (ssize_t)size ? 0 : -EIO;
}

static int start_finder(const struct options *o, const struct disk *d, int *fd, pid_t *pid,
                        struct hl_error *e)
{
    struct timeval patience = {.tv_sec = 30};
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return hl_fail(e, errno, "start reading the disk", o->image, NULL);
    *pid = fork();
    if (*pid == 0)
        finder(pair[1], d->size, &o->request);
    close(pair[1]);
    if (*pid < 0) {
        close(pair[0]);
        return hl_fail(e, errno, "start reading the disk", o->image, NULL);
    }
    /* A finder that does not take what it asked for. */
    setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    *fd = pair[0];
    return 0;
}

static int serve(const struct options *o, int out, struct hl_error *e)
{
    struct wire_result r = {.kernel_fd = o->dry_run ? -1 : o->kernel_fd,
                            .ramdisk_fd = o->dry_run ? -1 : o->ramdisk_fd};
    struct disk d;
    pid_t pid = -1;
    int fd = -1, rc = image_disk_open(&d, o->image_format, o->image, e);

    if (rc < 0)
        return rc;
    rc = sandbox_drop(e);
    if (rc == 0)
        rc = start_finder(o, &d, &fd, &pid, e);
    if (rc == 0) {
        rc = wire_serve(fd, &d, &r, MAX_SECONDS, e);
        if (rc < 0)
            hl_error_within(e, "boot from %s", o->image);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        close(fd);
    }
    image_disk_close(&d);
    if (rc == 0) {
        rc = write_result(o, &r, out);
        if (rc < 0)
            hl_fail(e, -rc, "write the result", o->output, NULL);
    }
    free(r.list);
    return rc;
}

/* ---- the process that stays root ---- */

static int make_file(const struct options *o, const char *name, char *path, size_t size, int *fd)
{
    if (snprintf(path, size, "%s/%s.XXXXXX", o->dir, name) >= (int)size)
        return complain("too long: ", o->dir);
    *fd = mkostemp(path, O_CLOEXEC);
    if (*fd < 0) {
        fprintf(stderr, "hospes-bootloader: make a file in %s: %s\n", o->dir, strerror(errno));
        *path = '\0';
        return -EIO;
    }
    return 0;
}

static int make_files(struct options *o)
{
    int rc;

    if (o->dry_run || is_list(o))
        return 0;
    if (o->kernel_fd >= 0) {
        snprintf(o->kernel_path, sizeof(o->kernel_path), "/dev/fd/%d", o->kernel_fd);
        snprintf(o->ramdisk_path, sizeof(o->ramdisk_path), "/dev/fd/%d", o->ramdisk_fd);
        return 0;
    }
    o->own_files = true;
    rc = make_file(o, "boot_kernel", o->kernel_path, sizeof(o->kernel_path), &o->kernel_fd);
    if (rc == 0)
        rc = make_file(o, "boot_ramdisk", o->ramdisk_path, sizeof(o->ramdisk_path), &o->ramdisk_fd);
    return rc;
}

static void tidy_files(const struct options *o, bool failed)
{
    off_t ramdisk = o->ramdisk_fd < 0 ? 0 : lseek(o->ramdisk_fd, 0, SEEK_END);

    if (!o->own_files)
        return;
    if (failed && *o->kernel_path != '\0')
        unlink(o->kernel_path);
    if ((failed || ramdisk == 0) && *o->ramdisk_path != '\0')
        unlink(o->ramdisk_path);
}

static int run(struct options *o)
{
    int out = STDOUT_FILENO, status = 1;
    pid_t pid;

    if (o->output != NULL)
        out = open(o->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (out < 0)
        return complain("the output cannot be opened: ", o->output) < 0;
    if (make_files(o) < 0) {
        tidy_files(o, true);
        return 1;
    }
    pid = fork();
    if (pid == 0) {
        struct hl_error *e = hl_error_new();

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(serve(o, out, e) < 0 ? say_failure(e) : 0);
    }
    if (pid > 0)
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
    tidy_files(o, status != 0);
    return status == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    static struct options o = {
        .image_format = "raw", .dir = DEFAULT_DIR, .kernel_fd = -1, .ramdisk_fd = -1};
    int rc = parse(&o, argc, argv);

    if (rc != 0)
        return rc < 0 ? 2 : 0;
    if (o.request.menu && (o.quiet || o.request.entry != NULL || o.request.kernel != NULL))
        return 0;
    signal(SIGPIPE, SIG_IGN);
    return run(&o);
}
