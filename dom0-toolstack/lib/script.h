/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running other programs: hotplug scripts and helpers. */
#ifndef HL_SCRIPT_H
#define HL_SCRIPT_H

#include <stddef.h>

struct hl_error;

struct script {
    const char *step;        /* for messages */
    const char *const *argv; /* the program first, with its path */
    const char *const *env;  /* "NAME=value" beyond our own environment; NULL: none */
    unsigned int seconds;    /* then it is killed, with all that it started */
    const char *log;         /* the file to which it says more; its folder is made. NULL: none */
};

/* Where Xen's hotplug scripts write what comes on their stderr. */
#define XEN_HOTPLUG_LOG "/var/log/xen/xen-hotplug.log"

/*
 * Runs it to its end. A failure's cause is how it ended and what it said last, on stderr and in its log. Nothing of
 * ours is inherited but stdin from /dev/null.
 */
int script_run(const struct script *s, struct hl_error *e);

/* The same, but it inherits `files`, at most SCRIPT_MAX_FILES, as its descriptors 3, 4, ... */
#define SCRIPT_MAX_FILES 4
int script_run_with(const struct script *s, const int *files, unsigned int nr_files,
                    struct hl_error *e);

/*
 * A script that failed with the record `e` has given its own cause, `error` (NULL or "": it has not), which takes the place
 * of how it ended; what it said stays.
 */
void script_blames(struct hl_error *e, const char *object, const char *error);

/* "NAME" in XEN_SCRIPT_DIR unless it has a slash; malloc'd, NULL when out of memory. */
#define XEN_SCRIPT_DIR "/etc/xen/scripts"
char *script_path(const char *name);

/* Loads a kernel module where `probe` (a path) is missing. 0, or -ENODEV with a record. */
int module_need(const char *module, const char *probe, const char *step, struct hl_error *e);

#endif
