/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dumps of domains: which pages are found, what is in the file, and what is left after each way to fail. The
 * hypervisor is played: a host of three pieces of machine-to-phys table with a hole between them, in which one
 * domain has some frames, says odd things of others, and may go away.
 */
#include "tests/unit/toolstack_test.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dom0-toolstack/lib/abi.h"
#include "dom0-toolstack/lib/core_file.h"
#include "dom0-toolstack/lib/domain_dump.h"
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/hv.h"
#include "dom0-toolstack/lib/hv_domain.h"
#include "dom0-toolstack/lib/hv_memory.h"
#include "dom0-toolstack/lib/hv_system.h"

#define PIECES      4u /* the second is a hole */
#define HOST_FRAMES (3 * HV_M2P_PIECE + 5000u)
#define PIECE_MFN   0x7000u /* where the table's pieces lie */
#define DOMID       7u
#define NO_PFN      UINT64_MAX

/* ---- the hypervisor ---- */

static struct {
    uint64_t *m2p;   /* PIECES * HV_M2P_PIECE */
    uint8_t *owned;  /* of each frame */
    uint8_t *zero;   /* has no contents */
    uint8_t *broken; /* cannot be mapped */
    struct hv_domain_info info;
    unsigned int pauses, unpauses, crashes, asked, dies_at;
    unsigned int mapped; /* pages at this moment */
    bool vcpu_1_offline;
} host;

int hv_memory_host_frames(struct hv *hv, uint64_t *frames, struct hl_error *e)
{
    (void)hv;
    (void)e;
    *frames = HOST_FRAMES;
    return 0;
}

int hv_memory_m2p(struct hv *hv, uint64_t *frames, size_t max, size_t *count, struct hl_error *e)
{
    (void)hv;
    (void)e;
    for (size_t i = 0; i < PIECES && i < max; i++)
        frames[i] = PIECE_MFN + (i == 1 ? 0 : i) * 512;
    *count = PIECES < max ? PIECES : max;
    return 0;
}

int hv_memory_frame_types(struct hv *hv, uint32_t domid, uint64_t *frames, size_t count,
                          struct hl_error *e)
{
    (void)hv;
    if (domid != DOMID || count > HV_MAX_FRAME_TYPES)
        return hl_fail(e, E2BIG, "test", NULL, NULL);
    for (size_t i = 0; i < count; i++)
        frames[i] = frames[i] < HOST_FRAMES && host.owned[frames[i]] ? XEN_DOMCTL_PFINFO_L2TAB
                                                                     : XEN_DOMCTL_PFINFO_XTAB;
    return 0;
}

bool hv_frame_is_owned(uint64_t type)
{
    return type != XEN_DOMCTL_PFINFO_XTAB;
}

void *hv_buffer_alloc(struct hv *hv, size_t size)
{
    (void)hv;
    return calloc(1, size);
}

void hv_buffer_free(struct hv *hv, void *buffer, size_t size)
{
    (void)hv;
    (void)size;
    free(buffer);
}

static void fill(uint64_t *page, uint64_t mfn)
{
    for (size_t i = 0; i < 512; i++)
        page[i] = host.zero[mfn] ? 0 : mfn * 512 + i;
}

void *hv_map_frames(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t count,
                    bool writable, int *errors, struct hl_error *e)
{
    uint64_t *p = malloc(count * 4096);

    (void)hv;
    (void)writable;
    for (size_t i = 0; i < count; i++) {
        uint64_t mfn = frames[i];

        if (domid == DOMID_XEN) {
            memcpy(p + i * 512, host.m2p + (mfn - PIECE_MFN) * 512, 4096);
        } else if (mfn >= HOST_FRAMES || !host.owned[mfn] || host.broken[mfn]) {
            if (errors == NULL) {
                free(p);
                hl_fail(e, EINVAL, "map", NULL, NULL);
                return NULL;
            }
            errors[i] = -EINVAL;
            continue;
        } else {
            fill(p + i * 512, mfn);
        }
        if (errors != NULL)
            errors[i] = 0;
    }
    host.mapped += (unsigned int)count;
    return p;
}

void hv_unmap(void *p, size_t count)
{
    host.mapped -= (unsigned int)count;
    free(p);
}

int hv_domain_info(struct hv *hv, uint32_t domid, struct hv_domain_info *info, struct hl_error *e)
{
    (void)hv;
    if (domid != DOMID)
        return hl_fail_dom(e, ESRCH, domid, "test", NULL);
    *info = host.info;
    /* Its number goes to another. */
    if (host.dies_at != 0 && ++host.asked >= host.dies_at)
        info->uuid[3] ^= 1;
    return 0;
}

int hv_domain_pause(struct hv *hv, uint32_t domid, struct hl_error *e)
{
    (void)hv;
    (void)domid;
    (void)e;
    host.pauses++;
    return 0;
}

int hv_domain_unpause(struct hv *hv, uint32_t domid, struct hl_error *e)
{
    (void)hv;
    (void)domid;
    (void)e;
    host.unpauses++;
    return 0;
}

int hv_domain_shutdown(struct hv *hv, uint32_t domid, enum hv_shutdown reason, struct hl_error *e)
{
    (void)hv;
    (void)domid;
    (void)e;
    host.crashes += reason == HV_SHUTDOWN_CRASH && host.pauses > host.unpauses;
    return 0;
}

int hv_domain_get_address_size(struct hv *hv, uint32_t domid, uint32_t *bits, struct hl_error *e)
{
    (void)hv;
    (void)domid;
    (void)e;
    *bits = 64;
    return 0;
}

int hv_vcpu_get_context(struct hv *hv, uint32_t domid, uint32_t vcpu,
                        struct vcpu_guest_context *ctxt, struct hl_error *e)
{
    (void)hv;
    (void)domid;
    if (vcpu == 1 && host.vcpu_1_offline)
        return hl_fail(e, ENODATA, "test", NULL, NULL);
    memset(ctxt, 0, sizeof(*ctxt));
    ctxt->user_regs.rip = 0x1000 + vcpu;
    return 0;
}

int hv_version(struct hv *hv, struct hv_version *v, struct hl_error *e)
{
    (void)hv;
    (void)e;
    *v = (struct hv_version){.major = 4, .minor = 17, .extra = ".played", .page_size = 4096};
    return 0;
}

/* ---- the scene ---- */

static char dir[64], path[96];

static void own(uint64_t mfn, uint64_t pfn)
{
    host.owned[mfn] = 1;
    host.m2p[mfn] = pfn;
    host.info.pages++;
}

static void scene(void)
{
    free(host.m2p);
    free(host.owned);
    free(host.zero);
    free(host.broken);
    memset(&host, 0, sizeof(host));
    host.m2p = malloc(PIECES * HV_M2P_PIECE * sizeof(*host.m2p));
    host.owned = calloc(HOST_FRAMES, 1);
    host.zero = calloc(HOST_FRAMES, 1);
    host.broken = calloc(HOST_FRAMES, 1);
    memset(host.m2p, 0xff, PIECES * HV_M2P_PIECE * sizeof(*host.m2p));
    host.info.domid = DOMID;
    host.info.max_vcpu_id = 2;
    host.info.max_pages = 4096;
    host.info.uuid[3] = 5;
    host.info.shared_info_frame = 123;
    host.owned[123] = 1;
    unlink(path);
}

/* Pages 0 to n-1 of a guest, from the end of the host's memory downwards. */
static void guest_of(uint64_t n)
{
    for (uint64_t pfn = 0; pfn < n; pfn++)
        own(HOST_FRAMES - 1 - pfn, pfn);
}

static int dump_with(struct hl_dump_options *o, struct hl_dump *out, struct hl_error *e)
{
    return hl_domain_dump(NULL, DOMID, path, o, out, e);
}

static int dump(struct hl_dump *out)
{
    struct hl_dump_options o = {0};

    return dump_with(&o, out, NULL);
}

static unsigned int files(void)
{
    unsigned int n = 0;
    DIR *d = opendir(dir);

    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n - 2;
}

/* ---- the file, by the format ---- */

static char *core;
static size_t core_size;

static bool load(void)
{
    struct stat st;
    int fd = open(path, O_RDONLY);

    free(core);
    core = NULL;
    if (fd < 0)
        return false;
    if (fstat(fd, &st) == 0 && (core = malloc((size_t)st.st_size)) != NULL)
        core_size = (size_t)read(fd, core, (size_t)st.st_size);
    close(fd);
    return core != NULL && core_size == (size_t)st.st_size;
}

static const Elf64_Shdr *section(const char *name)
{
    const Elf64_Ehdr *elf = (const void *)core;
    const Elf64_Shdr *s = (const void *)(core + elf->e_shoff);

    for (unsigned int i = 0; i < elf->e_shnum; i++) {
        if (strcmp(core + s[elf->e_shstrndx].sh_offset + s[i].sh_name, name) == 0)
            return &s[i];
    }
    return NULL;
}

/* The note of this type, whose contents must be so long. */
static const void *note(uint32_t type, uint32_t size)
{
    const Elf64_Shdr *s = section(".note.Xen");

    for (uint64_t at = 0; at + sizeof(Elf64_Nhdr) + 4 <= s->sh_size;) {
        const Elf64_Nhdr *n = (const void *)(core + s->sh_offset + at);

        if (n->n_type == type)
            return n->n_descsz == size && memcmp(n + 1, "Xen", 4) == 0 ? (const char *)(n + 1) + 4
                                                                       : NULL;
        at += sizeof(*n) + 4 + n->n_descsz;
    }
    return NULL;
}

static uint64_t nr_pages(void)
{
    return section(".xen_p2m")->sh_size / 16;
}

static const struct guest_frame *entry(uint64_t i)
{
    return (const void *)(core + section(".xen_p2m")->sh_offset + i * 16);
}

/* Each entry's page holds what its frame does, and the pfns ascend. */
static bool is_consistent(void)
{
    uint64_t want[512];

    if (section(".xen_pages")->sh_size != nr_pages() * 4096)
        return false;
    for (uint64_t i = 0; i < nr_pages(); i++) {
        fill(want, entry(i)->mfn);
        if (memcmp(core + section(".xen_pages")->sh_offset + i * 4096, want, 4096) != 0 ||
            (i > 0 && entry(i)->pfn <= entry(i - 1)->pfn) ||
            host.m2p[entry(i)->mfn] != entry(i)->pfn || !host.owned[entry(i)->mfn])
            return false;
    }
    return true;
}

/* Does readelf find this line, and nothing to complain of? */
static bool readelf_says(const char *what)
{
    setenv("CORE", path, 1);
    setenv("WHAT", what, 1);
    return system("out=$(LC_ALL=C readelf -hSW \"$CORE\" 2>&1) && "
                  "echo \"$out\" | grep -qE \"$WHAT\" && "
                  "! echo \"$out\" | grep -qi warning") == 0;
}

/* ---- tests ---- */

static void plain(void)
{
    struct hl_dump out;
    struct stat st;

    scene();
    guest_of(1500);
    for (uint64_t pfn = 0; pfn < 1500; pfn++)
        host.zero[HOST_FRAMES - 1 - pfn] = pfn % 300 > 20;
    host.zero[HOST_FRAMES - 1500] = 1; /* it ends in a hole */
    host.vcpu_1_offline = true;
    CHECK(dump(&out) == 0);
    CHECK(out.pages == 1500 && out.left_out == 0 && host.mapped == 0);
    CHECK(load() && nr_pages() == 1500 && is_consistent());
    CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
    CHECK((uint64_t)st.st_blocks * 512 < (uint64_t)st.st_size / 4);
    CHECK(section(".xen_prstatus")->sh_size == 2 * sizeof(struct vcpu_guest_context));
    const struct vcpu_guest_context *v = (const void *)(core + section(".xen_prstatus")->sh_offset);
    CHECK(v[0].user_regs.rip == 0x1000 && v[1].user_regs.rip == 0x1002);
    uint64_t want[512];
    fill(want, 123);
    CHECK(section(".xen_shared_info")->sh_size == 4096);
    CHECK(memcmp(core + section(".xen_shared_info")->sh_offset, want, 4096) == 0);
    CHECK(host.pauses == 0 && host.unpauses == 0 && files() == 1);
}

static void as_readelf_sees_it(void)
{
    scene();
    guest_of(3);
    CHECK(dump(NULL) == 0);
    CHECK(readelf_says("Type: +CORE"));
    CHECK(readelf_says("Class: +ELF64"));
    CHECK(readelf_says("\\.note\\.Xen +NOTE"));
    CHECK(readelf_says("\\.xen_prstatus +PROGBITS .* 003c90"));
    CHECK(readelf_says("\\.xen_shared_info +PROGBITS"));
    CHECK(readelf_says("\\.xen_p2m +PROGBITS +0+ [0-9a-f]+ 000030 10 "));
    CHECK(readelf_says("\\.xen_pages +PROGBITS +0+ [0-9a-f]+ 003000 1000 .* 4096$"));
}

/* readelf looks for a core's notes in program headers, which this format has not got. */
static void notes(void)
{
    const uint64_t *n;

    scene();
    guest_of(3);
    CHECK(dump(NULL) == 0 && load());
    CHECK(note(0x2000000, 0) != NULL);
    n = note(0x2000001, 32);
    CHECK(n != NULL && n[0] == 0xf00febed && n[1] == 3 && n[2] == 3 && n[3] == 4096);
    n = note(0x2000002, 1280);
    CHECK(n != NULL && n[0] == 4 && n[1] == 17 && n[159] == 4096);
    CHECK_STR((const char *)&n[2], ".played");
    n = note(0x2000003, 8);
    CHECK(n != NULL && *n == 1);
}

/* What a guest can say of its frames costs it no more than these frames. */
static void odd_numbers(void)
{
    struct hl_dump out;

    scene();
    guest_of(600);
    own(1000, 17);                     /* pfn 17 is another's already; who is first has it */
    own(1001, NO_PFN);                 /* none */
    own(1002, 1ull << 40);             /* far beyond its memory */
    own(1003, 5000);                   /* in a hole of its memory */
    host.m2p[1004] = 5001;             /* another domain's */
    host.m2p[HV_M2P_PIECE + 7] = 5002; /* in the hole of the table */
    host.broken[HOST_FRAMES - 1 - 30] = 1;
    host.broken[HOST_FRAMES - 1 - 599] = 1;
    CHECK(dump(&out) == 0);
    CHECK(load() && is_consistent());
    CHECK(out.pages == 599 && nr_pages() == 599 && out.left_out == 5);
    CHECK(entry(17)->mfn == 1000 && entry(30)->pfn == 31 && entry(598)->pfn == 5000);
}

/* More pfns than are looked at in one go, and a p2m of more than one buffer. */
static void several_windows(void)
{
    struct hl_dump out;

    scene();
    guest_of(1100);
    host.info.pages = 1500000; /* so it says */
    own(HV_M2P_PIECE * 2 + 1, (1 << 21) - 1);
    own(HV_M2P_PIECE * 2 + 2, 1 << 21);
    own(HV_M2P_PIECE * 2 + 3, 1500003 + (1 << 20) - 1); /* the last that counts */
    own(HV_M2P_PIECE * 2 + 4, 1500004 + (1 << 20));
    CHECK(dump(&out) == 0);
    CHECK(load() && is_consistent() && nr_pages() == 1103);
    CHECK(entry(1100)->pfn == (1 << 21) - 1 && entry(1101)->pfn == 1 << 21);
    CHECK(out.pages == 1103 && out.left_out == 1500004 - 1103);
}

/* A domain that grows meanwhile is cut, not the end of the dump. */
static void it_grows(void)
{
    struct hl_dump out;

    scene();
    guest_of(2000);
    host.info.pages = 500;
    CHECK(dump(&out) == 0);
    CHECK(out.pages == 1524 && out.left_out == 476);
    CHECK(load() && nr_pages() == 1524 && is_consistent());
}

static void another_takes_its_number(void)
{
    struct hl_error *e = hl_error_new();
    struct hl_dump_options o = {.pause = true};
    char *text;
    int rc;

    scene();
    guest_of(2000);
    host.dies_at = 5;
    rc = dump_with(&o, NULL, e);
    text = hl_error_sentence(e);
    hl_error_free(e);
    CHECK(rc == -ESRCH && files() == 0 && host.mapped == 0);
    CHECK(text != NULL && strstr(text, "destroyed meanwhile") != NULL);
    CHECK(host.pauses == 1 && host.unpauses == 1);
    free(text);
}

static void paused_and_crashed(void)
{
    struct hl_dump_options pause = {.pause = true}, crash = {.crash = true};

    scene();
    guest_of(10);
    CHECK(dump_with(&pause, NULL, NULL) == 0);
    CHECK(host.pauses == 1 && host.unpauses == 1 && host.crashes == 0);
    CHECK(dump_with(&crash, NULL, NULL) == 0);
    CHECK(host.pauses == 2 && host.unpauses == 2 && host.crashes == 1);
    host.owned[123] = 0; /* no shared info can be had */
    CHECK(dump_with(&crash, NULL, NULL) < 0);
    CHECK(host.pauses == 3 && host.unpauses == 3 && host.crashes == 1);
}

static void full_disk(void)
{
    struct rlimit limit = {1 << 20, RLIM_INFINITY}, old;
    struct hl_error *e = hl_error_new();
    struct hl_dump_options o = {.pause = true};
    char *text;
    int rc;

    scene();
    guest_of(2048);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    setrlimit(RLIMIT_FSIZE, &limit);
    rc = dump_with(&o, NULL, e);
    setrlimit(RLIMIT_FSIZE, &old);
    text = hl_error_sentence(e);
    hl_error_free(e);
    CHECK(rc == -EFBIG && files() == 0 && host.mapped == 0 && host.unpauses == 1);
    CHECK(
        text != NULL &&
        strstr(text, "MiB of 8; nothing of it is kept; there must be room for up to 8 MiB more") !=
            NULL);
    free(text);
}

static bool stop_soon(void *opaque)
{
    return ++*(unsigned int *)opaque == 3;
}

static void stopped(void)
{
    unsigned int asked = 0;
    struct hl_dump_options o = {.pause = true, .stop = stop_soon, .opaque = &asked};
    struct hl_error *e = hl_error_new();
    char *text;
    int rc;

    scene();
    guest_of(2048);
    rc = dump_with(&o, NULL, e);
    text = hl_error_sentence(e);
    hl_error_free(e);
    CHECK(rc == -EINTR && asked == 3 && files() == 0);
    CHECK(host.mapped == 0 && host.unpauses == 1);
    CHECK(text != NULL && strstr(text, "interrupted, after 2 MiB of 8;") != NULL);
    free(text);
}

/* An earlier dump is there until the new one is complete; what is no regular file stays. */
static void what_was_there(void)
{
    unsigned int asked = 0;
    struct hl_dump_options o = {.stop = stop_soon, .opaque = &asked};
    struct stat old, now;

    scene();
    guest_of(2048);
    CHECK(dump(NULL) == 0 && stat(path, &old) == 0);
    CHECK(dump_with(&o, NULL, NULL) == -EINTR);
    CHECK(stat(path, &now) == 0 && now.st_ino == old.st_ino && now.st_size == old.st_size);
    CHECK(dump(NULL) == 0 && stat(path, &now) == 0 && now.st_ino != old.st_ino && files() == 1);
    CHECK(unlink(path) == 0 && symlink("/dev/null", path) == 0);
    CHECK(dump(NULL) == -EEXIST);
    CHECK(lstat(path, &now) == 0 && S_ISLNK(now.st_mode) && files() == 1);
}

static void refused(void)
{
    struct hl_dump_options o = {0};

    scene();
    guest_of(10);
    CHECK(hl_domain_dump(NULL, 0, path, &o, NULL, NULL) == -EINVAL);
    CHECK(hl_domain_dump(NULL, 8, path, &o, NULL, NULL) == -ESRCH);
    CHECK(hl_domain_dump(NULL, DOMID, "/nowhere/at/all", &o, NULL, NULL) == -ENOENT);
    host.info.hvm = true;
    CHECK(dump(NULL) == -EOPNOTSUPP && files() == 0 && host.mapped == 0);
}

/* Each step fails in turn, in a process of its own. */
static void each_step_fails(void)
{
    unsigned int step = 0;
    int status;

    scene();
    guest_of(300);
    do {
        pid_t pid;

        fflush(stdout);
        pid = fork();
        if (pid == 0) {
            struct hl_dump_options o = {.pause = true};
            char at[16];

            snprintf(at, sizeof(at), "%u", step + 1);
            setenv("HOSPES_FAIL_AT", at, 1);
            bool failed = dump_with(&o, NULL, NULL) < 0;

            if (host.mapped != 0 || host.unpauses != 1 || files() != !failed)
                _exit(2);
            _exit(failed);
        }
        CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
        CHECK(WEXITSTATUS(status) != 2);
        step++;
    } while (WEXITSTATUS(status) == 1);
    CHECK(step == 3);
}

int main(void)
{
    static const struct test tests[] = {
        {"each_step_fails",
         each_step_fails}, /* the first: steps are counted over all of a process */
        {"plain", plain},
        {"as_readelf_sees_it", as_readelf_sees_it},
        {"notes", notes},
        {"odd_numbers", odd_numbers},
        {"several_windows", several_windows},
        {"it_grows", it_grows},
        {"another_takes_its_number", another_takes_its_number},
        {"paused_and_crashed", paused_and_crashed},
        {"full_disk", full_disk},
        {"stopped", stopped},
        {"what_was_there", what_was_there},
        {"refused", refused},
    };
    int rc;

    snprintf(dir, sizeof(dir), "/tmp/core-test.XXXXXX");
    if (mkdtemp(dir) == NULL) {
        perror(dir);
        return 1;
    }
    snprintf(path, sizeof(path), "%s/core", dir);
    rc = test_run("core", tests, sizeof(tests) / sizeof(tests[0]));
    scene();
    free(host.m2p);
    free(host.owned);
    free(host.zero);
    free(host.broken);
    free(core);
    rmdir(dir);
    return rc;
}
