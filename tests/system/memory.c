/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process entrusts to the machine: its memory over copy-on-write, protection, moves and unmapping, its general
 * and vector registers over page faults and other processes' turns, and what goes through a pipe. Several processes at
 * once for some rounds, each of which finds exactly what it wrote.
 *
 *   memory ROUNDS [PROCESSES]
 *   memory hold MIB               one process fills that much, no two words alike, and reads them again
 *
 * Prints `memory: ROUNDS rounds of N processes`, or `memory: held MIB MiB`, and ends with 0, or says what differed
 * where.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE  4096ul
#define PAGES 192ul
#define WORDS (PAGE / sizeof(uint64_t))

static unsigned int round_nr;

static _Noreturn void differs(const char *what, unsigned long where, uint64_t got, uint64_t want)
{
    printf("memory: process %d, round %u: %s at %#lx: %#llx, not %#llx\n", (int)getpid(), round_nr,
           what, where, (unsigned long long)got, (unsigned long long)want);
    fflush(stdout);
    _exit(1);
}

static _Noreturn void cannot(const char *what)
{
    printf("memory: %s: %s\n", what, strerror(errno));
    fflush(stdout);
    _exit(2);
}

static uint64_t word_of(uint64_t seed, unsigned long page, unsigned long i)
{
    uint64_t x = seed + page * 0x9e3779b97f4a7c15ull + i * 0xbf58476d1ce4e5b9ull;

    x ^= x >> 30;
    return x * 0x94d049bb133111ebull | 1;
}

static void fill(uint64_t *m, unsigned long page, uint64_t seed)
{
    for (unsigned long i = 0; i < WORDS; i++)
        m[page * WORDS + i] = word_of(seed, page, i);
}

static void check(const uint64_t *m, unsigned long at, unsigned long page, uint64_t seed,
                  const char *what)
{
    for (unsigned long i = 0; i < WORDS; i++) {
        uint64_t want = seed ? word_of(seed, page, i) : 0, got = m[at * WORDS + i];

        if (got != want)
            differs(what, (unsigned long)&m[at * WORDS + i], got, want);
    }
}

/* All sixteen vector registers and most of the others, over a write that faults. */
static void registers(volatile uint64_t *fresh, uint64_t seed)
{
    uint64_t in[32], out[32], gpr[8];
    uint64_t want = seed * 3;

    for (unsigned int i = 0; i < 32; i++)
        in[i] = word_of(seed, 77, i);
    __asm__ volatile(
        "movdqu 0(%[in]), %%xmm0; movdqu 16(%[in]), %%xmm1; movdqu 32(%[in]), %%xmm2\n"
        "movdqu 48(%[in]), %%xmm3; movdqu 64(%[in]), %%xmm4; movdqu 80(%[in]), %%xmm5\n"
        "movdqu 96(%[in]), %%xmm6; movdqu 112(%[in]), %%xmm7; movdqu 128(%[in]), %%xmm8\n"
        "movdqu 144(%[in]), %%xmm9; movdqu 160(%[in]), %%xmm10; movdqu 176(%[in]), %%xmm11\n"
        "movdqu 192(%[in]), %%xmm12; movdqu 208(%[in]), %%xmm13; movdqu 224(%[in]), %%xmm14\n"
        "movdqu 240(%[in]), %%xmm15\n"
        "mov %[w], %%r8; lea 1(%%r8), %%r9; lea 2(%%r8), %%r10; lea 3(%%r8), %%r11\n"
        "lea 4(%%r8), %%r12; lea 5(%%r8), %%r13; lea 6(%%r8), %%r14; lea 7(%%r8), %%r15\n"
        "mov %%r8, (%[fresh])\n"
        "mov %%r8, 0(%[gpr]); mov %%r9, 8(%[gpr]); mov %%r10, 16(%[gpr]); mov %%r11, 24(%[gpr])\n"
        "mov %%r12, 32(%[gpr]); mov %%r13, 40(%[gpr]); mov %%r14, 48(%[gpr]); mov %%r15, "
        "56(%[gpr])\n"
        "movdqu %%xmm0, 0(%[out]); movdqu %%xmm1, 16(%[out]); movdqu %%xmm2, 32(%[out])\n"
        "movdqu %%xmm3, 48(%[out]); movdqu %%xmm4, 64(%[out]); movdqu %%xmm5, 80(%[out])\n"
        "movdqu %%xmm6, 96(%[out]); movdqu %%xmm7, 112(%[out]); movdqu %%xmm8, 128(%[out])\n"
        "movdqu %%xmm9, 144(%[out]); movdqu %%xmm10, 160(%[out]); movdqu %%xmm11, 176(%[out])\n"
        "movdqu %%xmm12, 192(%[out]); movdqu %%xmm13, 208(%[out]); movdqu %%xmm14, 224(%[out])\n"
        "movdqu %%xmm15, 240(%[out])\n"
        :
        : [in] "D"(in), [out] "S"(out), [gpr] "b"(gpr), [fresh] "a"(fresh), [w] "d"(want)
        : "memory", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2",
          "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
          "xmm13", "xmm14", "xmm15");
    for (unsigned int i = 0; i < 8; i++)
        if (gpr[i] != want + i)
            differs("a general register", i + 8, gpr[i], want + i);
    for (unsigned int i = 0; i < 32; i++)
        if (out[i] != in[i])
            differs("a vector register", i / 2, out[i], in[i]);
    if (*fresh != want)
        differs("a fresh page", (unsigned long)fresh, *fresh, want);
}

#define ZMM_LOAD(n)  "vmovdqu64 " #n "*64(%[in]), %%zmm" #n "\n"
#define ZMM_STORE(n) "vmovdqu64 %%zmm" #n ", " #n "*64(%[out])\n"
#define ZMM_EACH(x)                                                                             \
    x(0) x(1) x(2) x(3) x(4) x(5) x(6) x(7) x(8) x(9) x(10) x(11) x(12) x(13) x(14) x(15) x(16) \
        x(17) x(18) x(19) x(20) x(21) x(22) x(23) x(24) x(25) x(26) x(27) x(28) x(29) x(30) x(31)
#define K_LOAD(n)  "kmovq 32*64+" #n "*8(%[in]), %%k" #n "\n"
#define K_STORE(n) "kmovq %%k" #n ", 32*64+" #n "*8(%[out])\n"
#define K_EACH(x)  x(0) x(1) x(2) x(3) x(4) x(5) x(6) x(7)

/* All of AVX-512's registers over a sleep, in which the processor does something else or nothing. */
__attribute__((target("avx512f,avx512bw"))) static void wide_registers(uint64_t seed,
                                                                       unsigned int parts)
{
    static uint64_t in[32 * 8 + 8], out[32 * 8 + 8];
    struct timespec t = {0, 2000000};

    if (!__builtin_cpu_supports("avx512bw"))
        return;
    /* Some parts are zero, which is how they begin: saving and restoring treats them apart. */
    for (unsigned int i = 0; i < 32 * 8 + 8; i++) {
        unsigned int part = i >= 256 ? 0 : i < 128 ? 1 + (i % 8 >= 4) : 3 + (i % 8 >= 4);
        in[i] = parts >> part & 1 ? word_of(seed, 99, i) : 0;
    }
    memset(out, 0, sizeof(out));
    register long nr __asm__("rax") = 35; /* nanosleep */
    __asm__ volatile(
        ZMM_EACH(ZMM_LOAD) K_EACH(K_LOAD) "syscall\n" ZMM_EACH(ZMM_STORE) K_EACH(K_STORE)
        : "+r"(nr)
        : [in] "b"(in), [out] "d"(out), "D"(&t), "S"(0)
        : "memory", "rcx", "r11", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
          "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    __asm__ volatile("vzeroupper");
    for (unsigned int i = 0; i < 32 * 8 + 8; i++)
        if (out[i] != in[i])
            differs(i < 256 ? "a wide register" : "a mask register", i < 256 ? i / 8 : i - 256,
                    out[i], in[i]);
}

/* The child changes every other page of its copy; each side sees its own. */
static void copy_on_write(uint64_t *m, uint64_t seed)
{
    int status;
    pid_t pid = fork();

    if (pid < 0)
        cannot("fork");
    for (unsigned long p = pid == 0 ? 0 : 1; p < PAGES; p += 2)
        fill(m, p, seed + (pid == 0 ? 1000 : 2000));
    sched_yield();
    for (unsigned long p = 0; p < PAGES; p++) {
        uint64_t own = (p % 2 == 0) == (pid == 0) ? seed + (pid == 0 ? 1000 : 2000) : seed;

        check(m, p, p, own, pid == 0 ? "the child's page" : "the parent's page");
    }
    if (pid == 0)
        _exit(0);
    if (waitpid(pid, &status, 0) < 0)
        cannot("wait");
    if (status != 0)
        exit(1);
    for (unsigned long p = 1; p < PAGES; p += 2)
        fill(m, p, seed);
}

static void through_a_pipe(const uint64_t *m, uint64_t seed)
{
    static uint64_t got[WORDS * 4];
    int fd[2], status;

    if (pipe(fd) < 0)
        cannot("pipe");
    pid_t pid = fork();
    if (pid < 0)
        cannot("fork");
    if (pid == 0) {
        const char *from = (const char *)m;
        size_t left = PAGES * PAGE;

        close(fd[0]);
        while (left > 0) {
            ssize_t n = write(fd[1], from, left);
            if (n <= 0)
                cannot("write");
            from += n;
            left -= (size_t)n;
        }
        _exit(0);
    }
    close(fd[1]);
    for (unsigned long p = 0; p < PAGES; p += 4) {
        size_t have = 0;

        while (have < sizeof(got)) {
            ssize_t n = read(fd[0], (char *)got + have, sizeof(got) - have);
            if (n <= 0)
                cannot("read");
            have += (size_t)n;
        }
        for (unsigned long i = 0; i < 4; i++)
            check(got, i, p + i, seed, "what came through the pipe");
    }
    close(fd[0]);
    if (waitpid(pid, &status, 0) < 0 || status != 0)
        exit(1);
}

static void protect_and_move(uint64_t *m, uint64_t seed)
{
    for (unsigned long p = 0; p < PAGES; p += 3)
        if (mprotect((char *)m + p * PAGE, PAGE, PROT_READ) < 0)
            cannot("mprotect");
    for (unsigned long p = 0; p < PAGES; p++)
        check(m, p, p, seed, "a page that is read-only");
    if (mprotect(m, PAGES * PAGE, PROT_READ | PROT_WRITE) < 0)
        cannot("mprotect");
    for (unsigned long p = 0; p < PAGES; p += 5) {
        if (madvise((char *)m + p * PAGE, PAGE, MADV_DONTNEED) < 0)
            cannot("madvise");
        if (p % 2)
            registers((volatile uint64_t *)((char *)m + p * PAGE), seed + p);
        else
            check(m, p, p, 0, "a page given back");
        fill(m, p, seed);
    }
    /* To another place, of another page table, and back. */
    char *place = mmap(NULL, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED)
        cannot("mmap");
    for (unsigned int i = 0; i < 2; i++) {
        void *from = i == 0 ? (char *)m : place, *to = i == 0 ? place : (char *)m;

        if (mremap(from, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
            cannot("mremap");
        for (unsigned long p = 0; p < PAGES; p++)
            check(to, p, p, seed, "a page that moved");
    }
}

static void work(unsigned int rounds, uint64_t seed)
{
    for (round_nr = 0; round_nr < rounds; round_nr++) {
        uint64_t *m =
            mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (m == MAP_FAILED)
            cannot("mmap");
        for (unsigned long p = 0; p < PAGES; p++) {
            if (p % 16 == 0)
                registers(&m[p * WORDS], seed + p);
            else
                check(m, p, p, 0, "a new page");
            fill(m, p, seed);
        }
        for (unsigned int parts = 0; parts < 32; parts++)
            wide_registers(seed, parts);
        copy_on_write(m, seed);
        through_a_pipe(m, seed);
        protect_and_move(m, seed);
        for (unsigned long p = 0; p < PAGES; p++)
            check(m, p, p, seed, "a page at the end");
        munmap(m, PAGES * PAGE);
        seed += 0x10001;
    }
}

/* A word in each line of a cache, by few instructions: where a CPU is interpreted this is most of memory yet. */
static int hold(unsigned long mib)
{
    const uint64_t step = 0x9e3779b97f4a7c15ull; /* odd: no word comes twice */
    const unsigned long line = 64 / sizeof(uint64_t), words = mib << (20 - 3);
    uint64_t word = 0, *m = mmap(NULL, words * sizeof(*m), PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (mib == 0 || m == MAP_FAILED)
        cannot("mmap");
    for (unsigned long i = 0; i < words; i += line)
        m[i] = word += step;
    word = 0;
    for (unsigned long i = 0; i < words; i += line)
        if (m[i] != (word += step))
            differs("a word that was written", (unsigned long)&m[i], m[i], word);
    printf("memory: held %lu MiB\n", mib);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "hold"))
        return hold(strtoul(argv[2], NULL, 10));

    unsigned int rounds = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 10;
    unsigned int n = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 10) : 3;
    int status, failed = 0;

    for (unsigned int i = 0; i < n; i++) {
        pid_t pid = fork();

        if (pid < 0)
            cannot("fork");
        if (pid == 0) {
            work(rounds, ((uint64_t)i + 1) << 40);
            exit(0);
        }
    }
    for (unsigned int i = 0; i < n; i++)
        if (wait(&status) < 0 || status != 0) {
            if (WIFSIGNALED(status))
                printf("memory: a process was killed by signal %d\n", WTERMSIG(status));
            failed = 1;
        }
    if (!failed)
        printf("memory: %u rounds of %u processes\n", rounds, n);
    return failed;
}
