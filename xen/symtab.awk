# SPDX-License-Identifier: GPL-2.0-or-later
# nm -n output -> assembly: sorted text symbols as (32-bit offset from the image, name).
# Read by xen/x86/symbols.c. (gcc adds to the names of static functions when it compiles all files as one.)
BEGIN { n = 0 }
$2 ~ /^[tT]$/ && $3 !~ /^\./ { sub(/\.lto_priv\..*/, "", $3); addr[n] = $1; name[n] = $3; n++ }
END {
    print "\t.section .symtab_blob, \"a\", @progbits\n\t.balign 8"
    print "\t.long " n ", 0"
    for (i = 0; i < n; i++)
        print "\t.long 0x" substr(addr[i], 9) ", " "n" i " - names"
    print "names:"
    for (i = 0; i < n; i++)
        print "n" i ": .asciz \"" name[i] "\""
}
