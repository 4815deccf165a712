/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages that other domains granted to us, by /dev/xen/gntdev. */
#ifndef HL_GNTDEV_H
#define HL_GNTDEV_H

#include <stddef.h>
#include <stdint.h>

struct hl_error;
struct gntdev;

int gntdev_open(struct gntdev **g, struct hl_error *e);
void gntdev_close(struct gntdev *g);

/* Maps `count` grants of one domain side by side, writable; undone by gntdev_unmap(). */
void *gntdev_map(struct gntdev *g, uint32_t domid, const uint32_t *refs, size_t count,
                 struct hl_error *e);
int gntdev_unmap(struct gntdev *g, void *p, size_t count);

/*
 * Copies between memory of ours and pages of other domains, none over a page's end. 0 when all segments were copied; -EIO: some
 * were refused (their status says why), the others are done.
 */
struct gntdev_copy_segment;
int gntdev_copy(struct gntdev *g, struct gntdev_copy_segment *segments, unsigned int count);

/* The grant references at which every PV domain offers its two rings from birth. */
#define HL_GRANT_CONSOLE  0
#define HL_GRANT_XENSTORE 1

#endif
