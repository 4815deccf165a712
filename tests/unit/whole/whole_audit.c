/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hypervisor's own audit (mm/audit.h), here. */
#include "whole.h"
#include "mm/audit.h"

struct audit whole_auditor;
static char first[300], all[8192];

static void say(const char *fmt, ...) __printf(1, 2);
static void say(const char *fmt, ...)
{
    char line[300];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    printk("%s", line);
    strncat(all, line, sizeof(all) - strlen(all) - 1);
    if (!first[0])
        snprintf(first, sizeof(first), "%.*s", (int)strcspn(line, "\n"), line);
}

const char *whole_audit(void)
{
    static struct audit_frame frame[WHOLE_FIRST_MFN + WHOLE_MAX_FRAMES];
    unsigned int cpu;

    first[0] = all[0] = '\0';
    whole_auditor.frame = frame;
    whole_auditor.say = say;
    whole_auditor.cpus = cpu_online_map;
    cpumask_for_each(cpu, cpu_online_map)
    {
        whole_auditor.cr3[cpu] = whole_cpu_info[cpu].cr3;
        whole_auditor.running[cpu] = whole_cpu_info[cpu].vcpu;
    }
    return audit_run(&whole_auditor) ? NULL : first;
}

bool whole_audit_says(const char *text)
{
    return strstr(all, text);
}
