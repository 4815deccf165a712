/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See policy.h. */
#include "dom0-toolstack/hospesd/policy.h"

#include <stddef.h>

#include "dom0-toolstack/lib/domain_config.h"
#include "dom0-toolstack/lib/hv_domain.h"

/* A guest that lived this long did its work; its restart is no sign of a fault. */
#define GOOD_LIFE_SECONDS 20
#define MAX_DELAY_SECONDS 60

static enum hl_action action_for(const struct hl_domain_config *c, unsigned int reason)
{
    switch (reason) {
    case HV_SHUTDOWN_POWEROFF: return c->on_poweroff;
    case HV_SHUTDOWN_REBOOT: return c->on_reboot;
    case HV_SHUTDOWN_CRASH: return c->on_crash;
    case HV_SHUTDOWN_WATCHDOG: return c->on_watchdog;
    case HV_SHUTDOWN_SOFT_RESET: return c->on_soft_reset;
    default: return HL_ACTION_DESTROY;
    }
}

enum policy policy_for(const struct hl_domain_config *c, unsigned int reason, bool *dump,
                       const char **substituted)
{
    *substituted = NULL;
    *dump = false;
    if (reason == HV_SHUTDOWN_SUSPEND)
        return POLICY_LEAVE;
    switch (action_for(c, reason)) {
    case HL_ACTION_RESTART: return POLICY_RESTART;
    case HL_ACTION_RENAME_RESTART: return POLICY_RENAME_RESTART;
    case HL_ACTION_PRESERVE: return POLICY_PRESERVE;
    case HL_ACTION_COREDUMP_DESTROY: *dump = true; return POLICY_DESTROY;
    case HL_ACTION_COREDUMP_RESTART: *dump = true; return POLICY_RESTART;
    case HL_ACTION_SOFT_RESET:
        *substituted = "soft-reset, which a PV guest cannot do";
        return POLICY_DESTROY;
    case HL_ACTION_DESTROY:
    case HL_ACTION_COUNT: break;
    }
    return POLICY_DESTROY;
}

const char *policy_name(enum policy p)
{
    static const char *const names[] = {"leave", "preserve", "destroy", "restart",
                                        "rename-restart"};

    return names[p];
}

uint64_t policy_restart_delay(uint64_t lived_seconds, unsigned int *streak)
{
    uint64_t seconds;

    if (lived_seconds >= GOOD_LIFE_SECONDS) {
        *streak = 0;
        return 0;
    }
    /* The first short life may be an installer's reboot. */
    if ((*streak)++ == 0)
        return 0;
    seconds = *streak >= 8 ? MAX_DELAY_SECONDS : 1ull << (*streak - 2);
    return (seconds < MAX_DELAY_SECONDS ? seconds : MAX_DELAY_SECONDS) * 1000;
}
