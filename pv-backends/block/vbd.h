/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One block device: its image, its connection to a frontend, and the states in between. */
#ifndef PVB_VBD_H
#define PVB_VBD_H

#include "pv-backends/block/queue.h"
#include "pv-backends/lib/backend.h"
#include "pv-backends/lib/states.h"

#define BLOCK_MAX_QUEUES 4u

struct image;
struct io;

struct vbd {
    struct backend b;
    struct states states;
    struct io *io;
    struct image *image; /* NULL: a drive without a medium */
    char *params;        /* what is in it: FORMAT:TARGET */
    bool cdrom;
    struct data *data;
    unsigned int queues;
    struct block_queue queue[BLOCK_MAX_QUEUES];
};

/* Opens the device at `path` (…/backend/KIND/DOMID/DEVID) and its image, and offers it to the frontend; or goes on with a connection that an
 * earlier backend of it had. Undone by vbd_close(). */
int vbd_open(struct vbd *v, struct io *io, const char *path, struct hl_error *e);
void vbd_close(struct vbd *v);

/* Looks at what changed in xenstore. False: the device is gone, its end has come. */
bool vbd_changed(struct vbd *v);

/* Requests may be in the rings; answers may be due. True: there is more to do. */
bool vbd_work(struct vbd *v);

#endif
