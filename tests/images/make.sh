#!/bin/sh
# Make the images of this directory anew: see README.md for what each is.
# Needs qemu-utils, xorriso, gdisk and cryptsetup-bin; no root.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# A disk of 1 MiB with something to read on it, and the same with a GPT.
yes 'This disk is a test of Hindsight.' | head -c 65536 > plain.raw
truncate -s 1M plain.raw
truncate -s 1M gpt.raw
sgdisk --set-alignment=1 --new=1:64:1024 gpt.raw > /dev/null

convert() {
    qemu-img convert -q -f raw -O "$1" ${3:+-o "$3"} plain.raw "$2"
}
convert qcow2 v3.qcow2 compat=1.1
convert qcow2 v2.qcow2 compat=0.10
convert qcow2 lazy.qcow2 lazy_refcounts=on
convert qed plain.qed
convert vdi plain.vdi
convert vpc dynamic.vhd subformat=dynamic
convert vpc fixed.vhd subformat=fixed,force_size=on
convert vhdx plain.vhdx
convert vmdk sparse.vmdk subformat=monolithicSparse
convert vmdk stream.vmdk subformat=streamOptimized

qemu-img create -q -f qcow2 -b plain.raw -F raw backing.qcow2
qemu-img create -q -f qcow2 -o data_file=data.raw datafile.qcow2 1M
qemu-img create -q -f vmdk -o subformat=monolithicFlat flat.vmdk 1M # a text that names flat-flat.vmdk

# LUKS keeps about 2 MiB of random key material, of which nobody here looks at more than the start.
qemu-img create -q -f luks --object secret,id=key,data=secret -o key-secret=key,iter-time=10 l1 64K
truncate -s 20M l2
printf secret | cryptsetup luksFormat --batch-mode --type luks2 \
    --pbkdf pbkdf2 --pbkdf-force-iterations 1000 l2 -
head -c 4096 l1 > v1.luks
head -c 4096 l2 > v2.luks

mkdir tree
echo 'Hindsight' > tree/README
xorriso -as mkisofs -quiet -V HINDSIGHT -o plain.iso tree 2> /dev/null
# A boot sector makes it a hybrid: a CD, and a disk with a GPT and a protective MBR in front.
truncate -s 64K efi.img
xorriso -as mkisofs -quiet -V HINDSIGHT -append_partition 2 0xef efi.img -appended_part_as_gpt \
    -o hybrid.iso tree 2> /dev/null

for image in *.raw *.qcow2 *.qed *.vdi *.vhd *.vhdx *.vmdk *.luks *.iso; do
    gzip -9 -n -c "$image" > "$here/$image.gz"
done
rm -f "$here/data.raw.gz" "$here/flat-flat.vmdk.gz"
