#!/usr/bin/env bash
# check.sh: the steps of the slim image without a Docker engine: install.sh into a new prefix, then smoke.sh from there.
# Takes $PYTHON, else the image's Python 3.12, else 3.13; CACTI is left out, and said so, where there is none of them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
export TMPDIR="$work" # what pip unpacks and builds goes with the rest, even when it is interrupted

newer() { "$1" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] < (3, 14))' 2> /dev/null; }
found=
for python in "${PYTHON:-}" python3.12 python3.13 python3 "${HOME:-/nowhere}"/.pyenv/versions/3.1[23]*/bin/python3; do
    if [ -n "$python" ] && newer "$python"; then
        found=$python
        break
    fi
done
if [ -z "$found" ] || ! command -v g++ > /dev/null; then
    echo "no Python 3.12 or 3.13 with a C++ compiler here: CACTI is left out"
    export CACTI=no
    found=${found:-${PYTHON:-python3}}
fi
hadolint=$(command -v hadolint || true)
if [ -n "$hadolint" ]; then
    "$hadolint" --config "$here/hadolint.yaml" "$here/Dockerfile" "$here/Dockerfile.full"
else
    echo "hadolint: not installed, left out (tests/test_docker.py reads the Dockerfiles)"
fi
# the environment is used once: bytecode beforehand would take longer than the rest
env -u PYTHONPATH -u VIRTUAL_ENV PIP_NO_COMPILE=1 PYTHON="$found" "$here/install.sh" "$work/prefix"
env -u PYTHONPATH "$work/prefix/share/crisp-hw/smoke.sh" "$work/prefix"
