# SPDX-License-Identifier: GPL-2.0-or-later
# From preprocessor output with all definitions kept (-E -dD): the macros that are defined at the end in files
# below <dir>, as lines "KIND FILE NAME TEXT", KIND being object or function.

/^# [0-9]+ "/ {
    file = $3
    gsub(/"/, "", file)
    inside = index(file, dir) == 1
    file = substr(file, length(dir) + 2)
    next
}
/^#undef / { delete line[$2] }
/^#define / && inside {
    name = $2
    kind = "object"
    if (name ~ /\(/) {
        sub(/\(.*/, "", name)
        kind = "function"
    }
    rest = $0
    sub(/^#define [A-Za-z0-9_]+/, "", rest)
    if (kind == "object")
        sub(/^ +/, "", rest)
    line[name] = kind " " file " " name " " rest
}
END {
    for (name in line)
        print line[name]
}
