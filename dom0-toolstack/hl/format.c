/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See format.h. */
#include "dom0-toolstack/hl/format.h"

#include <inttypes.h>
#include <string.h>

#include "dom0-toolstack/lib/cfg.h"
#include "dom0-toolstack/lib/domain_config.h"

#define PAGES_PER_MIB 256

static char reason_letter(unsigned int reason)
{
    static const char letters[] = "-rscwS";

    return reason < sizeof(letters) - 1 ? letters[reason] : '?';
}

void format_state(const struct hv_domain_info *info, char out[7])
{
    out[0] = info->running ? 'r' : '-';
    out[1] = info->blocked ? 'b' : '-';
    out[2] = info->paused ? 'p' : '-';
    out[3] = info->shutdown ? 's' : '-';
    out[4] = info->shutdown ? reason_letter(info->shutdown_reason) : '-';
    out[5] = info->dying ? 'd' : '-';
    out[6] = 0;
}

const char *state_word(const struct hv_domain_info *info)
{
    if (info->dying)
        return "dying";
    if (info->shutdown)
        return info->shutdown_reason == HV_SHUTDOWN_CRASH ? "crashed" : "shutdown";
    if (info->paused)
        return "paused";
    if (info->running)
        return "running";
    return info->blocked ? "blocked" : "runnable";
}

const char *reason_word(unsigned int reason)
{
    static const char *const words[] = {"poweroff", "reboot",   "suspend",
                                        "crash",    "watchdog", "soft_reset"};

    return reason < sizeof(words) / sizeof(words[0]) ? words[reason] : "unknown";
}

uint64_t domain_mib(const struct hv_domain_info *info)
{
    return (info->pages + info->outstanding_pages) / PAGES_PER_MIB;
}

void list_header(FILE *f, const struct list_columns *c)
{
    fprintf(f, "%-40s %5s %5s %5s\t%s\t%s", "Name", "ID", "Mem", "VCPUs", "State", "Time(s)");
    if (c->verbose)
        fprintf(f, "   %-32s%s\t%s", "UUID", "Reason-Code", "Security Label");
    else if (c->context)
        fprintf(f, "   %s", "Security Label");
    if (c->cpupool)
        fprintf(f, "%16s", "Cpupool");
    if (c->numa)
        fprintf(f, " NODE Affinity");
    if (c->claims)
        fprintf(f, "  Claimed");
    fputc('\n', f);
}

void list_row(FILE *f, const struct list_columns *c, const char *name,
              const struct hv_domain_info *info, const char *pool)
{
    char state[7], uuid[37];

    format_state(info, state);
    fprintf(f, "%-40s %5" PRIu32 " %5" PRIu64 " %5" PRIu32 "     %s  %8.1f", name, info->domid,
            domain_mib(info), info->vcpus_online, state, (double)info->cpu_time_ns / 1e9);
    if (c->verbose) {
        hl_uuid_format(info->uuid, uuid);
        fprintf(f, " %s", uuid);
        if (info->shutdown)
            fprintf(f, " %8x", info->shutdown_reason);
        else
            fprintf(f, " %8s", "-");
    }
    if (c->verbose || c->context)
        fprintf(f, " %16s", "-");
    if (c->cpupool)
        fprintf(f, "%16s", pool);
    if (c->numa)
        fprintf(f, " all");
    if (c->claims)
        fprintf(f, " %5" PRIu64, info->outstanding_pages / PAGES_PER_MIB);
    fputc('\n', f);
}

void vcpu_header(FILE *f)
{
    fprintf(f, "%-32s %5s %5s %5s %5s %9s %s\n", "Name", "ID", "VCPU", "CPU", "State", "Time(s)",
            "Affinity (Hard / Soft)");
}

void vcpu_row(FILE *f, const char *name, uint32_t domid, const struct hv_vcpu_info *v,
              const char *hard, const char *soft)
{
    fprintf(f, "%-32s %5" PRIu32 " %5" PRIu32, name, domid, v->vcpu);
    if (v->online)
        fprintf(f, "%5" PRIu32 " %3c%c-", v->cpu, v->running ? 'r' : '-', v->blocked ? 'b' : '-');
    else
        fprintf(f, "%5c %3c%cp", '-', '-', '-');
    fprintf(f, " %9.1f  %s / %s\n", (double)v->cpu_time_ns / 1e9, hard, soft);
}

void format_uptime(uint64_t seconds, bool short_form, char *out, size_t size)
{
    uint64_t days = seconds / 86400;
    unsigned int hours = (unsigned int)(seconds / 3600 % 24);
    unsigned int minutes = (unsigned int)(seconds / 60 % 60);
    int n = 0;

    out[0] = 0;
    if (days)
        n = snprintf(out, size, "%" PRIu64 " day%s, ", days, days > 1 ? "s" : "");
    if (n < 0 || (size_t)n >= size)
        return;
    if (short_form)
        snprintf(out + n, size - (size_t)n, "%2u:%02u", hours, minutes);
    else
        snprintf(out + n, size - (size_t)n, "%2u:%02u:%02u", hours, minutes,
                 (unsigned int)(seconds % 60));
}

bool parse_memory(const char *text, uint64_t *kib)
{
    size_t len = strlen(text);
    long long number;
    char unit = 'm';

    if (len == 0)
        return false;
    if (len > 1 && strchr("bBkKmMgGtT", text[len - 1]) &&
        !(len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')))
        unit = text[--len];
    if (!cfg_number_parse(text, len, &number) || number < 0 || number > (1LL << 42))
        return false;
    switch (unit) {
    case 'b':
    case 'B': *kib = (uint64_t)number >> 10; return true;
    case 'k':
    case 'K': *kib = (uint64_t)number; return true;
    case 'g':
    case 'G': number <<= 10; break;
    case 't':
    case 'T': number <<= 20; break;
    default: break;
    }
    if (number > (1LL << 42))
        return false;
    *kib = (uint64_t)number << 10;
    return true;
}
