# SPDX-License-Identifier: GPL-2.0-or-later
# Turns the debug information of an object (readelf --debug-dump=info --wide, DWARF 5) into lines that can be
# compared as text:
#   struct TAG (size)                   also for unions
#   struct TAG .member at N: type       one for each member, bit fields with bit offset and width
#   type NAME = type
#   enum NAME = value
# Typedefs are followed down to base types (u32, s64, c8 for char); unnamed structures are written out.

# What follows the colon of an attribute, without its form: binutils before and after 2.40 differ there,
# "(indirect string, offset: 0x12): foo" and "(strp) (offset: 0x12): foo", "5" and "(data1) 5".
function text(s)
{
    sub(/^[^:]*: */, "", s)
    while (s ~ /^\([^)]*\):? */)
        sub(/^\([^)]*\):? */, "", s)
    sub(/[ \t]+$/, "", s)
    return s
}

# Decimal or 0x hexadecimal; awk itself does not promise the latter
function number(s,    n, i)
{
    sub(/[ \t].*$/, "", s)
    if (s !~ /^0x/)
        return s + 0
    for (i = 3; i <= length(s); i++)
        n = n * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
    return n
}

function ref(s)
{
    sub(/^.*<0x/, "", s)
    sub(/>.*$/, "", s)
    return s
}

/^ *<[0-9a-f]+><[0-9a-f]+>: Abbrev Number: / {
    split($0, f, /[<>]+/)
    level = f[2] + 0
    die = f[3]
    at[level] = die
    if ($0 ~ /Number: 0$/)
        next
    tag[die] = $0
    sub(/^.*\(DW_TAG_/, "", tag[die])
    sub(/\).*$/, "", tag[die])
    depth[die] = level
    order[++dies] = die
    if (level > 0)
        kids[at[level - 1]] = kids[at[level - 1]] " " die
    next
}
/DW_AT_name / { name[die] = text($0) }
/DW_AT_type / { type[die] = ref($0) }
/DW_AT_byte_size / { size[die] = number(text($0)) }
/DW_AT_encoding / { enc[die] = number(text($0)) }
/DW_AT_data_member_location/ { loc[die] = number(text($0)) }
/DW_AT_data_bit_offset/ { bit[die] = number(text($0)) }
/DW_AT_bit_size/ { width[die] = number(text($0)) }
/DW_AT_upper_bound/ { count[die] = number(text($0)) + 1 }
/DW_AT_count/ { count[die] = number(text($0)) }
/DW_AT_const_value/ { value[die] = number(text($0)) }

function where(m)
{
    if (m in width)
        return "bit " (m in bit ? bit[m] : 8 * loc[m]) " width " width[m]
    return "at " (m in loc ? loc[m] : 0)
}

# A structure written out. The names below are locals: awk has no other.
function members(d,    n, k, i, s)
{
    n = split(kids[d], k, " ")
    s = "{"
    for (i = 1; i <= n; i++)
        if (tag[k[i]] == "member")
            s = s (i > 1 ? "; " : "") name[k[i]] " " where(k[i]) ": " describe(type[k[i]])
    return s "}"
}

function describe(d,    t, n, k, i, s)
{
    if (d == "")
        return "void"
    t = tag[d]
    if (t == "typedef" || t == "volatile_type")
        return describe(type[d])
    if (t == "const_type")
        return "const " describe(type[d])
    if (t == "pointer_type")
        return "*" describe(type[d])
    if (t == "base_type")
        return (enc[d] == 5 ? "s" : enc[d] == 7 ? "u" : enc[d] == 6 ? "c" : enc[d] == 8 ? "u" : "?") 8 * size[d]
    if (t == "array_type") {
        n = split(kids[d], k, " ")
        s = describe(type[d])
        for (i = 1; i <= n; i++)
            s = s "[" (k[i] in count ? count[k[i]] : "") "]"
        return s
    }
    if (t == "enumeration_type")
        return "enum" 8 * size[d]
    if (t == "structure_type" || t == "union_type")
        return name[d] != "" ? substr(t, 1, index(t, "_") - 1) " " name[d] : size[d] " bytes " members(d)
    return t
}

END {
    for (o = 1; o <= dies; o++) {
        d = order[o]
        if (tag[d] == "enumerator")
            print "enum " name[d] " = " value[d]
        if (depth[d] != 1 || name[d] == "")
            continue
        if (tag[d] == "typedef")
            print "type " name[d] " = " describe(type[d])
        if ((tag[d] == "structure_type" || tag[d] == "union_type") && d in size) {
            print "struct " name[d] " (" size[d] ")"
            n = split(kids[d], k, " ")
            for (i = 1; i <= n; i++)
                if (tag[k[i]] == "member")
                    print "struct " name[d] " ." name[k[i]] " " where(k[i]) ": " describe(type[k[i]])
        }
    }
}
