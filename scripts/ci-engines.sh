#!/bin/bash
# Container engines for the tests of src/container, on Debian 12, as root. Each action may be repeated.
#   scripts/ci-engines.sh install   packages, from Debian alone
#   scripts/ci-engines.sh start     containerd (with CRI) and dockerd, and images made here of Debian's busybox
#   scripts/ci-engines.sh stop      ends what start started, and removes all its state
#   scripts/ci-engines.sh           install and start
# The names for NSFD_REQUIRE of what is then there: docker,containerd,cri,podman,lxc,nspawn
set -euo pipefail

STATE=/var/lib/nsfd-engines
RUN=/run/nsfd-engines
IMAGE=nsfd.local/busybox:1
# Whose containers are podman's rootless ones.
ORDINARY=nsfd-podman
PACKAGES=(docker.io containerd runc podman conmon passwd uidmap slirp4netns fuse-overlayfs lxc systemd-container
  containernetworking-plugins busybox-static iproute2 util-linux procps)

install() { "$(dirname "$0")/ci-packages.sh" "${PACKAGES[@]}"; }

start() {
  mkdir -p "$STATE" "$RUN"
  make_image
  start_containerd
  start_dockerd
  give_podman_the_image
  start_rootless_podman
  echo "Engines are up: docker, containerd, cri; podman, lxc and nspawn need no daemon."
}

# A file system of one program: busybox under all its names, and the users and directories that programs expect.
make_image() {
  if [ -f "$STATE/busybox.tar" ]; then return; fi
  local root="$STATE/rootfs"
  rm -rf "$root"
  mkdir -p "$root"/{bin,dev,etc,proc,sys,tmp,root,home/app,usr/bin,usr/sbin,sbin,var,run}
  cp /bin/busybox "$root/bin/busybox"
  for applet in $(/bin/busybox --list | grep -vx busybox); do ln -sf /bin/busybox "$root/bin/$applet"; done
  printf 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\n' >"$root/etc/passwd"
  printf 'root:x:0:\napp:x:1000:\nextra:x:2000:app\n' >"$root/etc/group"
  chmod 1777 "$root/tmp"
  tar -C "$root" -cf "$STATE/busybox.tar" .
}

start_containerd() {
  if running containerd && ctr version >/dev/null 2>&1; then return; fi
  mkdir -p "$STATE/cni" /etc/cni
  cat >"$STATE/cni/10-nsfd.conflist" <<CNI
{ "cniVersion": "0.4.0", "name": "nsfd", "plugins": [
  { "type": "ptp", "ipam": { "type": "host-local", "subnet": "10.253.77.0/24", "dataDir": "$STATE/cni-ipam" } } ] }
CNI
  cat >"$STATE/containerd.toml" <<TOML
version = 2
root = "$STATE/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "nsfd.local/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$STATE/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
TOML
  in_background containerd containerd --config "$STATE/containerd.toml"
  wait_for ctr version
  import_for_containerd
}

# `ctr image import` wants an archive of docker's or OCI's; this one is OCI's, with one layer.
import_for_containerd() {
  [ -f "$STATE/oci.tar" ] || make_oci_archive
  for namespace in default k8s.io; do
    ctr --namespace "$namespace" image import --no-unpack "$STATE/oci.tar" >/dev/null 2>&1 ||
      ctr --namespace "$namespace" image import "$STATE/oci.tar" >/dev/null
    ctr --namespace "$namespace" image tag --force "$IMAGE" nsfd.local/pause:1 >/dev/null
  done
}

make_oci_archive() {
  local oci="$STATE/oci" layer config manifest
  rm -rf "$oci" && mkdir -p "$oci/blobs/sha256"
  blob() { local sum; sum=$(sha256sum "$1" | cut -d' ' -f1); cp "$1" "$oci/blobs/sha256/$sum"; echo "$sum"; }
  size() { stat -c %s "$oci/blobs/sha256/$1"; }
  layer=$(blob "$STATE/busybox.tar")
  # Run as a pause image it must wait; containers name their own commands.
  cat >"$STATE/config.json" <<JSON
{"architecture":"$(dpkg --print-architecture)","os":"linux","config":{"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","IMAGE=nsfd"],"Entrypoint":["/bin/sleep","1000000"]},"rootfs":{"type":"layers","diff_ids":["sha256:$layer"]}}
JSON
  config=$(blob "$STATE/config.json")
  cat >"$STATE/manifest.json" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:$config","size":$(size "$config")},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:$layer","size":$(size "$layer")}]}
JSON
  manifest=$(blob "$STATE/manifest.json")
  cat >"$oci/index.json" <<JSON
{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:$manifest","size":$(size "$manifest"),"annotations":{"io.containerd.image.name":"$IMAGE","org.opencontainers.image.ref.name":"1"}}]}
JSON
  echo '{"imageLayoutVersion":"1.0.0"}' >"$oci/oci-layout"
  tar -C "$oci" -cf "$STATE/oci.tar" .
}

start_dockerd() {
  if running dockerd && /usr/bin/docker image inspect "$IMAGE" >/dev/null 2>&1; then return; fi
  # No firewall, no forwarding, and no bridge but those that tests make: nothing outside of the containers changes.
  in_background dockerd dockerd --iptables=false --ip6tables=false --bridge=none --ip-forward=false --userland-proxy=false \
    --containerd /run/containerd/containerd.sock --data-root "$STATE/docker" --exec-root "$RUN/docker" \
    --host unix:///var/run/docker.sock --pidfile "$RUN/docker-own.pid"
  wait_for /usr/bin/docker version
  /usr/bin/docker image inspect "$IMAGE" >/dev/null 2>&1 ||
    /usr/bin/docker import --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
      --change 'ENV IMAGE=nsfd' --change 'CMD ["sleep","1000000"]' "$STATE/busybox.tar" "$IMAGE" >/dev/null
}

give_podman_the_image() {
  podman image exists "$IMAGE" 2>/dev/null ||
    podman import --quiet --change 'ENV IMAGE=nsfd' --change 'CMD ["sleep","1000000"]' "$STATE/busybox.tar" "$IMAGE" >/dev/null
}

# A user with a range of ids, a home, and a runtime directory as a login would have made it.
start_rootless_podman() {
  id "$ORDINARY" >/dev/null 2>&1 || useradd --no-create-home --home-dir "$STATE/home" --shell /bin/sh "$ORDINARY"
  local uid
  uid=$(id -u "$ORDINARY")
  grep -q "^$ORDINARY:" /etc/subuid || usermod --add-subuids 3000000-3065535 --add-subgids 3000000-3065535 "$ORDINARY"
  command install -d -m 700 -o "$ORDINARY" -g "$ORDINARY" "$STATE/home" "/run/user/$uid"
  as_ordinary podman image exists "$IMAGE" 2>/dev/null ||
    as_ordinary podman import --quiet --change 'ENV IMAGE=nsfd' --change 'CMD ["sleep","1000000"]' - "$IMAGE" \
      <"$STATE/busybox.tar" >/dev/null 2>&1
}

as_ordinary() {
  (cd / && env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME="$STATE/home" \
    USER="$ORDINARY" LOGNAME="$ORDINARY" XDG_RUNTIME_DIR="/run/user/$(id -u "$ORDINARY")" \
    setpriv --reuid "$ORDINARY" --regid "$ORDINARY" --init-groups "$@")
}

stop_rootless_podman() {
  local uid
  uid=$(id -u "$ORDINARY" 2>/dev/null) || return 0
  as_ordinary podman rm --all --force --time 0 >/dev/null 2>&1 || true
  # Podman keeps a process that holds its user namespace.
  local left
  for _ in $(seq 50); do
    left=$(ps -u "$uid" -o pid=,stat= | awk '$2 !~ /^Z/ { print $1 }')
    [ -n "$left" ] || break
    echo "$left" | xargs kill 2>/dev/null || true
    sleep 0.1
  done
  userdel --force "$ORDINARY" # also where a zombie of it is not reaped yet
  rm -rf "/run/user/$uid"
}

in_background() {
  local name=$1
  shift
  setsid "$@" </dev/null >"$STATE/$name.log" 2>&1 &
  echo $! >"$RUN/$name.pid"
}

running() {
  [ -f "$RUN/$1.pid" ] && [ "$(cat "/proc/$(cat "$RUN/$1.pid")/comm" 2>/dev/null)" = "$1" ]
}

wait_for() {
  for _ in $(seq 300); do
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.1
  done
  echo "No answer from: $*" >&2
  tail -n 20 "$STATE"/*.log >&2
  exit 1
}

# Containers that tests have left go first: their shims outlive the daemons.
stop() {
  if running dockerd; then /usr/bin/docker ps --all --quiet | xargs -r /usr/bin/docker rm --force >/dev/null; fi
  if running containerd; then
    for namespace in default k8s.io moby; do
      for task in $(ctr --namespace "$namespace" task ls --quiet); do ctr --namespace "$namespace" task rm --force "$task"; done
    done
  fi
  if command -v podman >/dev/null; then podman image rm --force "$IMAGE" >/dev/null 2>&1 || true; fi
  stop_rootless_podman
  for name in dockerd containerd; do end "$name"; done
  { grep -oE " ($STATE|$RUN)[^ ]*" /proc/self/mounts || true; } | sort -r | xargs -r umount -l
  rm -rf "$STATE" "$RUN"
}

end() {
  if running "$1"; then
    local pid
    pid=$(cat "$RUN/$1.pid")
    kill "$pid"
    for _ in $(seq 200); do [ -d "/proc/$pid" ] || break; sleep 0.1; done
  fi
  rm -f "$RUN/$1.pid"
}

case "${1:-all}" in
  all) install; start ;;
  install | start | stop) "$1" ;;
  *) sed -n "2,7p" "$0" >&2; exit 2 ;;
esac
