#!/usr/bin/env bash
# A throwaway S3 server for tests: Ceph's gateway from Debian, on 127.0.0.1, in a directory of its
# own. Installs the packages when they are missing and it runs as root. Prints ENDPOINT ACCESS_KEY
# SECRET_KEY once it answers, and runs until its standard input ends.
#
# For many runs, keep one: tests/ceph.sh < <(sleep infinity), and hand its settings to the tests as
# S3_ENDPOINT, S3_ACCESS_KEY, S3_SECRET_KEY and S3_SECURE=false.
set -euo pipefail

DIR=$(mktemp -d "${TMPDIR:-/tmp}/hindsight-ceph.XXXXXX")
CONF=$DIR/ceph.conf
SECRET=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')

say() { echo "ceph.sh: $*" >&2; }

finish() {
    exec 2>/dev/null # bash tells of each process that was killed
    # shellcheck disable=SC2046 # one word per process
    kill -KILL $(jobs -p) || true
    wait
    rm -rf "$DIR"
}
trap finish EXIT
trap 'exit 1' INT TERM

taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_port() { # FROM
    local port=$1
    while taken "$port"; do port=$((port + 1)); done
    echo "$port"
}

answers() ( # the gateway, to an anonymous request
    exec 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
    printf 'GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&3
    read -r -t 10 line <&3 && [[ $line == HTTP/*" 200"* ]]
)

daemon() { # COMMAND...
    "$@" -c "$CONF" -f </dev/null >>"$DIR/out" 2>&1 &
}

install_packages() {
    local wanted=(ceph-common ceph-mon ceph-osd radosgw)
    dpkg -s "${wanted[@]}" >/dev/null 2>&1 && return
    [ "$(id -u)" = 0 ] || { say "needs ${wanted[*]}"; exit 1; }
    say "installing ${wanted[*]}"
    { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
        --no-install-recommends "${wanted[@]}"; } </dev/null >&2
}

configure() { # GATEWAY-PORT
    cat >"$CONF" <<CONF
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon host = v2:127.0.0.1:$(free_port $(($1 + 20)))
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr1 = false
auth cluster required = none
auth service required = none
auth client required = none
run dir = $DIR
admin socket = $DIR/\$name.asok
log file = $DIR/\$name.log
crash dir = $DIR
osd pool default size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd crush chooseleaf type = 0
mon allow pool size one = true

[mon]
mon data = $DIR/mon
mon initial members = a
mon data avail warn = 2
mon data avail crit = 1
paxos propose interval = 0.05

[osd]
osd data = $DIR/osd
osd objectstore = bluestore
bluestore block size = 20G
osd memory target = 939524096

[client.rgw]
rgw data = $DIR/rgw
rgw frontends = beast endpoint=127.0.0.1:$1 tcp_nodelay=1
ms mon client mode = crc
rgw override bucket index max shards = 1
# Give the space of removed objects back after a minute, not hours.
rgw gc obj min wait = 60
rgw gc processor period = 60
CONF
}

store() { # one monitor, one disk (a sparse file), one user
    local disk
    disk=$(cat /proc/sys/kernel/random/uuid)
    mkdir "$DIR/mon" "$DIR/osd" "$DIR/rgw"
    monmaptool --create --fsid "$(sed -n 's/^fsid = //p' "$CONF")" \
        --addv a "[$(sed -n 's/^mon host = //p' "$CONF")]" "$DIR/monmap"
    ceph-mon -c "$CONF" --mkfs -i a --monmap "$DIR/monmap"
    daemon ceph-mon -i a
    ceph -c "$CONF" --connect-timeout 60 osd new "$disk" 0
    ceph-osd -c "$CONF" --mkfs -i 0 --osd-uuid "$disk"
    daemon ceph-osd -i 0
    timeout 120 radosgw-admin -c "$CONF" user create --uid=hindsight --display-name=hindsight \
        --access-key=hindsight --secret-key="$SECRET"
}

install_packages
PORT=$(free_port $((20000 + RANDOM % 10000)))
configure "$PORT"
store </dev/null >>"$DIR/out" 2>&1 || { tail -5 "$DIR/out" >&2; exit 1; }
daemon radosgw -n client.rgw
GATEWAY=$!
until answers "$PORT"; do
    kill -0 "$GATEWAY" || { tail -5 "$DIR/out" >&2; exit 1; }
    sleep 0.1
done
echo "127.0.0.1:$PORT hindsight $SECRET"
cat >/dev/null
