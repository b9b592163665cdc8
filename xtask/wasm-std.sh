#!/usr/bin/env bash
# usage: wasm-std.sh FOLDER
# Builds the standard library for wasm32-unknown-unknown without rustup's server, and makes FOLDER a
# sysroot that holds it: `rustc --sysroot FOLDER --target wasm32-unknown-unknown` works afterwards. The
# toolchain itself stays as it is. The source is Debian's package rust-src of the active rustc's version,
# and it is built as rustc's own build does it.
# Needs cargo and rustc, apt-get with dpkg-deb, and crates.io. With RUST_SRC_DEB=FILE nothing is downloaded
# from Debian. It always builds: the caller knows whether that is needed.
set -euo pipefail

DEST=$1
TARGET=wasm32-unknown-unknown
SYSROOT=$(rustc --print sysroot)
RUSTC=$SYSROOT/bin/rustc CARGO=$SYSROOT/bin/cargo
DETAILS=$("$RUSTC" -vV)            # read once: `rustc | sed …q` would break the pipe under pipefail
VERSION=$(sed -n 's/^release: //p' <<<"$DETAILS")
HASH=$(sed -n 's/^commit-hash: //p' <<<"$DETAILS")
HOST=$(sed -n 's/^host: //p' <<<"$DETAILS")

mkdir -p "$(dirname "$DEST")"
exec 9>"$DEST.lock"; flock 9      # one at a time

WORK=$(mktemp -d "${TMPDIR:-/tmp}/wasm-std.XXXXXX"); trap 'rm -rf "$WORK"' EXIT

# Downloads the source by apt, with package lists of our own: the system's stay as they are.
fetch_source() {
  local base suite dir version
  # the Debian mirror that this machine already uses
  base=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 '/debian/$') ||
    { echo "wasm-std: apt knows no Debian mirror" >&2; return 1; }
  for suite in trixie-backports forky sid; do
    dir=$WORK/apt.$suite; mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $base $suite main" >"$dir/sources.list"
    local options=(-qq -o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=-
      -o Dir::State::lists="$dir/lists" -o Dir::Cache="$dir/cache" -o APT::Sandbox::User=root
      -o APT::Get::List-Cleanup=0 -o Acquire::Languages=none -o Acquire::Retries=3)
    apt-get "${options[@]}" update || continue
    version=$(apt-cache "${options[@]}" madison rust-src 2>/dev/null |
      awk -F'|' '{gsub(/ /, "", $2); print $2}' | grep -m1 -F "$VERSION+dfsg" || true)
    [ -n "$version" ] || continue
    echo "wasm-std: rust-src $version from Debian's $suite" >&2
    (cd "$WORK" && apt-get "${options[@]}" download "rust-src=$version") || continue
    return 0
  done
  echo "wasm-std: no rust-src $VERSION in Debian's trixie-backports, forky or sid" >&2; return 1
}
if [ -n "${RUST_SRC_DEB:-}" ]; then cp "$RUST_SRC_DEB" "$WORK/"; else fetch_source; fi
mkdir "$WORK/source"
dpkg-deb --fsys-tarfile "$WORK"/*.deb |
  tar -x -C "$WORK/source" --strip-components=4 "./usr/src/rustc-$VERSION/library"
rm -f "$WORK"/*.deb

(
  cd "$WORK/source/library"
  unset CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER
  export RUSTC RUSTC_BOOTSTRAP=1 __CARGO_DEFAULT_LIB_METADATA=stablestd
  export CARGO_TARGET_DIR="$WORK/target" CARGO_PROFILE_RELEASE_DEBUG=0 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1
  export RUSTFLAGS="-Zforce-unstable-if-unmarked -Cembed-bitcode=yes --remap-path-prefix=$PWD=/rustc/$HASH/library"
  "$CARGO" build --quiet --locked --release -p sysroot --target $TARGET \
    --features "panic-unwind backtrace compiler-builtins-mem"
)

# The host's library and tools belong to a sysroot, too: RUSTFLAGS apply to build scripts as well where
# cargo is given no target, and the linker is among the tools.
rm -rf "$DEST.new"; mkdir -p "$DEST.new/lib/rustlib/$TARGET/lib"
cp "$WORK/target/$TARGET/release/deps/"*.rlib "$DEST.new/lib/rustlib/$TARGET/lib/"
ln -s "$SYSROOT/lib/rustlib/$HOST" "$DEST.new/lib/rustlib/$HOST"
rm -rf "$DEST"; mv "$DEST.new" "$DEST"
echo "wasm-std: the standard library of rustc $VERSION for $TARGET is in $DEST" >&2
