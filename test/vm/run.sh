#!/bin/sh
# Runs a command on stock Debian 12 (its own kernel, systemd, cgroup version 2) in a virtual machine that has no way out.
#   test/vm/run.sh [--user] [COMMAND...]      --user: as an ordinary user, else as root. In a copy of this checkout.
# Debian packages: qemu-system-x86 mmdebstrap e2fsprogs openssh-client. Takes root, for the image. What it makes is kept
# in $CLUSTERIP_VM (default ~/.cache/clusterip-vm): remove that to have it made anew.
set -eu
vm=${CLUSTERIP_VM:-$HOME/.cache/clusterip-vm}
port=${CLUSTERIP_VM_PORT:-10122}
source=$(readlink -f "$(dirname "$0")/../..")
user=root
if [ "${1:-}" = --user ]; then user=dev; shift; fi

packages=systemd-sysv,dbus-user-session,libpam-systemd,linux-image-cloud-amd64,openssh-server,udev,kmod,procps,iproute2
packages=$packages,nftables,iptables,conntrack,curl,python3,busybox-static,uidmap,passt,docker-registry,skopeo,dnsutils

make_image() {
  root=$vm/root
  mmdebstrap --variant=minbase --include="$packages" bookworm "$root"
  ssh-keygen -q -t ed25519 -N '' -f "$vm/key"
  chroot "$root" useradd --create-home --shell /bin/bash dev
  for home in root home/dev; do
    mkdir -p "$root/$home/.ssh"
    cp "$vm/key.pub" "$root/$home/.ssh/authorized_keys"
  done
  chroot "$root" chown -R dev:dev /home/dev
  printf '[Match]\nName=en*\n[Network]\nDHCP=ipv4\n' > "$root/etc/systemd/network/20-wire.network"
  chroot "$root" systemctl -q enable systemd-networkd ssh
  echo '/dev/vda / ext4 rw,noatime 0 1' > "$root/etc/fstab"
  echo vm > "$root/etc/hostname"
  echo '127.0.0.1 localhost vm' > "$root/etc/hosts"
  ! command -v kubectl > /dev/null || cp "$(command -v kubectl)" "$root/usr/local/bin/"
  cp "$root"/boot/vmlinuz-* "$vm/kernel"
  cp "$root"/boot/initrd.img-* "$vm/initrd"
  truncate -s 8G "$vm/disk.new"
  mkfs.ext4 -q -d "$root" "$vm/disk.new"
  mv "$vm/disk.new" "$vm/disk"
  rm -rf "$root"
}

enter() {
  who=$1
  shift
  ssh -q -i "$vm/key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=5 -p "$port" \
    "$who@127.0.0.1" "$@"
}

mkdir -p "$vm"
[ -f "$vm/disk" ] || make_image
# Emulated where the machine's own virtualisation does not run a stock kernel (CLUSTERIP_VM_ACCEL=kvm is much faster).
# restrict=on: nothing leads out of it but the way in for ssh.
qemu-system-x86_64 -accel "${CLUSTERIP_VM_ACCEL:-tcg,thread=multi}" -cpu max -smp 2 -m 3072 -display none -no-reboot \
  -kernel "$vm/kernel" -initrd "$vm/initrd" -append 'root=/dev/vda rw console=ttyS0' -serial "file:$vm/console" \
  -drive "file=$vm/disk,if=virtio,format=raw,cache=unsafe,snapshot=on" -monitor none \
  -netdev "user,id=wire,restrict=on,hostfwd=tcp:127.0.0.1:$port-:22" -device virtio-net-pci,netdev=wire &
machine=$!
trap 'kill $machine 2>/dev/null' EXIT
for _ in $(seq 100); do
  sleep 2
  kill -0 $machine
  ! timeout 10 ssh-keyscan -p "$port" 127.0.0.1 2> /dev/null | grep -q ssh || break
done
tar -C "$source" -c --exclude=.git . | enter root 'mkdir /opt/clusterip && tar -C /opt/clusterip -x && chown -R dev /opt/clusterip'
enter $user "cd /opt/clusterip && export CLUSTERIP_EGRESS=none && ${*:-bash -l}"
