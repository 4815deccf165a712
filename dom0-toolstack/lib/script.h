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
};

/*
 * Runs it to its end. A failure's cause is what it said last on stderr, and how it ended. Nothing of
 * ours is inherited but stdin from /dev/null.
 */
int script_run(const struct script *s, struct hl_error *e);

/* The same, but it inherits `files`, at most SCRIPT_MAX_FILES, as its descriptors 3, 4, ... */
#define SCRIPT_MAX_FILES 4
int script_run_with(const struct script *s, const int *files, unsigned int nr_files,
                    struct hl_error *e);

/* "NAME" in XEN_SCRIPT_DIR unless it has a slash; malloc'd, NULL when out of memory. */
#define XEN_SCRIPT_DIR "/etc/xen/scripts"
char *script_path(const char *name);

/* Loads a kernel module where `probe` (a path) is missing. 0, or -ENODEV with a record. */
int module_need(const char *module, const char *probe, const char *step, struct hl_error *e);

#endif
