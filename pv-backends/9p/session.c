/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The beginning, and ways through the folder. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pv-backends/9p/ops.h"

#define MAX_WALK  16 /* names in a message */
#define MAX_DEPTH 4096
#define VERSION   "9P2000.L"
#define ROOT_UID  0u
#define NO_UID    UINT32_MAX

/* Everything that was before is over. */
int p9_version(struct p9_server *s, struct p9_in *in, struct p9_out *out)
{
    uint32_t size = p9_get32(in);
    char version[32];

    p9_get_text(in, version, sizeof(version));
    if (in->bad || size < P9_MIN_MESSAGE)
        return -EINVAL;
    p9_fids_clear(&s->fids);
    s->message_size = size < s->most ? size : s->most;
    out->end = out->base + s->message_size;
    p9_put_number(out, s->message_size, 4);
    if (strcmp(version, VERSION) == 0)
        p9_put_text(out, VERSION, strlen(VERSION));
    else
        p9_put_text(out, "unknown", strlen("unknown"));
    return 0;
}

/* fid[4] afid[4] uname[s] aname[s] n_uname[4] */
int p9_attach(struct p9_server *s, struct p9_in *in, struct p9_out *out)
{
    uint32_t fid = p9_get32(in), uid;
    struct p9_qid qid;

    p9_get32(in);
    p9_get(in, p9_get16(in));
    p9_get(in, p9_get16(in));
    uid = p9_get32(in);
    if (in->bad)
        return -EINVAL;
    int fd = fcntl(s->root, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int rc = p9_fid_add(&s->fids, fid, fd, uid == NO_UID ? ROOT_UID : uid, NULL);
    if (rc == 0)
        rc = p9_qid(s->root, &qid);
    if (rc == 0)
        p9_put_qid(out, &qid);
    return rc;
}

static bool is_root(const struct p9_server *s, const struct stat *st)
{
    return st->st_dev == s->device && st->st_ino == s->inode;
}

/* Whether going up from here leads to our folder. A host that moves a folder out of it takes it out of the guest's hands. */
static bool beneath(const struct p9_server *s, int folder)
{
    struct stat st, before = {0};
    int fd = fcntl(folder, F_DUPFD_CLOEXEC, 0);
    bool found = false;

    for (unsigned int i = 0; fd >= 0 && i < MAX_DEPTH; i++) {
        if (fstat(fd, &st) < 0 || (st.st_dev == before.st_dev && st.st_ino == before.st_ino))
            break;
        found = is_root(s, &st);
        if (found)
            break;
        before = st;
        int up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        close(fd);
        fd = up;
    }
    if (fd >= 0)
        close(fd);
    return found;
}

/* ".." of the folder itself is the folder. */
static int walk_up(const struct p9_server *s, int from)
{
    struct stat st;

    if (fstat(from, &st) < 0)
        return -errno;
    if (!S_ISDIR(st.st_mode))
        return -ENOTDIR;
    int fd = is_root(s, &st) ? fcntl(from, F_DUPFD_CLOEXEC, 0)
                             : openat(from, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (!beneath(s, fd)) {
        close(fd);
        return -ENOENT;
    }
    return fd;
}

static int walk_one(const struct p9_server *s, int from, const char *name)
{
    if (strcmp(name, "..") == 0)
        return walk_up(s, from);
    return p9_open_path(from, name);
}

/* fid[4] newfid[4] nwname[2] nwname*(wname[s]): as far as it goes; newfid is there only when that is all the way. */
int p9_walk(struct p9_server *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *from = p9_get_fid(s, in);
    uint32_t number = p9_get32(in);
    unsigned int names = p9_get16(in), done = 0;
    char name[P9_NAME_MAX + 1];
    struct p9_qid qid;
    int rc = 0;

    if (in->bad || names > MAX_WALK)
        return -EINVAL;
    if (from == NULL || (number != from->number && p9_fid_find(&s->fids, number) != NULL))
        return -EBADF;
    if (from->open >= 0 && names != 0)
        return -EINVAL;
    int at = fcntl(from->path, F_DUPFD_CLOEXEC, 0);
    if (at < 0)
        return -errno;
    uint8_t *count = p9_put(out, 2);
    while (rc == 0 && done < names) {
        p9_get_text(in, name, sizeof(name));
        int next = in->bad || strchr(name, '/') != NULL ? -EINVAL : walk_one(s, at, name);
        if (next < 0) {
            rc = next;
            break;
        }
        close(at);
        at = next;
        rc = p9_qid(at, &qid);
        if (rc == 0) {
            p9_put_qid(out, &qid);
            done++;
        }
    }
    if (done < names || count == NULL || out->full) {
        close(at);
        if (done == 0 || in->bad)
            return rc < 0 ? rc : -EMSGSIZE;
    } else {
        uid_t uid = from->uid;

        if (number == from->number)
            p9_fid_remove(&s->fids, from);
        rc = p9_fid_add(&s->fids, number, at, uid, NULL);
        if (rc < 0)
            return rc;
    }
    if (count != NULL) {
        count[0] = (uint8_t)done;
        count[1] = 0;
    }
    return 0;
}

int p9_clunk(struct p9_server *s, struct p9_in *in, struct p9_out *out)
{
    struct p9_fid *f = p9_get_fid(s, in);

    (void)out;
    if (f == NULL)
        return -EBADF;
    p9_fid_remove(&s->fids, f);
    return 0;
}

/* By a fid nobody knows which of its names is meant: Linux removes by name (unlinkat). The fid is gone all the same. */
int p9_remove(struct p9_server *s, struct p9_in *in, struct p9_out *out)
{
    int rc = p9_clunk(s, in, out);

    return rc < 0 ? rc : -EOPNOTSUPP;
}

/* Messages are answered in their order: the one that is meant has its answer. */
int p9_flush(struct p9_server *s, struct p9_in *in, struct p9_out *out)
{
    (void)s, (void)out;
    p9_get16(in);
    return in->bad ? -EINVAL : 0;
}
