/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random lives of a disk image: requests of all kinds, several at once, over the same few clusters; what is read must be
 * what a copy in memory says. At the end the copy is written to a file, for qemu-img to compare.
 *
 *   image_test FORMAT IMAGE MODEL SEED REQUESTS [ro|kill|shared|blocked] [sandbox|hold]
 *
 * MODEL: a raw file with the image's present contents; it is changed along. ro: only reads. kill: ends in the middle, as
 * kill -9 would: what was acknowledged must be there. sandbox: with the system calls that hospes-block has (not under the
 * sanitizers, which want more); blocked: and then one that it has not.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dom0-toolstack/lib/error.h"
#include "pv-backends/block/image.h"
#include "pv-backends/block/io.h"
#include "pv-backends/block/sandbox.h"

#define DEPTH 12
#define MAX   (300u << 10)
#define AREA  (24u << 20) /* requests stay in a few such places */

static struct image *img;
static char *model;
static unsigned int in_flight, done_ok, granularity;
static uint64_t state;

static struct job {
    struct image_request r;
    struct iovec iov[3];
    char *buffer;
    bool busy;
} jobs[DEPTH];

static uint64_t rnd(uint64_t n)
{
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (state >> 20) % n;
}

static void fail(const char *what, const struct image_request *r, int rc)
{
    printf("not ok image_test: %s: op %d at %llu, %llu bytes: %d\n", what, r->op,
           (unsigned long long)r->offset, (unsigned long long)r->length, rc);
    exit(1);
}

static void ended(struct image_request *r, int rc)
{
    struct job *j = r->opaque;

    if (rc < 0)
        fail("a request failed", r, rc);
    if (r->op == IMAGE_READ && memcmp(j->buffer, model + r->offset, r->length) != 0)
        fail("read what was not written", r, 0);
    j->busy = false;
    in_flight--;
    done_ok++;
}

/* Whether another request that is on its way touches these bytes. */
static bool overlaps(uint64_t offset, uint64_t length)
{
    uint64_t g = granularity;

    offset = offset / g * g;
    length = (length + 2 * g) / g * g;
    for (unsigned int i = 0; i < DEPTH; i++)
        if (jobs[i].busy && jobs[i].r.op != IMAGE_FLUSH &&
            offset < jobs[i].r.offset + jobs[i].r.length + g && jobs[i].r.offset < offset + length)
            return true;
    return false;
}

static void discard_model(uint64_t offset, uint64_t length)
{
    uint64_t g = strcmp(img->ops->name, "qcow2") == 0 ? granularity : 512, end = offset + length;

    offset = (offset + g - 1) / g * g;
    if (end != img->size)
        end = end / g * g;
    if (end > offset)
        memset(model + offset, 0, end - offset);
}

static void start(struct job *j, bool read_only)
{
    uint64_t kind = read_only ? 0 : rnd(20), sectors = img->size / 512;
    uint64_t area = rnd(3) * (img->size / 3) % img->size;
    uint64_t n = (1 + (rnd(4) ? rnd(40) : rnd(MAX / 512))) * 512;
    uint64_t at = (area / 512 + rnd(AREA / 512)) % sectors * 512, cut;

    if (at + n > img->size)
        n = img->size - at;
    j->r = (struct image_request){.op = kind < 8    ? IMAGE_READ
                                        : kind < 17 ? IMAGE_WRITE
                                        : kind < 19 ? IMAGE_DISCARD
                                                    : IMAGE_FLUSH,
                                  .offset = at,
                                  .length = n,
                                  .iov = j->iov,
                                  .done = ended,
                                  .opaque = j};
    if (j->r.op == IMAGE_DISCARD && !img->discard)
        j->r.op = IMAGE_READ;
    if (j->r.op == IMAGE_FLUSH)
        j->r.length = 0;
    else if (overlaps(at, n))
        return;
    if (j->r.op == IMAGE_WRITE)
        for (uint64_t i = 0; i < n / 8; i++)
            ((uint64_t *)j->buffer)[i] = rnd(~0ull);
    cut = j->r.op <= IMAGE_WRITE ? rnd(n) : 0;
    j->iov[0] = (struct iovec){j->buffer, cut};
    j->iov[1] = (struct iovec){j->buffer + cut, n - cut};
    j->r.iovcnt = j->r.op <= IMAGE_WRITE ? 2 : 0;
    if (j->r.op == IMAGE_WRITE)
        memcpy(model + at, j->buffer, n);
    else if (j->r.op == IMAGE_DISCARD)
        discard_model(at, n);
    j->busy = true;
    in_flight++;
    image_submit(img, &j->r);
}

static void run(struct io *io, unsigned long requests, bool read_only)
{
    unsigned long begun = 0;

    while (begun < requests || in_flight != 0) {
        for (unsigned int i = 0; i < DEPTH && begun < requests; i++)
            if (!jobs[i].busy) {
                start(&jobs[i], read_only);
                begun++;
            }
        if (in_flight != 0 && io_turn(io, true) < 0) {
            printf("not ok image_test: io_turn failed\n");
            exit(1);
        }
    }
}

int main(int argc, char **argv)
{
    struct hl_error *e = hl_error_new();
    struct io *io;

    if (argc < 6)
        return 2;
    bool read_only = argc > 6 && strcmp(argv[6], "ro") == 0,
         shared = argc > 6 && strcmp(argv[6], "shared") == 0,
         killed = argc > 6 && strcmp(argv[6], "kill") == 0;
    state = strtoull(argv[4], NULL, 0) * 77 + 1;
    if (io_open(&io, 64, e) < 0 ||
        image_open(&img, io, argv[1], argv[2], read_only, shared, false, e) < 0) {
        char *why = hl_error_sentence(e);

        printf("not ok image_test: %s\n", why);
        free(why);
        hl_error_free(e);
        io_close(io);
        return 1;
    }
    int fd = open(argv[3], O_RDWR);
    model = mmap(NULL, img->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || model == MAP_FAILED) {
        printf("not ok image_test: %s: %s\n", argv[3], strerror(errno));
        return 1;
    }
    granularity = img->discard_granularity > 512 ? img->discard_granularity : 512;
    for (unsigned int i = 0; i < DEPTH; i++)
        jobs[i].buffer = malloc(MAX + 512);
    if (strcmp(argv[argc - 1], "sandbox") == 0 && block_sandbox(false, e) < 0) {
        printf("not ok image_test: no sandbox\n");
        return 1;
    }
    if (argc > 7 && strcmp(argv[6], "blocked") == 0)
        syscall(SYS_getppid); /* not on the list: the end */
    run(io, strtoul(argv[5], NULL, 0), read_only);
    if (killed)
        _exit(0);
    if (strcmp(argv[argc - 1], "hold") == 0) {
        puts("# open");
        fflush(stdout);
        (void)getchar();
    }
    image_close(img);
    io_close(io);
    for (unsigned int i = 0; i < DEPTH; i++)
        free(jobs[i].buffer);
    hl_error_free(e);
    munmap(model, 0);
    close(fd);
    printf("# %u requests\n", done_ok);
    return 0;
}
