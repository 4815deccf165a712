/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See fids.h. */
#include "pv-backends/9p/fids.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct p9_fid **bucket_of(struct p9_fids *fids, uint32_t number)
{
    return &fids->bucket[(number * 2654435761u >> 16) % P9_BUCKETS];
}

struct p9_fid *p9_fid_find(struct p9_fids *fids, uint32_t number)
{
    struct p9_fid *f = *bucket_of(fids, number);

    while (f != NULL && f->number != number)
        f = f->next;
    return f;
}

static int add(struct p9_fids *fids, uint32_t number, int path, uid_t uid, struct p9_fid **out)
{
    struct p9_fid **bucket = bucket_of(fids, number);
    struct stat st;

    if (p9_fid_find(fids, number) != NULL)
        return -EBADF;
    if (fids->count >= P9_MAX_FIDS)
        return -ENFILE;
    if (fstat(path, &st) < 0)
        return -errno;
    struct p9_fid *f = malloc(sizeof(*f));
    if (f == NULL)
        return -ENOMEM;
    *f = (struct p9_fid){.next = *bucket,
                         .number = number,
                         .uid = uid,
                         .path = path,
                         .open = -1,
                         .type = st.st_mode & S_IFMT};
    *bucket = f;
    fids->count++;
    if (out != NULL)
        *out = f;
    return 0;
}

int p9_fid_add(struct p9_fids *fids, uint32_t number, int path, uid_t uid, struct p9_fid **out)
{
    int rc = add(fids, number, path, uid, out);

    if (rc < 0)
        close(path);
    return rc;
}

void p9_fid_remove(struct p9_fids *fids, struct p9_fid *fid)
{
    struct p9_fid **link = bucket_of(fids, fid->number);

    while (*link != fid)
        link = &(*link)->next;
    *link = fid->next;
    fids->count--;
    close(fid->path);
    if (fid->open >= 0)
        close(fid->open);
    free(fid);
}

void p9_fids_clear(struct p9_fids *fids)
{
    for (unsigned int i = 0; i < P9_BUCKETS; i++)
        while (fids->bucket[i] != NULL)
            p9_fid_remove(fids, fids->bucket[i]);
}
