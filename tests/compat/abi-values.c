/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints every constant of the ABI with its type, as one side sees it. The list is generated:
 * V(name) for a constant, E(expression) for a macro with arguments.
 */
#include <stdio.h>
#include "abi-side.h"

static void show(const char *name, const char *type, uintptr_t value)
{
    if (*type == '"')
        printf("%s = \"%s\"\n", name, (const char *)value);
    else
        printf("%s = %s 0x%lx\n", name, type, value);
}

#define TYPE(x) \
    _Generic((x), int: "int", unsigned int: "unsigned", long: "long",                        \
             unsigned long: "unsigned long", long long: "long long",                         \
             unsigned long long: "unsigned long long", uint8_t: "uint8_t",                   \
             uint16_t: "uint16_t", char *: "\"", const char *: "\"", default: "something")
#define V(x)   show(#x, TYPE(x), (uintptr_t)(x));
#define E(...) show(#__VA_ARGS__, TYPE((__VA_ARGS__)), (uintptr_t)(__VA_ARGS__));

int main(void)
{
    /* Objects for the expressions to work on */
    struct trap_info ti = {.flags = 7};
    uint64_t gref = 5;
    xen_uuid_t uuid = XEN_DEFINE_UUID(0x01020304, 0x0506, 0x0708, 0x090a, 11, 12, 13, 14, 15, 16);
    XEN_GUEST_HANDLE(char) handle;
    char text[4];

#include "abi-values.inc"
    return 0;
}
