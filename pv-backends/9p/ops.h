/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operations, one function each: reads its arguments, checks them, acts, writes its results. 0 or a negative errno. */
#ifndef PVB_9P_OPS_H
#define PVB_9P_OPS_H

#include "pv-backends/9p/server.h"

typedef int p9_op(struct p9_server *s, struct p9_in *in, struct p9_out *out);

/* session.c */
p9_op p9_version, p9_attach, p9_walk, p9_clunk, p9_remove, p9_flush;
/* files.c */
p9_op p9_lopen, p9_lcreate, p9_read, p9_write, p9_readdir, p9_fsync, p9_lock, p9_getlock;
/* nodes.c */
p9_op p9_getattr, p9_setattr, p9_statfs, p9_mkdir, p9_symlink, p9_mknod, p9_readlink, p9_link,
    p9_renameat, p9_unlinkat;

/* ---- what they share ---- */

/* The fid whose number comes next in the message; NULL: there is none, or nothing came. */
struct p9_fid *p9_get_fid(struct p9_server *s, struct p9_in *in);
/* A name of one file in a folder: no slash, neither "." nor "..". Makes the message bad otherwise. */
void p9_get_name(struct p9_in *in, char name[P9_NAME_MAX + 1]);
/* O_PATH of a name in a folder of ours; it may be a symbolic link. A descriptor or a negative errno. */
int p9_open_path(int folder, const char *name);
/* The identity of an open file, or of a name just made. */
int p9_qid(int fd, struct p9_qid *qid);
int p9_qid_at(int folder, const char *name, struct p9_qid *qid);
/* "/proc/self/fd/N", by which a descriptor is opened once more. */
const char *p9_proc_path(int fd, char out[32]);
/* Modes that a guest may give. */
#define P9_MODES 01777u

#endif
