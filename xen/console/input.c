/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Console input: three Ctrl-A give it to Domain 0 or to the hypervisor's debug keys in turn.
 *
 * Bytes arrive in interrupt context. Those for Domain 0 go into a ring that CONSOLEIO_read
 * empties. Debug keys are kept for a tasklet, which runs with interrupts on and no locks held: dumps
 * take locks.
 */
#include "console/console.h"
#include "console/console_internal.h"
#include "boot/cmdline.h"
#include "domain/domain.h"
#include "domain/event_channel.h"
#include "lib/lib.h"
#include "lib/spinlock.h"
#include "sched/softirq.h"
#include "x86/reboot.h"

#define INPUT_RING 1024u

static struct spinlock input_lock = SPINLOCK_INIT(LOCK_CONSOLE); /* the rings; interrupts off */
static char ring[INPUT_RING];
static uint32_t ring_in, ring_out;
static char keys[16];
static uint32_t keys_in, keys_out;
static struct tasklet key_tasklet;

/* Only touched by console_rx (one interrupt at a time). */
static unsigned int switch_count;
static bool to_hypervisor;

/* conswitch=<letter>[x]: Ctrl-<letter> switches; x: the hypervisor has the input at first. */
static char switch_char = 1;

static int parse_conswitch(const char *v)
{
    char c = (char)(*v | 0x20);
    if (*v && c >= 'a' && c <= 'z')
        switch_char = (char)(c - 'a' + 1);
    else if (*v)
        switch_char = 0; /* "conswitch=.": no switching */
    to_hypervisor = *v && v[1] == 'x';
    return 0;
}
OPT_FN("conswitch", parse_conswitch);

struct debug_key {
    void (*fn)(char key);
    const char *desc;
};
static struct debug_key debug_keys[128]; /* filled at boot, by the boot CPU */

void debug_key_register(char key, void (*fn)(char key), const char *desc)
{
    if ((unsigned char)key < ARRAY_SIZE(debug_keys))
        debug_keys[(unsigned char)key] = (struct debug_key){fn, desc};
}

void debug_key_handle(char key)
{
    if ((unsigned char)key >= ARRAY_SIZE(debug_keys) || !debug_keys[(unsigned char)key].fn)
        return;
    printk(LOG_ERR "'%c' pressed -> %s\n", key, debug_keys[(unsigned char)key].desc);
    debug_keys[(unsigned char)key].fn(key);
}

static void key_help(char key __unused)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(debug_keys); i++)
        if (debug_keys[i].fn)
            printk(LOG_ERR " key '%c' => %s\n", (char)i, debug_keys[i].desc);
}

static void key_reboot(char key __unused)
{
    machine_restart();
}

static void run_keys(void *data __unused)
{
    for (;;) {
        unsigned long flags = spin_lock_irqsave(&input_lock);
        bool any = keys_in != keys_out;
        char key = any ? keys[keys_out++ % sizeof(keys)] : 0;
        spin_unlock_irqrestore(&input_lock, flags);
        if (!any)
            return;
        debug_key_handle(key);
    }
}

static void announce(void)
{
    printk(LOG_ERR "*** Serial input to %s (type 'CTRL-%c' three times to switch input)\n",
           to_hypervisor ? "the hypervisor" : "domain 0", switch_char + 'a' - 1);
}

static void deliver(char c)
{
    spin_lock(&input_lock);
    if (to_hypervisor) {
        if (keys_in - keys_out < sizeof(keys))
            keys[keys_in++ % sizeof(keys)] = c;
    } else if (ring_in - ring_out < INPUT_RING) {
        ring[ring_in++ % INPUT_RING] = c;
    }
    spin_unlock(&input_lock);
    if (to_hypervisor)
        tasklet_schedule(&key_tasklet);
    else
        send_global_virq(VIRQ_CONSOLE);
}

void console_rx(char c)
{
    unsigned long flags = irq_save();

    if (switch_char && c == switch_char) {
        if (++switch_count == 3) {
            switch_count = 0;
            to_hypervisor = !to_hypervisor;
            announce();
        }
    } else {
        for (; switch_count; switch_count--)
            deliver(switch_char);
        deliver(c);
    }
    irq_restore(flags);
}

size_t console_read_input(char *buf, size_t len)
{
    unsigned long flags = spin_lock_irqsave(&input_lock);
    size_t n = 0;
    while (n < len && ring_out != ring_in)
        buf[n++] = ring[ring_out++ % INPUT_RING];
    spin_unlock_irqrestore(&input_lock, flags);
    return n;
}

void input_init(void)
{
    tasklet_init(&key_tasklet, run_keys, NULL);
    debug_key_register('h', key_help, "show this list");
    debug_key_register('R', key_reboot, "reboot the machine");
    keys_init();
    announce();
}
