/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a built domain; see domain.h. */
#include "dom0-toolstack/lib/domain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dom0-toolstack/lib/ctx.h"
#include "dom0-toolstack/lib/domain_config.h"
#include "dom0-toolstack/lib/domain_store.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/fault.h"
#include "dom0-toolstack/lib/hv_domain.h"
#include "dom0-toolstack/lib/lock.h"
#include "dom0-toolstack/lib/record.h"
#include "xenstore/client/xs_client.h"

/* ---- names ---- */

static char *read_name(struct hl_ctx *ctx, uint32_t domid)
{
    return ctx->xs == NULL ? NULL
                           : hs_readf(ctx->xs, HS_TX_NONE, "/local/domain/%" PRIu32 "/name", domid);
}

static bool parse_domid(const char *text, uint32_t *domid)
{
    unsigned long v;
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    v = strtoul(text, &end, 10);
    if (*end != '\0' || errno != 0 || v > UINT32_MAX)
        return false;
    *domid = (uint32_t)v;
    return true;
}

/* Number of differing characters at most, cheaply: for "did you mean". */
static unsigned int distance(const char *a, const char *b)
{
    unsigned int row[65], n = (unsigned int)strlen(b);

    if (n > 64)
        return 1000;
    for (unsigned int j = 0; j <= n; j++)
        row[j] = j;
    for (; *a != '\0'; a++) {
        unsigned int corner = row[0];

        row[0]++;
        for (unsigned int j = 1; j <= n; j++) {
            unsigned int up = row[j], best = corner + (*a != b[j - 1]);

            if (up + 1 < best)
                best = up + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
            corner = up;
        }
    }
    return row[n];
}

static int find_by_name(struct hl_ctx *ctx, const char *name, uint32_t *domid, struct hl_error *e)
{
    struct hv_domain_info *list;
    unsigned int best = 3;
    char *nearest = NULL;
    bool found = false;
    size_t n;
    int rc = hv_domain_list(ctx->hv, &list, &n, e);

    if (rc != 0)
        return rc;
    for (size_t i = 0; i < n && !found; i++) {
        char *other = read_name(ctx, list[i].domid);
        unsigned int d;

        if (other == NULL)
            continue;
        found = strcmp(other, name) == 0;
        if (found)
            *domid = list[i].domid;
        d = distance(name, other);
        if (d < best) {
            best = d;
            free(nearest);
            nearest = other;
        } else {
            free(other);
        }
    }
    free(list);
    if (!found) {
        rc = hl_fail(e, ENOENT, "find the domain", name, "there is no domain of this name");
        if (nearest != NULL)
            hl_error_advise(e, "did you mean %s?", nearest);
    }
    free(nearest);
    return rc;
}

int hl_domain_find(struct hl_ctx *ctx, const char *name_or_id, uint32_t *domid, struct hl_error *e)
{
    struct hv_domain_info info;
    uint32_t id;

    if (!parse_domid(name_or_id, &id))
        return find_by_name(ctx, name_or_id, domid, e);
    if (hv_domain_info(ctx->hv, id, &info, e) != 0)
        return hl_fail(e, ENOENT, "find the domain", name_or_id,
                       "there is no domain of this number");
    *domid = id;
    return 0;
}

int hl_domain_name(struct hl_ctx *ctx, uint32_t domid, char **name, struct hl_error *e)
{
    *name = read_name(ctx, domid);
    if (*name != NULL)
        return 0;
    return hl_fail_dom(e, ENOENT, domid, "read the domain's name", "it has none");
}

/* For operations that are nothing without xenstore, where the context may lack it. */
static int need_store(struct hl_ctx *ctx, const char *step, struct hl_error *e)
{
    if (ctx->xs != NULL)
        return 0;
    hl_fail(e, ENOTCONN, step, NULL, "xenstored is not running");
    hl_error_advise(e, "start it: systemctl start hospes-xenstored");
    return -ENOTCONN;
}

/* ---- running ---- */

int hl_domain_pause(struct hl_ctx *ctx, uint32_t domid, struct hl_error *e)
{
    return hv_domain_pause(ctx->hv, domid, e);
}

int hl_domain_unpause(struct hl_ctx *ctx, uint32_t domid, struct hl_error *e)
{
    return hv_domain_unpause(ctx->hv, domid, e);
}

/* ---- the end ---- */

/*
 * The traces of a dead domain. The nodes in xenstore go last, in one step: as long as they are there
 * somebody may have to finish this, and whoever waited for the lock sees that there is nothing left.
 */
static void remove_traces(struct hl_ctx *ctx, uint32_t domid, const uint8_t uuid[16],
                          bool keep_record, bool if_there)
{
    int lock = lock_take(LOCK_DOMAIN(domid), NULL);
    char text[37], *vm = NULL;
    bool there = true;

    if (if_there && ctx->xs != NULL) {
        vm = hs_readf(ctx->xs, HS_TX_NONE, "/local/domain/%" PRIu32 "/vm", domid);
        hl_uuid_format(uuid, text);
        there = vm != NULL && strstr(vm, text) != NULL;
        free(vm);
    }
    if (there && ctx->xs != NULL) {
        (void)hs_release(ctx->xs, domid);
        hl_fault_kill();
        hl_devices_release(ctx, domid);
    }
    if (there && !keep_record)
        hl_record_remove(uuid);
    hl_fault_kill();
    if (there && ctx->xs != NULL)
        domain_store_remove(ctx, domid, uuid);
    lock_drop(lock);
}

void hl_domain_forget(struct hl_ctx *ctx, uint32_t domid, const uint8_t uuid[16])
{
    remove_traces(ctx, domid, uuid, false, true);
}

/*
 * A destroyed domain stays as a shell while somebody still maps its rings. The daemons let go when
 * xenstored tells them, which takes milliseconds; waiting for it makes "destroy; list" clean.
 */
static void wait_until_gone(struct hl_ctx *ctx, uint32_t domid)
{
    struct timespec pause = {0, 250000};
    struct hv_domain_info info;

    /* Half a second in all. */
    for (int i = 0; i < 130 && hv_domain_info(ctx->hv, domid, &info, NULL) == 0; i++) {
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < 4000000)
            pause.tv_nsec *= 2;
    }
}

static int destroy(struct hl_ctx *ctx, uint32_t domid, bool keep_record, struct hl_error *e)
{
    struct hv_domain_info info;
    int rc;

    if (domid == 0) {
        hl_fail_dom(e, EPERM, domid, "destroy the domain", "domain 0 cannot be destroyed");
        hl_error_advise(e, "shut the host down instead");
        return -EPERM;
    }
    rc = hv_domain_info(ctx->hv, domid, &info, e);
    if (rc != 0)
        return rc;
    /* It must not run while what it lives on goes away; a dying one refuses, and that is fine. */
    (void)hv_domain_pause(ctx->hv, domid, NULL);
    rc = hv_domain_destroy(ctx->hv, domid, e);
    if (rc != 0 && rc != -ESRCH)
        return rc;
    rc = hl_fault("remove the domain's traces", e);
    if (rc != 0)
        return rc;
    remove_traces(ctx, domid, info.uuid, keep_record, false);
    wait_until_gone(ctx, domid);
    return 0;
}

int hl_domain_destroy(struct hl_ctx *ctx, uint32_t domid, struct hl_error *e)
{
    return destroy(ctx, domid, false, e);
}

int hl_domain_destroy_keep_record(struct hl_ctx *ctx, uint32_t domid, struct hl_error *e)
{
    return destroy(ctx, domid, true, e);
}

/* ---- whose it is to keep ---- */

void hl_domain_managed_path(uint32_t domid, char out[64])
{
    snprintf(out, 64, "/libxl/%" PRIu32 "/hospesd", domid);
}

int hl_domain_mark_managed(struct hl_ctx *ctx, uint32_t domid, struct hl_error *e)
{
    char home[32], path[64];

    snprintf(home, sizeof(home), "/local/domain/%" PRIu32, domid);
    hl_domain_managed_path(domid, path);
    if (hs_write_while(ctx->xs, home, path, "1") < 0)
        return hl_fail_dom(e, errno, domid, "mark as kept by hospesd",
                           errno == ENOENT ? "somebody has destroyed it meanwhile" : NULL);
    return 0;
}

/* ---- requests to the guest ---- */

/*
 * Where the domain was destroyed meanwhile, nothing of it stays. Not by hs_change(): some of these nodes are the guest's, which
 * could write there, too, and keep a transaction from ever coming to its end.
 */
static int write_home(struct hl_ctx *ctx, uint32_t domid, const char *key, const char *value,
                      const char *step, struct hl_error *e)
{
    struct hv_domain_info info;
    char path[96];
    int rc = need_store(ctx, step, e);

    if (rc != 0)
        return rc;
    snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/%s", domid, key);
    if (hs_write(ctx->xs, HS_TX_NONE, path, value, strlen(value)) < 0)
        return hl_fail(e, errno, step, path, NULL);
    /* Its nodes go after it: if they went before we wrote, it is dead by now. */
    if (hv_domain_info(ctx->hv, domid, &info, NULL) == 0 && !info.dying)
        return 0;
    (void)hs_rm_prune(ctx->xs, HS_TX_NONE, path);
    return hl_fail_dom(e, ESRCH, domid, step, "somebody has destroyed it meanwhile");
}

int hl_domain_request(struct hl_ctx *ctx, uint32_t domid, const char *what, bool force,
                      struct hl_error *e)
{
    struct hv_domain_info info;
    char step[64], *listens;
    int rc;

    snprintf(step, sizeof(step), "ask the guest to %s", what);
    rc = need_store(ctx, step, e);
    if (rc == 0)
        rc = hv_domain_info(ctx->hv, domid, &info, e);
    if (rc != 0)
        return rc;
    if (info.shutdown || info.dying)
        return hl_fail_dom(e, ESRCH, domid, step, "it has shut down already");
    /* PV kernels always listen; others say so. */
    if (info.hvm && !force) {
        listens = hs_readf(ctx->xs, HS_TX_NONE, "/local/domain/%" PRIu32 "/control/feature-%s",
                           domid, what);
        rc = listens == NULL || strcmp(listens, "1") != 0 ? -EOPNOTSUPP : 0;
        free(listens);
        if (rc != 0) {
            hl_fail_dom(e, EOPNOTSUPP, domid, step, "the guest has no PV driver that listens");
            hl_error_advise(e, "shut it down from inside, send an ACPI event (-F), or destroy it");
            return rc;
        }
    }
    return write_home(ctx, domid, "control/shutdown", what, step, e);
}

int hl_domain_shutdown(struct hl_ctx *ctx, uint32_t domid, bool force, struct hl_error *e)
{
    return hl_domain_request(ctx, domid, "poweroff", force, e);
}

int hl_domain_reboot(struct hl_ctx *ctx, uint32_t domid, bool force, struct hl_error *e)
{
    return hl_domain_request(ctx, domid, "reboot", force, e);
}

int hl_domain_sysrq(struct hl_ctx *ctx, uint32_t domid, char key, struct hl_error *e)
{
    struct hv_domain_info info;
    char text[2] = {key, '\0'};
    int rc = hv_domain_info(ctx->hv, domid, &info, e);

    if (rc == 0)
        rc = write_home(ctx, domid, "control/sysrq", text, "send a sysrq", e);
    return rc;
}

/* ---- changes ---- */

static const char rename_step[] = "rename the domain";

static int rename_record(const uint8_t uuid[16], const char *name, struct hl_error *e)
{
    struct hl_domain_config c;
    char *copy;
    int rc = hl_record_load(uuid, &c, NULL);

    if (rc == -ENOENT)
        return 0;
    if (rc != 0)
        return hl_record_load(uuid, &c, e); /* again, for the record of the failure */
    copy = strdup(name);
    if (copy == NULL) {
        rc = hl_fail(e, ENOMEM, "rename the domain", name, NULL);
    } else {
        free(c.name);
        c.name = copy;
        rc = hl_record_save(&c, e);
    }
    hl_domain_config_free(&c);
    return rc;
}

struct new_name {
    char home[32], vm[64];
    const char *name;
};

static int write_name(struct hs *xs, hs_tx_t tx, void *opaque)
{
    const struct new_name *n = opaque;

    if (hs_write_at(xs, tx, n->home, "name", "%s", n->name) < 0)
        return -1;
    return hs_exists(xs, tx, n->vm) == 1 ? hs_write_at(xs, tx, n->vm, "name", "%s", n->name) : 0;
}

/* Nobody else takes the name meanwhile, or changes the record. */
static int rename_locked(struct hl_ctx *ctx, uint32_t domid, const uint8_t uuid[16],
                         const char *name, struct hl_error *e)
{
    struct new_name n = {.name = name};
    uint32_t other;
    char text[37];

    if (hl_domain_find(ctx, name, &other, NULL) == 0) {
        if (other == domid)
            return 0;
        return hl_fail(e, EEXIST, rename_step, name, "domain %" PRIu32 " has this name", other);
    }
    hl_uuid_format(uuid, text);
    snprintf(n.home, sizeof(n.home), "/local/domain/%" PRIu32, domid);
    snprintf(n.vm, sizeof(n.vm), "/vm/%s", text);
    if (hs_change(ctx->xs, n.home, write_name, &n) < 0)
        return hl_fail_dom(e, errno, domid, rename_step, NULL);
    return rename_record(uuid, name, e);
}

int hl_domain_rename(struct hl_ctx *ctx, uint32_t domid, const char *name, struct hl_error *e)
{
    struct hv_domain_info info;
    int name_lock, lock, rc = need_store(ctx, rename_step, e);

    if (rc == 0)
        rc = hv_domain_info(ctx->hv, domid, &info, e);
    if (rc != 0)
        return rc;
    if (!hl_domain_name_ok(name)) {
        hl_fail(e, EINVAL, rename_step, name, "that is not a usable name");
        hl_error_advise(e, "1 to 255 characters, not a number, without / and control characters");
        return -EINVAL;
    }
    name_lock = lock_take_name(name, e);
    if (name_lock < 0)
        return name_lock;
    /* Its record has the name, and the devices, which come and go. */
    lock = lock_take(LOCK_DOMAIN(domid), e);
    rc = lock < 0 ? lock : rename_locked(ctx, domid, info.uuid, name, e);
    lock_drop(lock);
    lock_drop(name_lock);
    return rc;
}

static int static_max(struct hl_ctx *ctx, uint32_t domid, uint64_t *kib)
{
    char path[64];
    long long v;

    snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/memory/static-max", domid);
    if (hs_read_int(ctx->xs, HS_TX_NONE, path, &v) < 0 || v < 0)
        return -ENOENT;
    *kib = (uint64_t)v;
    return 0;
}

#define MEM_SLACK_KIB 1024

/* The hypervisor's limit, and a node that goes with it: both or none. */
static int limit_and_node(struct hl_ctx *ctx, const struct hv_domain_info *before, uint64_t kib,
                          const char *key, const char *step, struct hl_error *e)
{
    int rc = hv_domain_set_max_mem(ctx->hv, before->domid, kib + MEM_SLACK_KIB, e);
    char value[24];

    if (rc != 0)
        return rc;
    snprintf(value, sizeof(value), "%" PRIu64, kib);
    rc = write_home(ctx, before->domid, key, value, step, e);
    /* "No limit" is a number of pages whose KiB would not fit. */
    if (rc != 0 && before->max_pages <= UINT64_MAX / 4)
        (void)hv_domain_set_max_mem(ctx->hv, before->domid, before->max_pages * 4, NULL);
    return rc;
}

int hl_domain_mem_set(struct hl_ctx *ctx, uint32_t domid, uint64_t kib, struct hl_error *e)
{
    static const char step[] = "set the domain's memory";
    struct hv_domain_info info;
    uint64_t max;
    int rc;

    if (domid == 0 && kib < HL_DOM0_MIN_KIB)
        return hl_fail_dom(e, EINVAL, domid, step,
                           "Domain 0 keeps at least %u MiB: the host would die with it",
                           HL_DOM0_MIN_KIB >> 10);
    rc = need_store(ctx, step, e);
    if (rc == 0)
        rc = hv_domain_info(ctx->hv, domid, &info, e);
    if (rc != 0)
        return rc;
    kib &= ~(uint64_t)3;
    if (kib == 0)
        return hl_fail_dom(e, EINVAL, domid, step, "a domain cannot live without memory");
    if (static_max(ctx, domid, &max) == 0 && kib > max) {
        hl_fail_dom(e, EINVAL, domid, step,
                    "%" PRIu64 " MiB is above its maximum of %" PRIu64 " MiB", kib / 1024,
                    max / 1024);
        hl_error_advise(e, "raise that first (mem-max)");
        return -EINVAL;
    }
    /* The limit goes along, so that a guest cannot take back what it was told to give. */
    return limit_and_node(ctx, &info, kib, "memory/target", step, e);
}

int hl_domain_mem_max(struct hl_ctx *ctx, uint32_t domid, uint64_t kib, struct hl_error *e)
{
    static const char step[] = "set the domain's memory limit";
    struct hv_domain_info info;
    int rc = need_store(ctx, step, e);

    if (rc == 0)
        rc = hv_domain_info(ctx->hv, domid, &info, e);
    if (rc != 0)
        return rc;
    if (kib < info.pages * 4) {
        hl_fail_dom(e, EINVAL, domid, step, "it has %" PRIu64 " MiB now", info.pages / 256);
        hl_error_advise(e, "shrink it first (mem-set)");
        return -EINVAL;
    }
    /* What mem-set may ask for from now on. */
    return limit_and_node(ctx, &info, kib, "memory/static-max", step, e);
}

int hl_domain_vcpu_set(struct hl_ctx *ctx, uint32_t domid, unsigned int count, struct hl_error *e)
{
    static const char step[] = "set the number of vCPUs";
    struct hv_domain_info info;
    unsigned int max;
    int rc = hv_domain_info(ctx->hv, domid, &info, e);

    if (rc != 0)
        return rc;
    max = info.max_vcpu_id + 1;
    if (count == 0 || count > max)
        return hl_fail_dom(e, EINVAL, domid, step, "%u is not in 1 to %u", count, max);
    for (unsigned int i = 0; rc == 0 && i < max; i++) {
        char key[48];

        snprintf(key, sizeof(key), "cpu/%u/availability", i);
        rc = write_home(ctx, domid, key, i < count ? "online" : "offline", step, e);
    }
    return rc;
}

int hl_domain_uptime(struct hl_ctx *ctx, uint32_t domid, uint64_t *seconds, struct hl_error *e)
{
    struct timespec now;
    char *vm, *start;
    long long at;
    int rc;

    if (domid == 0) {
        clock_gettime(CLOCK_BOOTTIME, &now);
        *seconds = (uint64_t)now.tv_sec;
        return 0;
    }
    rc = need_store(ctx, "read the domain's start time", e);
    if (rc != 0)
        return rc;
    vm = hs_readf(ctx->xs, HS_TX_NONE, "/local/domain/%" PRIu32 "/vm", domid);
    start = vm == NULL ? NULL : hs_readf(ctx->xs, HS_TX_NONE, "%s/start_time", vm);
    free(vm);
    if (start == NULL)
        return hl_fail_dom(e, ENOENT, domid, "read the domain's start time", NULL);
    at = atoll(start);
    free(start);
    clock_gettime(CLOCK_REALTIME, &now);
    *seconds = now.tv_sec > at ? (uint64_t)(now.tv_sec - at) : 0;
    return 0;
}
