#!/bin/sh
# Makes the Debian image that the Dockerfiles cut test images from, without any registry.
# As root: sh base.sh TAG SUITE
set -eu

case $2 in
bookworm) packages=busybox-static,postgresql,postgresql-contrib,python3-minimal,libpython3-stdlib,sqlite3,zstd ;;
*) packages=postgresql,sqlite3,zstd ;;
esac

tree=$(mktemp -d /var/tmp/holdfast-test.XXXXXX)
# A failed debootstrap may leave /proc mounted in the tree.
trap 'rm -rf --one-file-system "$tree"' EXIT
trap 'exit 1' HUP INT TERM

debootstrap --variant=minbase --include="$packages" "$2" "$tree" http://deb.debian.org/debian

# Half of the tree is never used: packages, documents, translations, and LLVM for PostgreSQL's JIT.
tar -C "$tree" -c \
  --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' --exclude='./usr/share/doc/*' \
  --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
  --exclude='libLLVM*' --exclude='libz3*' --exclude='llvmjit*' --exclude='*/bitcode' . |
  docker import - "$1"
