/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's half of devices in a driver domain: what Domain 0 does for its own devices when it makes them
 * (device_class.h), a driver domain does when their back ends appear below /local/domain/SELF/backend, told by their nodes
 * alone. Domain 0 learns of the outcome by "hotplug-status" (and "hotplug-error"), and of the end of it when the
 * folder goes.
 *
 *   node of the back end                                   what is done
 *   it is new                                              set up: open, plug, "connected" or "error"
 *   "online" is 0 and it is closed, or the front end
 *   is gone, or the folder is gone                         let go: unplug, remove the folder
 *
 * What there is to undo stands in /local/domain/SELF/libxl/N/device/KIND/D from before it is done until it is
 * undone, so that whoever is killed in between can be followed. `path` is always the back end's folder;
 * the context one of HL_CTX_DRIVER_DOMAIN.
 */
#ifndef HL_HOTPLUG_H
#define HL_HOTPLUG_H

#include <stdbool.h>

struct hl_ctx;
struct hl_error;

enum hotplug_work {
    HOTPLUG_NOTHING,
    HOTPLUG_SET_UP,
    HOTPLUG_LET_GO,
    HOTPLUG_LATER, /* it is closing; not every step of that changes a node of ours, so look again soon */
};

/* What is to be done with a device; cheap. */
enum hotplug_work hotplug_look(struct hl_ctx *ctx, const char *path);

/*
 * Does it. May take as long as scripts and the kernel do; one caller for a device at a time (it takes
 * LOCK_DOMAIN of the guest). A failure to set up is written to the nodes, too. -errno with a record.
 */
int hotplug_do(struct hl_ctx *ctx, const char *path, struct hl_error *e);

/* Is its host's half begun? Programs that serve a device must not open it before others were looked for. */
bool hotplug_begun(struct hl_ctx *ctx, const char *path);

/* Calls `found` for each device that there is anything of, a record alone included. */
void hotplug_each(struct hl_ctx *ctx, void (*found)(void *opaque, const char *path), void *opaque);

/*
 * The back end's folder that a path below /local/domain/SELF/backend is in, into out[128]. False: it is above any, or
 * not of a kind that we know.
 */
bool hotplug_device_path(struct hl_ctx *ctx, const char *path, char out[128]);

#endif
