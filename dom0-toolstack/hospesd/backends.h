/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The programs that serve devices (pv-backends/): one child process for each device below /local/domain/SELF/backend/qdisk
 * (hospes-block), .../qnic (hospes-net), .../9pfs (hospes-9p) and .../vfb (hospes-fb), started when its
 * directory appears, started again when it dies while the directory is there.
 *
 * In a driver domain a device's program waits for the host's half to be begun (lib/hotplug.h).
 *
 * A program that outlives hospesd goes on serving: the next hospesd's child waits for its lock and takes over when it
 * ends (they do so by themselves). What one that was killed has written down of a device that is gone meanwhile is removed
 * here (lib/disk_record.h).
 */
#ifndef HL_HOSPESD_BACKENDS_H
#define HL_HOSPESD_BACKENDS_H

struct daemon;
struct hl_error;

#define BACKENDS_TOKEN "backends"

/* Sets the watch and starts what is missing. 0 or a negative errno. */
int backends_start(struct daemon *d, struct hl_error *e);
/* Leaves the programs running. */
void backends_stop(struct daemon *d);
/* The watch fired: something changed at `path`. */
void backends_changed(struct daemon *d, const char *path);
/* Starts what is missing. */
void backends_scan(struct daemon *d);

#endif
