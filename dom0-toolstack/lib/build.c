/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making a domain; see build.h. */
#include "dom0-toolstack/lib/build.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dom0-toolstack/lib/abi.h"
#include "dom0-toolstack/lib/bootloader.h"
#include "dom0-toolstack/lib/creation.h"
#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/domain.h"
#include "dom0-toolstack/lib/domain_config.h"
#include "dom0-toolstack/lib/domain_store.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/fault.h"
#include "dom0-toolstack/lib/host_memory.h"
#include "dom0-toolstack/lib/hv_domain.h"
#include "dom0-toolstack/lib/hv_event.h"
#include "dom0-toolstack/lib/hv_memory.h"
#include "dom0-toolstack/lib/hv_system.h"
#include "dom0-toolstack/lib/kernel_cache.h"
#include "dom0-toolstack/lib/kernel_image.h"
#include "dom0-toolstack/lib/lock.h"
#include "dom0-toolstack/lib/pv_build.h"
#include "dom0-toolstack/lib/record.h"
#include "dom0-toolstack/lib/xl_conf.h"
#include "xenstore/client/xs_client.h"

#define DEFAULT_EVENT_CHANNELS 1023
#define MAX_CMDLINE            1023 /* start_info has room for a NUL more */
#define MEM_SLACK_KIB          1024 /* pages that the hypervisor charges beyond the guest's memory */

/* What the hypervisor itself allocates for a PV domain: its structures, vCPUs, grant frames. */
#define MEM_OVERHEAD_KIB 4096

struct job {
    struct hl_ctx *ctx;
    struct hl_domain_config config; /* checked and complete */
    struct creation *guard;         /* may be NULL */
    struct hl_build_result *result;
    struct hl_boot_files boot; /* with bootloader= */
    const char *kernel_path, *ramdisk_path, *cmdline;
    struct kernel_file kernel;
    struct kernel_image *image;
    int ramdisk_fd;
    int name_lock; /* until the name stands in xenstore */
    uint64_t ramdisk_bytes;
    bool claim;
};

static uint64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ---- before a domain exists ---- */

static int check_name(struct job *j, struct hl_error *e)
{
    uint32_t other;

    if (hl_domain_find(j->ctx, j->config.name, &other, NULL) != 0)
        return 0;
    hl_fail(e, EEXIST, "check the name", j->config.name, "domain %" PRIu32 " has it already",
            other);
    hl_error_advise(e, "choose another name, or end that domain");
    return -EEXIST;
}

/* Records and nodes go by the uuid, so one domain alone can have it; a dying one has it no more. */
static int check_uuid(struct job *j, struct hl_error *e)
{
    struct hv_domain_info *list;
    char text[37];
    size_t n;
    int rc = hv_domain_list(j->ctx->hv, &list, &n, e);

    if (rc != 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (list[i].dying || memcmp(list[i].uuid, j->config.uuid, sizeof(list[i].uuid)) != 0)
            continue;
        hl_uuid_format(j->config.uuid, text);
        rc = hl_fail(e, EEXIST, "check the uuid", text, "domain %" PRIu32 " has it already",
                     list[i].domid);
        hl_error_advise(e, "leave uuid= out, or end that domain");
    }
    free(list);
    return rc;
}

/* The files of the configuration, or what the boot loader finds. The configuration itself stays as it is: the next start
 * finds anew. */
static int find_files(struct job *j, struct hl_error *e)
{
    int rc;

    j->kernel_path = j->config.kernel;
    j->ramdisk_path = j->config.ramdisk;
    j->cmdline = j->config.cmdline;
    if (j->config.bootloader == NULL)
        return 0;
    rc = hl_bootloader_run(&j->config, &j->boot, e);
    if (rc != 0)
        return rc;
    j->kernel_path = j->boot.kernel;
    j->ramdisk_path = *j->boot.ramdisk == '\0' ? NULL : j->boot.ramdisk;
    j->cmdline = j->boot.args;
    if (strlen(j->cmdline) <= MAX_CMDLINE)
        return 0;
    return hl_fail(e, EINVAL, "find a kernel on the guest's disk", j->config.name,
                   "the kernel's command line is longer than %d bytes", MAX_CMDLINE);
}

static int open_kernel(struct job *j, struct hl_error *e)
{
    int rc = kernel_file_open(j->kernel_path, &j->kernel, e);

    if (rc != 0)
        return rc;
    j->result->kernel_from_cache = j->kernel.from_cache;
    j->image = malloc(sizeof(*j->image));
    if (j->image == NULL)
        return hl_fail(e, ENOMEM, "read the kernel", j->kernel_path, NULL);
    rc = kernel_image_parse(j->kernel.data, j->kernel.size, j->image, e);
    if (rc != 0)
        hl_error_within(e, "%s",
                        j->config.kernel == NULL ? "the kernel on the guest's disk"
                                                 : j->config.kernel);
    return rc;
}

static int open_ramdisk(struct job *j, struct hl_error *e)
{
    static const char step[] = "read the ramdisk";
    struct stat st;

    if (j->ramdisk_path == NULL)
        return 0;
    j->ramdisk_fd = open(j->ramdisk_path, O_RDONLY | O_CLOEXEC);
    if (j->ramdisk_fd < 0 || fstat(j->ramdisk_fd, &st) < 0) {
        int err = errno;

        hl_fail(e, err, step, j->ramdisk_path, NULL);
        if (err == ENOENT)
            hl_error_advise(e, "check ramdisk= in the configuration");
        return -err;
    }
    if (!S_ISREG(st.st_mode))
        return hl_fail(e, EINVAL, step, j->ramdisk_path, "it is not a file");
    j->ramdisk_bytes = (uint64_t)st.st_size;
    return 0;
}

/* A pool by number, or by its name in xenstore. */
static int find_pool(struct job *j, uint32_t *id, struct hl_error *e)
{
    const char *want = j->config.pool;
    char **ids, *end;
    unsigned int n;
    bool found = false;

    *id = 0;
    if (want == NULL)
        return 0;
    *id = (uint32_t)strtoul(want, &end, 10);
    if (*want != '\0' && *end == '\0')
        return 0;
    ids = hs_directory(j->ctx->xs, HS_TX_NONE, "/local/pool", &n);
    for (unsigned int i = 0; ids != NULL && i < n && !found; i++) {
        char *name = hs_readf(j->ctx->xs, HS_TX_NONE, "/local/pool/%s/name", ids[i]);

        found = name != NULL && strcmp(name, want) == 0;
        if (found)
            *id = (uint32_t)strtoul(ids[i], NULL, 10);
        free(name);
    }
    free(ids);
    if (found)
        return 0;
    return hl_fail(e, ENOENT, "find the CPU pool", want, "there is no such pool");
}

/* ---- an empty domain with its limits ---- */

/* Numbers that nobody has, for domid_policy="random": one after the other until the hypervisor takes one. */
static int create_with_random_number(struct hv *hv, const struct hv_domain_create *create,
                                     uint32_t *domid, struct hl_error *e)
{
    int rc;

    do {
        uint16_t number;

        if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
            return hl_fail(e, errno, "choose a number for the domain", NULL, NULL);
        *domid = number % (DOMID_FIRST_RESERVED - 1) + 1;
        hl_error_clear(e);
        rc = hv_domain_create(hv, create, domid, e);
    } while (rc == -EEXIST);
    return rc;
}

static int create_empty(struct job *j, struct hl_error *e)
{
    const struct hl_domain_config *c = &j->config;
    struct hv *hv = j->ctx->hv;
    struct hv_domain_create create = {
        .max_vcpus = c->maxvcpus,
        .max_evtchn_port = c->max_event_channels == HL_UNSET_INT ? DEFAULT_EVENT_CHANNELS
                                                                 : (uint32_t)c->max_event_channels,
        .max_grant_frames = c->max_grant_frames,
        .max_maptrack_frames = c->max_maptrack_frames,
    };
    struct hv_physinfo host;
    bool random = false;
    int rc = hv_physinfo(hv, &host, e);

    if (rc == 0)
        rc = find_pool(j, &create.cpupool, e);
    if (rc == 0)
        rc = xl_conf_random_domid(&random, e);
    if (rc != 0)
        return rc;
    if (c->max_grant_version != HL_UNSET_INT)
        create.grant_version = (uint32_t)c->max_grant_version;
    else
        create.grant_version = host.cap_gnttab_v2 ? 2 : 1;
    memcpy(create.uuid, c->uuid, sizeof(create.uuid));
    if (random)
        return create_with_random_number(hv, &create, &j->result->domid, e);
    return hv_domain_create(hv, &create, &j->result->domid, e);
}

static const char *affinity_text(const struct hl_affinity *a, uint32_t vcpu)
{
    if (a->all != NULL)
        return a->all;
    return vcpu < a->nr_each ? a->each[vcpu] : NULL;
}

static int set_affinity(struct job *j, struct hl_error *e)
{
    const struct hl_domain_config *c = &j->config;
    struct hl_cpumask hard, soft, allowed;
    struct hv_topology topo;
    bool masked = false;
    int rc = hv_topology(j->ctx->hv, &topo, e);

    if (rc == 0 && !c->ignore_host_cpus)
        rc = xl_conf_cpumask(c->type != HL_TYPE_PV, &topo, &allowed, &masked, e);
    for (uint32_t i = 0; rc == 0 && i < c->maxvcpus; i++) {
        const char *h = affinity_text(&c->cpus, i), *s = affinity_text(&c->cpus_soft, i);

        if (h != NULL)
            rc = hl_cpumask_parse(h, &topo, &hard, e);
        else
            hl_cpumask_set_all(&hard);
        if (rc == 0 && masked) {
            rc = hl_cpumask_confine(&hard, &allowed, e);
            if (rc < 0)
                hl_error_advise(e, XL_CONF_CPUMASK_ADVICE);
        }
        if (rc == 0 && s != NULL)
            rc = hl_cpumask_parse(s, &topo, &soft, e);
        if (rc == 0 && (h != NULL || masked || s != NULL))
            rc = hv_vcpu_set_affinity(j->ctx->hv, j->result->domid, i,
                                      h == NULL && !masked ? NULL : &hard, s == NULL ? NULL : &soft,
                                      false, e);
    }
    hv_topology_free(&topo);
    return rc;
}

static int set_limits(struct job *j, struct hl_error *e)
{
    const struct hl_domain_config *c = &j->config;
    struct hv_sched_params sched = {c->cpu_weight, c->cpu_cap};
    struct hv_e820 ram = {0, c->maxmem_kib * 1024, 1};
    struct hv *hv = j->ctx->hv;
    uint32_t domid = j->result->domid;
    int rc = hv_domain_set_max_vcpus(hv, domid, c->maxvcpus, e);

    if (rc == 0)
        rc = set_affinity(j, e);
    if (rc == 0)
        rc = hv_domain_set_max_mem(hv, domid, c->memory_kib + MEM_SLACK_KIB, e);
    if (rc == 0)
        rc = hv_memory_set_map(hv, domid, &ram, 1, e);
    if (rc == 0)
        rc = hv_domain_set_tsc(hv, domid, 0, 0, 0, 0, e);
    if (rc == 0 && (sched.weight != HL_UNSET_INT || sched.cap != HL_UNSET_INT))
        rc = hv_domain_sched_set(hv, domid, &sched, e);
    if (rc == 0)
        rc = hv_event_alloc_unbound(hv, domid, 0, &j->result->store_port, e);
    if (rc == 0)
        rc = hv_event_alloc_unbound(hv, domid, 0, &j->result->console_port, e);
    return rc;
}

static int fill(struct job *j, struct hl_error *e)
{
    struct pv_build b = {
        .hv = j->ctx->hv,
        .domid = j->result->domid,
        .image = j->image,
        .ramdisk_fd = j->ramdisk_fd,
        .ramdisk_bytes = j->ramdisk_bytes,
        .ramdisk_name = j->ramdisk_path,
        .cmdline = j->cmdline,
        .nr_pages = j->config.memory_kib / 4,
        .claim = j->claim,
        .store_port = j->result->store_port,
        .console_port = j->result->console_port,
    };
    int rc = pv_build(&b, e);

    /* There was enough before: somebody else took it. */
    if (rc == -ENOMEM && b.missing_pages != 0)
        rc = hl_host_short_of(j->ctx, j->config.memory_kib,
                              j->config.memory_kib - b.missing_pages * 4, true, e);
    j->result->store_mfn = b.store_mfn;
    j->result->console_mfn = b.console_mfn;
    return rc;
}

/* ---- making it known ---- */

/* Whoever wants the name sees now that it is taken. */
static void drop_name(struct job *j)
{
    lock_drop(j->name_lock);
    j->name_lock = -1;
}

/* What a step answered, before anything is undone; of a domain that somebody destroyed meanwhile it is that. */
static int cause(const struct job *j, int rc, struct hl_error *e)
{
    struct hv_domain_info info;

    if (rc == 0 || (hv_domain_info(j->ctx->hv, j->result->domid, &info, NULL) == 0 && !info.dying &&
                    memcmp(info.uuid, j->config.uuid, sizeof(info.uuid)) == 0))
        return rc;
    return hl_fail_dom(e, ESRCH, j->result->domid, "make the domain",
                       "somebody has destroyed it meanwhile");
}

/* Somebody may have destroyed it since it can be seen: who does that removes the record, and must find it. */
static int keep_record(struct job *j, struct hl_error *e)
{
    int lock = lock_take(LOCK_DOMAIN(j->result->domid), e), rc = lock < 0 ? lock : 0;
    char home[32];

    snprintf(home, sizeof(home), "/local/domain/%" PRIu32, j->result->domid);
    if (rc == 0 && hs_exists(j->ctx->xs, HS_TX_NONE, home) != 1)
        rc = hl_fail_dom(e, ESRCH, j->result->domid, "keep the domain's configuration",
                         "somebody has destroyed it meanwhile");
    if (rc == 0)
        rc = hl_record_save(&j->config, e);
    lock_drop(lock);
    return rc;
}

static int publish(struct job *j, struct hl_error *e)
{
    struct hl_build_result *r = j->result;
    int lock, rc = hl_fault("write the domain's xenstore entries", e);

    if (rc == 0)
        rc = domain_store_write(j->ctx, &j->config, r, e);
    if (rc != 0)
        return rc;
    drop_name(j);
    rc = hl_fault("introduce the domain to xenstored", e);
    if (rc != 0)
        goto undo;
    if (hs_introduce(j->ctx->xs, r->domid, r->store_mfn, r->store_port) < 0) {
        rc = hl_fail_dom(e, errno, r->domid, "introduce the domain to xenstored", NULL);
        rc = cause(j, rc, e);
        goto undo;
    }
    rc = hl_fault("add the devices", e);
    if (rc == 0)
        rc = hl_devices_add(j->ctx, r->domid, &j->config.devices, e);
    rc = cause(j, rc, e);
    if (rc != 0)
        goto release;
    rc = hl_fault("keep the domain's configuration", e);
    if (rc == 0)
        rc = keep_record(j, e);
    rc = cause(j, rc, e);
    if (rc != 0)
        goto devices;
    return 0;

devices:
    lock = lock_take(LOCK_DOMAIN(r->domid), NULL);
    hl_devices_release(j->ctx, r->domid);
    lock_drop(lock);
release:
    /* Who hears that xenstored lets go must find the domain dead: nobody will tell him later. */
    (void)hv_domain_destroy(j->ctx->hv, r->domid, NULL);
    (void)hs_release(j->ctx->xs, r->domid);
undo:
    domain_store_remove(j->ctx, r->domid, r->uuid);
    return rc;
}

static int make_domain(struct job *j, struct hl_error *e)
{
    uint64_t start = now_us(), built;
    int rc = hl_fault("make the domain", e);

    if (rc == 0 && j->guard != NULL)
        rc = creation_begin(j->guard, j->config.uuid, e);
    if (rc == 0)
        rc = create_empty(j, e);
    if (rc != 0)
        return rc;
    if (j->guard != NULL)
        rc = creation_domid(j->guard, j->result->domid, e);
    if (rc == 0)
        rc = hl_fault("set the domain's limits", e);
    if (rc == 0)
        rc = set_limits(j, e);
    if (rc == 0)
        rc = hl_fault("fill the domain", e);
    if (rc == 0)
        rc = fill(j, e);
    rc = cause(j, rc, e);
    built = now_us();
    j->result->us_build = built - start;
    if (rc == 0)
        rc = publish(j, e);
    j->result->us_store = now_us() - built;
    if (rc != 0)
        (void)hv_domain_destroy(j->ctx->hv, j->result->domid, NULL);
    return rc;
}

static int prepare(struct job *j, struct hl_error *e)
{
    uint64_t start = now_us();
    int rc = hl_domain_config_finish(&j->config, e);

    if (rc != 0)
        return rc;
    if (j->config.type != HL_TYPE_PV) {
        hl_fail(e, EOPNOTSUPP, "check the configuration", j->config.name,
                "domains of type %s are not supported yet", hl_domain_type_name(j->config.type));
        hl_error_advise(e, "set type=\"pv\"");
        return -EOPNOTSUPP;
    }
    memcpy(j->result->uuid, j->config.uuid, sizeof(j->result->uuid));
    j->name_lock = lock_take_name(j->config.name, e);
    if (j->name_lock < 0)
        return j->name_lock;
    rc = check_name(j, e);
    if (rc == 0)
        rc = check_uuid(j, e);
    if (rc == 0)
        rc = find_files(j, e);
    if (rc == 0)
        rc = open_kernel(j, e);
    if (rc == 0)
        rc = open_ramdisk(j, e);
    if (rc == 0)
        rc = xl_conf_claim_mode(&j->claim, e);
    if (rc == 0)
        rc = hl_host_make_room(j->ctx, j->config.memory_kib + MEM_OVERHEAD_KIB, e);
    j->result->us_kernel = now_us() - start;
    return rc;
}

int hl_domain_build(struct hl_ctx *ctx, const struct hl_domain_config *config,
                    struct creation *guard, struct hl_build_result *result, struct hl_error *e)
{
    struct job j = {.ctx = ctx,
                    .guard = guard,
                    .result = result,
                    .boot = {.kernel_fd = -1, .ramdisk_fd = -1},
                    .ramdisk_fd = -1,
                    .name_lock = -1};
    int rc;

    memset(result, 0, sizeof(*result));
    if (ctx->xs == NULL)
        return hl_fail(e, ENOTCONN, "create the domain", config->name, "xenstored is not running");
    if (hl_domain_config_copy(&j.config, config) != 0)
        return hl_fail(e, ENOMEM, "create the domain", config->name, NULL);
    rc = prepare(&j, e);
    if (rc == 0)
        rc = make_domain(&j, e);
    if (rc != 0)
        hl_error_within(e, "create %s", j.config.name == NULL ? "the domain" : j.config.name);
    drop_name(&j);
    free(j.image);
    kernel_file_close(&j.kernel);
    if (j.ramdisk_fd >= 0)
        close(j.ramdisk_fd);
    hl_bootloader_close(&j.boot);
    hl_domain_config_free(&j.config);
    return rc;
}
