/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the bench kernels share: their output, and marks around one operation for the trace of a script. */
#include "bench.h"

uint64_t rdtsc_cost;

void report(const char *name, uint64_t total, uint64_t count)
{
    uint64_t hundredths = total * 100 / count;

    kprintf("bench %s %lu.%02lu\n", name, hundredths / 100, hundredths % 100);
}

void report_failure(const char *name, long error)
{
    kprintf("bench %s -\n# %s failed: %ld\n", name, name, error);
}

bool bench_traced(const char *name)
{
    const char *wanted = NULL;

    return kit_option("trace", &wanted) && strncmp(wanted, name, strlen(name)) == 0 &&
           (wanted[strlen(name)] == '\0' || wanted[strlen(name)] == ' ');
}

/* What the script shows begins behind the one and ends before the other. */
__attribute__((noinline)) void bench_trace_mark(void)
{
    __asm__ volatile("");
}

static __attribute__((noinline)) void bench_trace_stop(void)
{
    __asm__ volatile("nop"); /* else the compiler gives both one address */
}

static unsigned int traces;

/* The script turns QEMU's log on when it reads the line, and then sends a character. */
void bench_trace_begin(void)
{
    char answer;

    if (traces++ == 0) {
        kprintf("# trace\n");
        while (hv_console_io(CONSOLEIO_read, 1, &answer) != 1) {
        }
    }
    bench_trace_mark();
}

void bench_trace_end(void)
{
    bench_trace_stop();
    if (traces == 2) {
        kit_shutdown(SHUTDOWN_reboot); /* the rest would only fill the log */
    }
}
