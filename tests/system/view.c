/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * view: what the processor looks like from here, one line `view KEY VALUE` each.
 *   view cpuid   every leaf, as the processor answers a program and as the hypervisor answers the forced form
 *   view msr     registers that kernels read, through /dev/cpu/0/msr: a value, or `refused`
 * What differs from one run to the next (which CPU we are on, the TSC) is left out.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct regs {
    uint32_t a, b, c, d;
};

static sigjmp_buf no_such_instruction;

static void on_sigill(int sig)
{
    (void)sig;
    siglongjmp(no_such_instruction, 1);
}

static struct regs plain(uint32_t leaf, uint32_t sub)
{
    struct regs r;

    __asm__ volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "0"(leaf), "2"(sub));
    return r;
}

/* The ABI's prefix: UD2, "xen". */
static struct regs forced(uint32_t leaf, uint32_t sub)
{
    struct regs r;

    __asm__ volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; cpuid"
                     : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
                     : "0"(leaf), "2"(sub));
    return r;
}

typedef struct regs (*cpuid_fn)(uint32_t leaf, uint32_t sub);

static void show(const char *form, uint32_t leaf, uint32_t sub, struct regs r)
{
    if (leaf == 1) {
        r.b &= 0x00ffffff; /* the APIC id */
    } else if (leaf == 0xb) {
        r.d = 0; /* the x2APIC id */
    } else if (leaf == 0x8000001e) {
        r.a = 0;
    }
    printf("view %s.%x.%x %08x:%08x:%08x:%08x\n", form, leaf, sub, r.a, r.b, r.c, r.d);
}

static void leaves(const char *form, cpuid_fn ask)
{
    uint32_t max = ask(0, 0).a;

    for (uint32_t i = 0; i <= max && i < 0x20; i++) {
        unsigned int subs = i == 4 ? 4 : i == 7 ? 2 : i == 0xb ? 2 : i == 0xd ? 10 : 1;

        for (uint32_t sub = 0; sub < subs; sub++) {
            show(form, i, sub, ask(i, sub));
        }
    }
    max = ask(0x80000000, 0).a;
    for (uint32_t i = 0x80000000; i <= max && i < 0x80000030; i++) {
        show(form, i, 0, ask(i, 0));
    }
    /* The hypervisor's own: limit and name, version, features. Its clocks are elsewhere. */
    for (uint32_t i = 0x40000000; i < 0x40000003; i++) {
        show(form, i, 0, ask(i, 0));
    }
    show(form, 0x40000004, 0, ask(0x40000004, 0));
    show(form, 0x40000005, 0, ask(0x40000005, 0));
}

static int cpuid(void)
{
    struct sigaction action = {.sa_handler = on_sigill, .sa_flags = SA_NODEFER};

    leaves("plain", plain);
    sigaction(SIGILL, &action, NULL);
    if (sigsetjmp(no_such_instruction, 1)) {
        printf("view forced none\n");
    } else {
        leaves("forced", forced);
    }
    return 0;
}

static int msr(void)
{
    static const uint32_t registers[] = {
        0x10,       0x17,       0x1b,       0x3a,       0x48,       0x49,       0x8b,
        0xce,       0xe7,       0xe8,       0xfe,       0x10a,      0x10b,      0x122,
        0x140,      0x174,      0x175,      0x176,      0x179,      0x17a,      0x17b,
        0x186,      0x198,      0x199,      0x19a,      0x19c,      0x1a0,      0x1a2,
        0x1d9,      0x1fc,      0x200,      0x250,      0x277,      0x2ff,      0x345,
        0x400,      0x401,      0x480,      0x606,      0x6e0,      0x802,      0xda0,
        0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101,
        0xc0000102, 0xc0000103, 0xc0010000, 0xc0010004, 0xc0010010, 0xc0010015, 0xc001001a,
        0xc001001d, 0xc001001f, 0xc0010055, 0xc0010058, 0xc0010062, 0xc0010064, 0xc0010114,
        0xc0010117, 0xc0011022, 0xc0011029, 0x40000000};
    int fd = open("/dev/cpu/0/msr", O_RDONLY);

    if (fd < 0) {
        perror("/dev/cpu/0/msr");
        return 1;
    }
    for (unsigned int i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        uint64_t value;
        bool changes = registers[i] == 0x10 ||
                       registers[i] == 0xc0000100 || /* TSC, a program's FS */
                       registers[i] == 0xc0000101 || registers[i] == 0xc0000102;

        if (pread(fd, &value, sizeof(value), registers[i]) != sizeof(value)) {
            printf("view msr.%x refused\n", registers[i]);
        } else if (changes) {
            printf("view msr.%x some\n", registers[i]);
        } else {
            printf("view msr.%x %016llx\n", registers[i], (unsigned long long)value);
        }
    }
    close(fd);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "cpuid")) {
        return cpuid();
    }
    if (argc == 2 && !strcmp(argv[1], "msr")) {
        return msr();
    }
    fprintf(stderr, "usage: view cpuid|msr\n");
    return 2;
}
