/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In a driver domain: the host's half of the devices that it serves (lib/hotplug.h), each time in a child process, since
 * scripts and drivers may take their time. One that hangs holds up its own device alone. A child that has begun ends by
 * itself, whatever becomes of the daemon; the next daemon waits for its lock.
 */
#ifndef HL_HOSPESD_HOTPLUGS_H
#define HL_HOSPESD_HOTPLUGS_H

struct daemon;
struct hl_error;

#define HOTPLUGS_TOKEN "hotplugs"

/* Sets the watches and begins what there is to do. 0 or a negative errno. */
int hotplugs_start(struct daemon *d, struct hl_error *e);
void hotplugs_stop(struct daemon *d);
/* The watch fired: something changed at `path`. */
void hotplugs_changed(struct daemon *d, const char *path);

#endif
