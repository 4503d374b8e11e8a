#!/usr/bin/env bash
# install.sh PREFIX [SOURCE]: crisp-hw with pinned versions, and CACTI built from source, into a new environment PREFIX.
# The slim image runs exactly this; it works the same without Docker. Needs g++, make and Python 3.12 or newer.
#   PYTHON=python3.12   the interpreter
#   CACTI=no            leave CACTI out (then Python 3.11 will do, and no compiler is needed)
set -euo pipefail
prefix=${1:?"usage: install.sh PREFIX [SOURCE]"}
source=$(cd "${2:-$(dirname "$0")/..}" && pwd)
python=${PYTHON:-python3}
cacti=hwcomponents-cacti==1.0.40 # with the one that made arch/energy/cacti-45nm.yaml
library=hwcomponents==1.0.114

if [ -e "$prefix" ]; then
    echo "install.sh: $prefix exists already; give a folder that does not" >&2
    exit 2
fi
"$python" -m venv "$prefix"
pip=("$prefix/bin/python" -m pip --disable-pip-version-check --no-input --quiet install --constraint "$source/constraints.txt")
"${pip[@]}" "$source[plot]" safetensors
if [ "${CACTI:-yes}" != no ]; then
    "${pip[@]}" --no-cache-dir --no-binary hwcomponents-cacti "$library" "$cacti"
fi
mkdir -p "$prefix/share/crisp-hw"
cp "$source/docker/smoke.sh" "$source/docker/digits.py" "$source/docker/golden.csv" "$prefix/share/crisp-hw/"
"$prefix/bin/crisp-hw" --version
