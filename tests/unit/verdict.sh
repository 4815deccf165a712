# SPDX-License-Identifier: GPL-2.0-or-later
# For the tests of this folder that are scripts: a folder of their own, $DIR, and their verdicts. $GROUP is set before.
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT
failures=0

# verdict NAME STATUS [why]
verdict()
{
    if [ "$2" = 0 ]; then
        echo "ok ${GROUP}_$1"
    else
        echo "not ok ${GROUP}_$1: ${3:-see above}"
        failures=$((failures + 1))
    fi
}
