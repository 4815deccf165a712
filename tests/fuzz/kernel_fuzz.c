/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzer of guests' kernels as hl takes them: bzImage and compressed payloads, ELF headers, notes
 * and the older section, the image in memory, the layout of a domain.
 *
 *   input:  one byte: 'E': an ELF made by elf_input.h; else what follows is the file
 */
#include "dom0-toolstack/lib/error.h"
#include "dom0-toolstack/lib/kernel_image.h"
#include "dom0-toolstack/lib/pv_layout.h"
#include "tests/fuzz/elf_input.h"

#define LOAD_MAX ((size_t)4 << 20)

static void check_record(const struct hl_error *e)
{
    char *text = hl_error_sentence(e);

    FUZZ_CHECK(text && *text && !strchr(text, '\n'));
    free(text);
}

static void check_segments(const struct kernel_image *img)
{
    uint64_t end = img->virt_start;

    FUZZ_CHECK(img->nr_segments && img->nr_segments <= KERNEL_MAX_SEGMENTS);
    FUZZ_CHECK(img->virt_base <= img->virt_start && img->virt_start < img->virt_end);
    FUZZ_CHECK(img->entry >= img->virt_start && img->entry < img->virt_end);
    for (unsigned int i = 0; i < img->nr_segments; i++) {
        const struct kernel_segment *s = &img->segments[i];
        uint64_t va = s->paddr - img->paddr_offset + img->virt_base;

        FUZZ_CHECK(s->offset <= img->elf_len && s->file_size <= img->elf_len - s->offset);
        FUZZ_CHECK(va >= end && s->mem_size <= img->virt_end - va);
        end = va + s->mem_size;
    }
}

/* In memory of its exact size: each segment's bytes where they belong. */
static void check_load(const struct kernel_image *img)
{
    size_t size = img->virt_end - img->virt_start;

    if (size > LOAD_MAX)
        return;
    uint8_t *memory = malloc(size);
    FUZZ_CHECK(kernel_image_load(img, memory, size, NULL) == 0);
    for (unsigned int i = 0; i < img->nr_segments; i++) {
        const struct kernel_segment *s = &img->segments[i];
        uint64_t at = s->paddr - img->paddr_offset + img->virt_base - img->virt_start;

        FUZZ_CHECK(!memcmp(memory + at, img->elf + s->offset, s->file_size));
    }
    free(memory);
}

/* Each thing in the domain's memory has its own frames. */
static void check_layout(const struct kernel_image *img, uint64_t ramdisk, uint64_t nr_pages)
{
    struct hl_error *e = hl_error_new();
    struct pv_layout l;

    if (pv_layout_make(&l, img, ramdisk, nr_pages, e) == 0) {
        struct {
            uint64_t pfn, n;
        } parts[] = {
            {l.kernel_pfn, l.kernel_pages},
            {l.ramdisk_pfn, l.ramdisk_pages},
            {l.p2m_pfn, l.p2m_pages + l.p2m_table_pages},
            {l.start_info_pfn, 1},
            {l.store_pfn, 1},
            {l.console_pfn, 1},
            {l.stack_pfn, 1},
            {l.tables_pfn, l.nr_tables},
        };
        for (unsigned int i = 0; i < 8; i++) {
            FUZZ_CHECK(parts[i].pfn <= nr_pages && parts[i].n <= nr_pages - parts[i].pfn);
            for (unsigned int j = 0; j < i; j++)
                FUZZ_CHECK(parts[i].pfn + parts[i].n <= parts[j].pfn ||
                           parts[j].pfn + parts[j].n <= parts[i].pfn || !parts[i].n || !parts[j].n);
        }
        FUZZ_CHECK(l.mapped_end <= nr_pages && l.stack_pfn < l.mapped_end);
        for (unsigned int level = 1; level <= 4; level++) {
            uint64_t first = pv_layout_table(&l, level, l.virt_base);
            uint64_t last = pv_layout_table(&l, level, pv_layout_va(&l, l.mapped_end - 1));

            FUZZ_CHECK(pv_layout_is_table(&l, first) && pv_layout_is_table(&l, last));
        }
    } else {
        check_record(e);
    }
    hl_error_free(e);
}

static void parse(const uint8_t *data, size_t size, struct input *in)
{
    uint8_t *exact = malloc(size ? size : 1);
    struct hl_error *e = hl_error_new();
    struct kernel_image img;

    memcpy(exact, data, size);
    if (kernel_image_parse(exact, size, &img, e) == 0) {
        check_segments(&img);
        check_load(&img);
        check_layout(&img, elf_input_value(in), 1 + in_uint(in, 3));
        check_layout(&img, 100000, 1ull << 20);
    } else {
        check_record(e);
    }
    free(exact);
    hl_error_free(e);
}

static void whole_file(const uint8_t *data, size_t size)
{
    struct hl_error *e = hl_error_new();
    struct kernel_payload payload;
    uint8_t *exact = malloc(size ? size : 1);
    struct input none = {exact, exact};
    void *elf = NULL;
    size_t len = 0;

    memcpy(exact, data, size);
    if (kernel_find_payload(exact, size, &payload, e) == 0) {
        FUZZ_CHECK(payload.size <= size && payload.data >= exact &&
                   payload.data + payload.size <= exact + size);
        if (kernel_unpack(&payload, &elf, &len, e) == 0) {
            FUZZ_CHECK(len <= KERNEL_MAX_SIZE);
            parse(elf, len < ELF_INPUT_MAX * 8 ? len : ELF_INPUT_MAX * 8, &none);
        } else {
            FUZZ_CHECK(!elf);
            check_record(e);
        }
    } else {
        check_record(e);
    }
    free(elf);
    free(exact);
    hl_error_free(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t elf[ELF_INPUT_MAX];

    if (!size)
        return 0;
    if (*data == 'E') {
        struct input in = {data + 1, data + size};
        size_t len = elf_input_make(&in, elf);

        parse(elf, len, &in);
    } else {
        whole_file(data + 1, size - 1);
    }
    return 0;
}
