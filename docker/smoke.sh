#!/usr/bin/env bash
# smoke.sh [PREFIX]: evaluate the golden design with the crisp-hw of PREFIX (or of PATH) and compare every digit;
# ask CACTI again, and run the installed Timeloop on the same documents, where they are there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=${1:+$(cd "$1" && pwd)/bin/}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME="$work/cache" # nothing that was computed before counts
cd "$work"                          # nor does a checkout that happens to be here

design=(--workload resnet50 --nm 2:4 --block 64 --sparsity 0.9 --layers layer4.2.conv3)
archs=(--arch crisp-stc --arch stc --arch dense)
"${bin}crisp-hw" evaluate "${design[@]}" "${archs[@]}" --format csv > found.csv 2> remarks.txt
"${bin}python" "$here/digits.py" "$here/golden.csv" found.csv
"${bin}python" "$here/digits.py" --cacti
if command -v timeloop-model > /dev/null; then
    "${bin}crisp-hw" verify "${design[@]}" --arch crisp-stc --arch stc --arch dense
else
    echo "timeloop-model: not installed, left out"
fi
