#!/usr/bin/env bash
# base.sh ROOT: a folder that an image can be made of where no registry can be reached: Debian as this machine has it, by
# debootstrap (root), its certificates, and its Python 3.12 under /usr/local and /opt/python.
#   PYTHON=python3.12    the interpreter whose installation is copied
#   PIP_INDEX_URL        goes into the base's pip.conf, where it is set
set -euo pipefail
root=${1:?"usage: base.sh ROOT"}
python=${PYTHON:-python3.12}
prefix=$("$python" -c 'import sys; assert sys.version_info[:2] == (3, 12), sys.version; print(sys.base_prefix)')
packages=ca-certificates,libbz2-1.0,libexpat1,libffi8,liblzma5,libncursesw6,libreadline8,libsqlite3-0,libssl3,libuuid1

if [ ! -e "$root/etc/debian_version" ]; then
    # shellcheck source=/dev/null
    . /etc/os-release
    debootstrap --variant=minbase --include="$packages" "$VERSION_CODENAME" "$root" > "$root.log" 2>&1 || {
        tail -5 "$root.log" >&2
        exit 1
    }
fi
for place in usr/local opt/python; do
    mkdir -p "$root/$place"
    cp -a "$prefix/bin" "$prefix/include" "$prefix/lib" "$root/$place/"
    rm -rf "$root/$place/lib/python3.12/test" "$root/$place"/lib/python3.12/site-packages/*
    find "$root/$place/lib" -name __pycache__ -prune -exec rm -rf {} +
done
echo /opt/python/lib > "$root/etc/ld.so.conf.d/python.conf"
chroot "$root" ldconfig
chroot "$root" /usr/local/bin/python3.12 -m ensurepip > /dev/null
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n%s\n' "${PIP_INDEX_URL:+index-url = $PIP_INDEX_URL}" \
    > "$root/etc/pip.conf"
chroot "$root" /opt/python/bin/python3.12 -c 'import bz2, ctypes, lzma, sqlite3, ssl, zlib'
