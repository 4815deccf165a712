/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of operations, and what they share; see server.h and ops.h. */
#include "pv-backends/9p/server.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"
#include "pv-backends/9p/ops.h"

#define RLERROR 7

/* The type of a request; its answer's is one more. What is not here (extended attributes, rename by fid) is answered with
 * EOPNOTSUPP, for which Linux has a way around. */
static p9_op *const ops[256] = {
    [8] = p9_statfs,    [12] = p9_lopen,    [14] = p9_lcreate,  [16] = p9_symlink,
    [18] = p9_mknod,    [22] = p9_readlink, [24] = p9_getattr,  [26] = p9_setattr,
    [40] = p9_readdir,  [50] = p9_fsync,    [52] = p9_lock,     [54] = p9_getlock,
    [70] = p9_link,     [72] = p9_mkdir,    [74] = p9_renameat, [76] = p9_unlinkat,
    [100] = p9_version, [104] = p9_attach,  [108] = p9_flush,   [110] = p9_walk,
    [116] = p9_read,    [118] = p9_write,   [120] = p9_clunk,   [122] = p9_remove,
};

struct p9_fid *p9_get_fid(struct p9_server *s, struct p9_in *in)
{
    uint32_t number = p9_get32(in);

    return in->bad ? NULL : p9_fid_find(&s->fids, number);
}

void p9_get_name(struct p9_in *in, char name[P9_NAME_MAX + 1])
{
    p9_get_text(in, name, P9_NAME_MAX + 1);
    if (strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        in->bad = true;
}

int p9_open_path(int folder, const char *name)
{
    struct open_how how = {
        .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
    };
    long fd = syscall(SYS_openat2, folder, name, &how, sizeof(how));

    return fd < 0 ? -errno : (int)fd;
}

static void fill_qid(const struct stat *st, struct p9_qid *qid)
{
    *qid = (struct p9_qid){
        .type = S_ISDIR(st->st_mode)   ? P9_QID_DIR
                : S_ISLNK(st->st_mode) ? P9_QID_SYMLINK
                                       : P9_QID_FILE,
        .version = (uint32_t)(st->st_mtim.tv_nsec ^ (st->st_size << 8)),
        .path = st->st_ino,
    };
}

int p9_qid(int fd, struct p9_qid *qid)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    fill_qid(&st, qid);
    return 0;
}

int p9_qid_at(int folder, const char *name, struct p9_qid *qid)
{
    struct stat st;

    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    fill_qid(&st, qid);
    return 0;
}

const char *p9_proc_path(int fd, char out[32])
{
    snprintf(out, 32, "/proc/self/fd/%d", fd);
    return out;
}

uint32_t p9_server_answer(struct p9_server *s, const uint8_t *message, uint32_t size,
                          uint8_t *answer)
{
    struct p9_in in = {.p = message + 4, .end = message + size};
    struct p9_out out = {.base = answer, .p = answer + P9_HEADER};
    uint8_t type = p9_get8(&in);
    uint16_t tag = p9_get16(&in);

    out.end = answer + s->message_size;
    int rc = ops[type] == NULL ? -EOPNOTSUPP : ops[type](s, &in, &out);
    if (rc == 0 && out.full)
        rc = -EMSGSIZE;
    if (rc < 0) {
        out.p = answer + P9_HEADER;
        out.full = false;
        p9_put_number(&out, (uint32_t)-rc, 4);
    }
    uint32_t length = (uint32_t)(out.p - answer);
    out.p = answer;
    p9_put_number(&out, length, 4);
    p9_put_number(&out, rc < 0 ? RLERROR : type + 1u, 1);
    p9_put_number(&out, tag, 2);
    return length;
}

int p9_server_open(struct p9_server *s, const char *folder, uint32_t most, struct hl_error *e)
{
    struct stat st;

    *s = (struct p9_server){.root = -1, .most = most, .message_size = P9_MIN_MESSAGE};
    s->root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (s->root < 0 || fstat(s->root, &st) < 0)
        return hl_fail(e, errno, "open the shared folder", folder, NULL);
    s->device = st.st_dev;
    s->inode = st.st_ino;
    return 0;
}

void p9_server_close(struct p9_server *s)
{
    p9_fids_clear(&s->fids);
    if (s->root >= 0)
        close(s->root);
    s->root = -1;
}
