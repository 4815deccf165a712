/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a domain after it was built, both halves of each operation: xenstore and hypercalls.
 * All return 0 or a negative errno with the record filled.
 */
#ifndef HL_DOMAIN_H
#define HL_DOMAIN_H

#include <stdbool.h>
#include <stdint.h>

struct hl_ctx;
struct hl_error;

/*
 * Name or number to number. A number must be a living domain, too. -ENOENT with a record that says
 * so (and the nearest name).
 */
int hl_domain_find(struct hl_ctx *ctx, const char *name_or_id, uint32_t *domid, struct hl_error *e);
/* The name by xenstore; malloc'd. -ENOENT when it has none. */
int hl_domain_name(struct hl_ctx *ctx, uint32_t domid, char **name, struct hl_error *e);

int hl_domain_pause(struct hl_ctx *ctx, uint32_t domid, struct hl_error *e);
int hl_domain_unpause(struct hl_ctx *ctx, uint32_t domid, struct hl_error *e);

/*
 * The mark by which hospesd knows, also after its own restart, that the domain is its to keep; it goes with the domain's traces.
 * -ENOENT if the domain has none any more, because somebody destroyed it meanwhile.
 */
int hl_domain_mark_managed(struct hl_ctx *ctx, uint32_t domid, struct hl_error *e);
/* Where that mark is. */
void hl_domain_managed_path(uint32_t domid, char out[64]);

/* Kills it at once and removes all its traces (xenstore, record). Refuses domain 0. */
int hl_domain_destroy(struct hl_ctx *ctx, uint32_t domid, struct hl_error *e);
/*
 * Removes only the traces, for a domain that is dead; nothing happens where xenstore has none of this
 * domain any more, because somebody else removed them.
 */
void hl_domain_forget(struct hl_ctx *ctx, uint32_t domid, const uint8_t uuid[16]);
/* As destroy, but the record stays: for hospesd's restart. */
int hl_domain_destroy_keep_record(struct hl_ctx *ctx, uint32_t domid, struct hl_error *e);

/*
 * Asks the guest: control/shutdown = poweroff, reboot, suspend, halt or crash. -EOPNOTSUPP when the
 * guest does not say that it listens (unless `force`). Does not wait.
 */
int hl_domain_request(struct hl_ctx *ctx, uint32_t domid, const char *what, bool force,
                      struct hl_error *e);
int hl_domain_shutdown(struct hl_ctx *ctx, uint32_t domid, bool force, struct hl_error *e);
int hl_domain_reboot(struct hl_ctx *ctx, uint32_t domid, bool force, struct hl_error *e);
/* control/sysrq */
int hl_domain_sysrq(struct hl_ctx *ctx, uint32_t domid, char key, struct hl_error *e);

/* In xenstore and in the record; refuses a bad name or one in use. */
int hl_domain_rename(struct hl_ctx *ctx, uint32_t domid, const char *name, struct hl_error *e);

/* Domain 0 is not shrunk below this, as xl does not. */
#define HL_DOM0_MIN_KIB (128u << 10)

/* The balloon's target and the hypervisor's limit; above the static maximum, or too little for Domain 0: -EINVAL. */
int hl_domain_mem_set(struct hl_ctx *ctx, uint32_t domid, uint64_t kib, struct hl_error *e);
int hl_domain_mem_max(struct hl_ctx *ctx, uint32_t domid, uint64_t kib, struct hl_error *e);

/* vCPUs 0 … count-1 online, others offline (the guest does it). Above its maximum: -EINVAL. */
int hl_domain_vcpu_set(struct hl_ctx *ctx, uint32_t domid, unsigned int count, struct hl_error *e);

/* Seconds since the domain was started, from /vm/UUID/start_time (domain 0: since boot). */
int hl_domain_uptime(struct hl_ctx *ctx, uint32_t domid, uint64_t *seconds, struct hl_error *e);

#endif
