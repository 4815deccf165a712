/* SPDX-License-Identifier: MIT */
/* From the first C function to the end of the domain. */
#include "kit/start.h"
#include "kit/console.h"
#include "kit/events.h"
#include "kit/hypercall.h"
#include "kit/memory.h"
#include "kit/string.h"
#include "kit/traps.h"

void kit_start(struct start_info *info);

struct start_info *kit_start_info;
uint64_t kit_first_tsc;
void (*kit_panic_hook)(const char *text);

char kit_stacks[KIT_MAX_VCPUS][KIT_STACK_SIZE] __attribute__((aligned(KIT_STACK_SIZE)));

void kit_start(struct start_info *info)
{
    for (unsigned int i = 0; i < KIT_MAX_VCPUS; i++) {
        *(unsigned int *)kit_stacks[i] = i;
    }
    kit_start_info = info;
    traps_init();
    hv_stack_switch(KERNEL_SS, (unsigned long)kit_stacks[1]);
    memory_init();
    console_init();
    events_init();
    guest_main();
    kprintf("# end\n");
    kit_shutdown(SHUTDOWN_reboot);
}

bool kit_option(const char *name, const char **value)
{
    size_t n = strlen(name);
    const char *at = (const char *)kit_start_info->cmd_line;

    while (*at != '\0') {
        if (strncmp(at, name, n) == 0 && (at[n] == '\0' || at[n] == ' ' || at[n] == '=')) {
            if (value != NULL) {
                *value = at[n] == '=' ? at + n + 1 : "";
            }
            return true;
        }
        while (*at != '\0' && *at != ' ') {
            at++;
        }
        while (*at == ' ') {
            at++;
        }
    }
    return false;
}

void kit_shutdown(unsigned int reason)
{
    struct sched_shutdown op = {.reason = reason};

    for (;;) {
        hv_sched_op(SCHEDOP_shutdown, &op);
    }
}

void kit_panic(const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    kvsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (kit_panic_hook != NULL) {
        kit_panic_hook(text);
    }
    kprintf("not ok panic: %s\n", text);
    kit_shutdown(SHUTDOWN_reboot);
}
