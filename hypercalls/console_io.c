/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * console_io(cmd, count, buffer): Domain 0's part of the hypervisor's console. Other guests may
 * write only where guest_loglvl= admits their debug lines, marked with their number.
 */
#include "hypercalls/hypercall.h"
#include "console/console.h"
#include "hypercalls/abi/xen.h"
#include "x86/cpu.h"

#define CHUNK 128

/* Line by line, through the log: levelled, limited, and free of control characters. */
static void write_for_guest(char *s, size_t len)
{
    size_t start = 0;

    for (size_t i = 0; i <= len; i++) {
        if (i < len && s[i] != '\n') {
            if ((s[i] < ' ' && s[i] != '\t') || s[i] == 0x7f)
                s[i] = '.';
            continue;
        }
        if (i > start)
            printk(LOG_G_DEBUG "(d%u) %.*s\n", current->domain->id, (int)(i - start), s + start);
        start = i + 1;
    }
}

static long op_write(unsigned int count, uint64_t va)
{
    char buf[CHUNK];
    bool privileged = current->domain->privileged;

    if (!privileged && !console_guest_debug())
        return -EPERM;
    while (count) {
        unsigned int n = MIN(count, (unsigned int)CHUNK);
        if (copy_from_guest(buf, guest_ptr(va), n))
            return -EFAULT;
        if (privileged)
            console_write(buf, n);
        else
            write_for_guest(buf, n);
        va += n;
        count -= n;
        if (count && preempt_check())
            return hypercall_continuation(__HYPERVISOR_console_io, 3, (long)CONSOLEIO_write,
                                          (long)count, va);
    }
    return 0;
}

static long op_read(unsigned int count, uint64_t va)
{
    char buf[CHUNK];
    long done = 0;

    if (!current->domain->privileged)
        return -EPERM;
    if ((int)count < 0) /* the answer, a number of characters, would look like an error */
        return -E2BIG;
    while ((unsigned long)done < count) {
        size_t n = console_read_input(buf, MIN(count - (unsigned long)done, (unsigned long)CHUNK));
        if (!n)
            break;
        if (copy_to_guest(guest_ptr(va + (unsigned long)done), buf, n))
            return -EFAULT;
        done += (long)n;
    }
    return done;
}

HYPERCALL(hc_console_io)
{
    switch ((int)a1) {
    case CONSOLEIO_write: return op_write((unsigned int)a2, a3);
    case CONSOLEIO_read: return op_read((unsigned int)a2, a3);
    default: return hypercall_enosys("console_io", a1);
    }
}
