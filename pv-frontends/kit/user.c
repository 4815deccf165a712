/* SPDX-License-Identifier: MIT */
/* User address spaces and runs of user-mode code. */
#include "kit/user.h"
#include "kit/hypercall.h"
#include "kit/string.h"

static void *user_page(uint64_t *l4, unsigned long va)
{
    void *page = page_alloc_zeroed();
    long rc = map_page(l4, va, (uint64_t)virt_to_mfn(page) << 12 | PTE_KERNEL);

    if (rc != 0) {
        kit_panic("cannot map user page %#lx: %ld", va, rc);
    }
    return page;
}

void user_space_create(struct user_space *space)
{
    space->l4 = page_alloc_zeroed();
    space->code = user_page(space->l4, USER_CODE_VA);
    space->data = user_page(space->l4, USER_DATA_VA);
    space->stack = user_page(space->l4, USER_STACK_VA);
    page_set_readonly(space->l4);
    long rc = mmuext_one(MMUEXT_PIN_L4_TABLE, virt_to_mfn(space->l4));
    if (rc == 0) {
        rc = mmuext_one(MMUEXT_NEW_USER_BASEPTR, virt_to_mfn(space->l4));
    }
    if (rc != 0) {
        kit_panic("cannot set up a user address space: %ld", rc);
    }
}

void user_space_load(struct user_space *space, const char *from, const char *to)
{
    memcpy(space->code, from, (size_t)(to - from));
}

/* Frees the tables below `table`; leaf pages belong to others. */
static void free_tables(uint64_t *table, unsigned int level)
{
    for (unsigned int i = 0; level > 1 && i < 512; i++) {
        if ((level < 4 || i < 256 || i > 271) && (table[i] & PTE_P)) {
            free_tables(mfn_to_virt((table[i] & PTE_ADDR) >> 12), level - 1);
        }
    }
    table_free(table);
}

void user_space_destroy(struct user_space *space)
{
    mmuext_one(MMUEXT_NEW_USER_BASEPTR, 0);
    mmuext_one(MMUEXT_UNPIN_TABLE, virt_to_mfn(space->l4));
    free_tables(space->l4, 4);
    page_free(space->code);
    page_free(space->data);
    page_free(space->stack);
}

struct trap_frame user_frame(void)
{
    return (struct trap_frame){
        .rip = USER_CODE_VA,
        .cs = USER_CS,
        .rflags = RFLAGS_IF | 2,
        .rsp = USER_STACK_VA + PAGE_SIZE,
        .ss = USER_SS,
    };
}

static void enter(void *frame)
{
    trap_enter(frame, 0);
}

void user_run(struct trap_frame *frame)
{
    struct trap_frame start = *frame;

    /* Traps out of user mode start at the top of the kernel stack: put that top below all that is
     * live here. */
    hv_stack_switch(KERNEL_SS, ((unsigned long)__builtin_frame_address(0) - 4096) & ~15UL);
    trap_catch(enter, &start, frame);
}
