#!/usr/bin/env bash
# image-check.sh [slim] [full]: build the images and run them as docs/docker.md shows: as another user, without network,
# capabilities or a root that may be written. Both without arguments. Needs Docker, Podman, or buildah as root.
#   BASE, FULL_BASE      images to build on; else the pinned ones, else one that base.sh makes where no registry answers
#   STORAGE_DRIVER       of buildah: vfs works everywhere; overlay is faster where the kernel has it
#   BASE_ROOT            a folder for base.sh's root, kept; else it is made anew, which takes a minute or two
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/.." && pwd)
work=$(mktemp -d)
chmod 755 "$work"
store=()
clean() {
    if [ ${#store[@]} -gt 0 ]; then buildah "${store[@]}" umount --all > /dev/null 2>&1 || true; fi
    rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if docker info > /dev/null 2>&1; then
    engine=docker
elif command -v podman > /dev/null && podman info > /dev/null 2>&1; then
    engine=podman
elif command -v buildah > /dev/null && [ "$(id -u)" = 0 ]; then
    engine=buildah
    export BUILDAH_ISOLATION=chroot
    store=(--root "$work/storage" --runroot "$work/run" --storage-driver "${STORAGE_DRIVER:-vfs}")
else
    echo "image-check.sh: no Docker or Podman answers, and there is no buildah for root (apt-get install buildah debootstrap)" >&2
    exit 3
fi
echo "engine: $engine"

# the base of a Dockerfile: as given, as pinned, or made here
pinned() { sed -n 's/^ARG BASE=//p' "$here/$1"; }
answers() { timeout 60 "$engine" "${store[@]}" pull "$1" > "$work/pull.log" 2>&1; }
made() { # name: an image of the root of base.sh, with stand-ins for "full"
    local root=${BASE_ROOT:-$work/root} more=$work/stand-ins
    "$here/base.sh" "$root"
    mkdir -p "$more/usr/local/bin"
    if [ "$1" = full ]; then "${PYTHON:-python3}" "$here/stand_ins.py" "$more" "$source"; fi
    if [ "$engine" = buildah ]; then
        local empty
        empty=$(buildah "${store[@]}" from scratch)
        tar --create --file "$work/base.tar" --directory "$root" . --directory "$more" .
        buildah "${store[@]}" add --quiet "$empty" "$work/base.tar" / > /dev/null
        buildah "${store[@]}" config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$empty"
        buildah "${store[@]}" commit --quiet --rm "$empty" "localhost/crisp-base-$1" > /dev/null
        rm "$work/base.tar"
    else
        tar --create --directory "$root" . --directory "$more" . | "$engine" import - "localhost/crisp-base-$1" > /dev/null
    fi
}

build() { # file image base
    local started=$SECONDS words=(--build-arg "BASE=$3" --file "$here/$1" --tag "$2" "$source")
    if [ "$engine" = buildah ]; then
        words=("${store[@]}" build --format docker --network host "${words[@]}")
    else
        words=(build --network host "${words[@]}")
    fi
    "$engine" "${words[@]}" > "$work/build.log" 2>&1 || { tail -25 "$work/build.log" >&2; exit 1; }
    echo "$2: built in $((SECONDS - started)) s, $(size "$2") MiB"
}
size() {
    if [ "$engine" = buildah ]; then
        root_of "$1" && du --summarize --block-size=1M "$root" | cut -f1
    else
        echo $(($("$engine" image inspect --format '{{.Size}}' "$1") / 1048576))
    fi
}
root_of() { # image: sets root to its files
    root="$work/root-of-${1//\//-}"
    if [ ! -e "$root" ]; then
        local made
        made=$(buildah "${store[@]}" from "$1")
        ln -s "$(buildah "${store[@]}" mount "$made")" "$root"
    fi
    root=$(readlink "$root")
}
variables() { buildah "${store[@]}" inspect --type image --format '{{range .Docker.Config.Env}}{{println .}}{{end}}' "$1"; }
default_command() {
    if [ "$engine" = buildah ]; then
        buildah "${store[@]}" inspect --type image --format '{{range .Docker.Config.Cmd}}{{println .}}{{end}}' "$1"
    else
        "$engine" image inspect --format '{{range .Config.Cmd}}{{println .}}{{end}}' "$1"
    fi
}

# run USER IMAGE PROGRAM ARGUMENT...: shut in as compose.yaml has it, $work/data as /data
run() {
    local user=$1 image=$2
    shift 2
    if [ "$engine" != buildah ]; then
        "$engine" run --rm --read-only --tmpfs /tmp --network none --cap-drop ALL --security-opt no-new-privileges \
            --user "$user:$user" --env HOME=/tmp --env XDG_CACHE_HOME=/tmp/cache --volume "$work/data:/data" \
            --entrypoint "$1" "$image" "${@:2}"
        return
    fi
    root_of "$image"
    local given
    mapfile -t given < <(variables "$image")
    unshare --mount --net --pid --fork bash -euc '
        root=$1 data=$2 user=$3
        shift 3
        mount --make-rprivate /
        mount --bind "$root" "$root"
        mount -o remount,bind,ro "$root"
        mount -t proc proc "$root/proc"
        mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
        mount --bind "$data" "$root/data"
        mount --bind /dev/null "$root/dev/null"
        exec chroot "$root" setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs --bounding-set=-all \
            --inh-caps=-all env -i "$@"
    ' shut "$root" "$work/data" "$user" "${given[@]}" HOME=/tmp XDG_CACHE_HOME=/tmp/cache \
        sh -c 'cd /data && exec "$@"' in "$@"
}
data() { # user: an empty folder for /data that belongs to them
    rm -rf "$work/data"
    mkdir "$work/data"
    chown "$1:$1" "$work/data" 2> /dev/null || chmod 777 "$work/data"
}
must() { # text file: what was said must hold it
    grep --quiet --fixed-strings -- "$1" "$2" || { echo "image-check.sh: not said: $1" >&2; cat "$2" >&2; exit 1; }
}

slim() {
    local base=${BASE:-$(pinned Dockerfile)} image=localhost/crisp-hw
    if [ -z "${BASE:-}" ] && ! answers "$base"; then made slim && base=localhost/crisp-base-slim; fi
    build Dockerfile "$image" "$base"
    data 10001
    run 10001 "$image" /opt/crisp-hw/share/crisp-hw/smoke.sh /opt/crisp-hw
    local other=12345
    data "$other"
    run "$other" "$image" crisp-hw evaluate --workload resnet50 --nm 2:4 --block 64 --sparsity 0.9 --layers fc \
        --out results --no-plot > "$work/said" 2>&1 || { cat "$work/said" >&2; exit 1; }
    [ -n "$(find "$work/data/results" -name '*.csv' -user "$other")" ] || { echo "no results of $other" >&2; exit 1; }
    if run "$other" "$image" touch /opt/crisp-hw/there 2> "$work/said"; then
        echo "image-check.sh: the root can be written" >&2
        exit 1
    fi
    must "ead-only file system" "$work/said"
    echo "$image: run as 10001 and $other, digits as recorded, root read-only"
}

full() {
    local base=${FULL_BASE:-$(pinned Dockerfile.full)} image=localhost/crisp-hw-full words
    if [ -z "${FULL_BASE:-}" ] && ! answers "$base"; then made full && base=localhost/crisp-base-full; fi
    build Dockerfile.full "$image" "$base"
    local other=12345
    data "$other"
    mapfile -t words < <(default_command "$image")
    run "$other" "$image" crisp-hw "${words[@]}" > "$work/said"
    must "--backend timeloop runs timeloop-model" "$work/said"
    cp -r "$source/tests/golden/stats" "$work/data/stats"
    run "$other" "$image" python - > "$work/said" << 'PYTHON'
import gzip, json, pathlib
for name in ("dense", "stc", "dstc", "crisp-stc"):
    folder = pathlib.Path("documents") / name
    folder.mkdir(parents=True)
    run = json.loads(gzip.decompress(pathlib.Path(f"stats/{name}.json.gz").read_bytes()))
    for file, text in run["documents"].items():
        (folder / file).write_text(text)
PYTHON
    run "$other" "$image" crisp-hw verify documents > "$work/said" || { cat "$work/said" >&2; exit 1; }
    must "4 of 4 sets of documents agree in every figure" "$work/said"
    run "$other" "$image" crisp-hw characterize --arch crisp-stc --energy accelergy > "$work/said" 2>&1 \
        || { cat "$work/said" >&2; exit 1; }
    run "$other" "$image" /opt/crisp-hw/share/crisp-hw/smoke.sh /opt/crisp-hw > "$work/said" 2>&1 \
        || { cat "$work/said" >&2; exit 1; }
    must "3 designs: as recorded" "$work/said"
    echo "$image: doctor, verify, Accelergy and digits as user $other, root read-only"
}

[ $# -gt 0 ] || set -- slim full
for each in "$@"; do
    case $each in
        slim | full) "$each" ;;
        *) echo "image-check.sh: no image $each; there are slim, full" >&2; exit 2 ;;
    esac
done
