#!/usr/bin/env bash
# A real S3-compatible object store on this machine alone: OpenStack Swift with its s3api, from the
# Python registry, one copy of everything, no root.
#
#   swift.sh start FOLDER [PORT]   install it once and start it; prints what to export
#   swift.sh stop FOLDER           stop it; what it holds stays
#   swift.sh env FOLDER            print what to export
#
# It takes PORT and the three after it, on 127.0.0.1. SWIFT_VENV says where it is installed, else
# FOLDER/venv; SWIFT_WORKERS how many processes answer (2); SWIFT_PYTHON which Python (python3).
# The secret is what stands in FOLDER/secret before the first start, else a fixed one: it is for tests
# and for trying things out, and listens on loopback only.
set -euo pipefail

version=2.38.3
command=${1:?start, stop or env}
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mkdir -p "${2:?a folder}" && cd "$2" && pwd)
venv=${SWIFT_VENV:-$folder/venv}
workers=${SWIFT_WORKERS:-2}
python=${SWIFT_PYTHON:-python3}
port=${3:-$(cat "$folder/port" 2>/dev/null || echo 8085)}
etc=$folder/etc
secret=$(cat "$folder/secret" 2>/dev/null || echo acutance-secret)

port_of() {
    case $1 in
        proxy) echo "$port" ;;
        object) echo $((port + 1)) ;;
        container) echo $((port + 2)) ;;
        account) echo $((port + 3)) ;;
    esac
}

lives() { [ -s "$folder/$1.pid" ] && kill -0 "$(cat "$folder/$1.pid")" 2>/dev/null; }

# Numbers are used again, after a restart of the machine at the latest: one of ours knows its own file.
ours() {
    lives "$1" || return
    [ -d /proc/self ] || return 0
    tr '\0' ' ' <"/proc/$(cat "$folder/$1.pid")/cmdline" 2>/dev/null | grep -qF -- "$etc/$1.conf"
}

installed() { "$venv/bin/python" -c "import swift, sys; sys.exit(swift.__version__ != '$version')" 2>/dev/null; }

install() {
    installed && return
    mkdir -p "$(dirname "$venv")"
    (
        flock 9 # two test runs may come here together
        installed && exit
        "$python" -m venv "$venv"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
            -c "$here/swift-constraints.txt" "swift==$version"
    ) 9>"$venv.lock"
}

write_part() { # NAME WORKERS
    local rest
    rest=$(cat "$here/swift-$1.conf")
    cat >"$etc/$1.conf" <<END
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $(port_of "$1")
swift_dir = $etc
user = $(id -un)
devices = $folder/data
mount_check = false
disable_fallocate = true
fallocate_reserve = 0
workers = $2
log_level = WARNING
eventlet_debug = false
max_clients = 256
${rest//acutance-secret/$secret}
END
}

configure() {
    umask 077
    mkdir -p "$etc" "$folder/data/disk"
    echo "$port" >"$folder/port"
    if [ ! -s "$etc/swift.conf" ]; then
        salt() { od -An -N12 -tx1 /dev/urandom | tr -d ' \n'; }
        printf '[swift-hash]\nswift_hash_path_prefix = %s\nswift_hash_path_suffix = %s\n' \
            "$(salt)" "$(salt)" >"$etc/swift.conf"
        printf '[storage-policy:0]\nname = one\ndefault = yes\n' >>"$etc/swift.conf"
    fi
    write_part account 0 # 0: one process, which answers by itself
    write_part container 0
    write_part object "$workers"
    write_part proxy "$workers"
    # In one process: Swift's own command takes a second for each step.
    "$venv/bin/python" - "$etc" account "$(port_of account)" container "$(port_of container)" \
        object "$(port_of object)" <<'END'
import sys
from swift.common.ring import RingBuilder

folder, *rest = sys.argv[1:]
for part, port in zip(rest[::2], map(int, rest[1::2])):
    ring = RingBuilder(4, 1, 0)  # 16 partitions, one copy
    place = {"region": 1, "zone": 1, "ip": "127.0.0.1", "port": port, "device": "disk", "weight": 1}
    ring.add_dev({**place, "replication_ip": "127.0.0.1", "replication_port": port, "meta": ""})
    ring.rebalance(seed=0)
    ring.get_ring().save(f"{folder}/{part}.ring.gz")
END
}

answers() {
    "$venv/bin/python" -c "import urllib.request as u; u.urlopen('http://127.0.0.1:$port/healthcheck', timeout=2)" 2>/dev/null
}

stop() {
    for part in proxy object container account; do
        ours $part && kill -TERM -- "-$(cat "$folder/$part.pid")" 2>/dev/null || true
    done
    for part in proxy object container account; do
        for _ in $(seq 30); do
            ours $part || break
            sleep 0.1
        done
        ours $part && kill -KILL -- "-$(cat "$folder/$part.pid")" 2>/dev/null || true
        rm -f "$folder/$part.pid"
    done
}

fail() {
    echo "swift: $1; see $folder/*.log" >&2
    tail -n 20 "$folder"/*.log >&2
    stop
    exit 1
}

start() {
    install
    configure
    for part in account container object proxy; do
        ours $part && continue
        # A process group of its own, so that stopping reaches its workers.
        PYTHONWARNINGS=ignore setsid "$venv/bin/swift-$part-server" "$etc/$part.conf" >>"$folder/$part.log" 2>&1 </dev/null &
        echo $! >"$folder/$part.pid"
    done
    for _ in $(seq 300); do
        answers && break
        lives proxy || fail "its proxy server died"
        sleep 0.1
    done
    answers || fail "it does not answer on port $port"
    for part in account container object proxy; do
        lives $part || fail "its $part server died (is port $(port_of $part) taken?)"
    done
}

show() {
    echo "export AWS_ACCESS_KEY_ID=acutance:local AWS_SECRET_ACCESS_KEY=$secret AWS_REGION=us-east-1"
    echo "export AWS_ENDPOINT_URL_S3=http://127.0.0.1:$port"
}

case $command in
    start) start && show ;;
    stop) stop ;;
    env) show ;;
    *)
        echo "swift.sh: start, stop or env, not $command" >&2
        exit 2
        ;;
esac
