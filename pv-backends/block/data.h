/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's pages that requests are about: copied by the hypervisor, or, where the frontend keeps its grants for good ("persistent"),
 * mapped once and kept. */
#ifndef PVB_DATA_H
#define PVB_DATA_H

#include <stdbool.h>

#include "pv-backends/block/request.h"

struct data;
struct gntdev;

/* Undone by data_close(). NULL: no memory. */
struct data *data_open(struct gntdev *grants, uint32_t domid, bool persistent);
void data_close(struct data *d);

/* Moves the data of all segments, one behind the other in `buffer`. 0, or -EIO (the frontend took a page back). */
int data_from_guest(struct data *d, const struct block_request *r, char *buffer);
int data_to_guest(struct data *d, const struct block_request *r, char *buffer);

/* The segments of an indirect request: its pages into r->segment. */
int data_fetch_segments(struct data *d, struct block_request *r);

#endif
