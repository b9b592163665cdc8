#!/usr/bin/env bash
# Gives the active rustc a standard library for wasm32-unknown-unknown without rustup's server:
# takes the matching source from Debian's package rust-src, builds it as rustc's own build does,
# and puts the rlibs where rustc looks for them. Plain `cargo build --target …` works afterwards.
# Needs cargo and rustc, apt-get with dpkg-deb, and the crate registry. RUST_SRC_DEB=FILE spares the download.
# It always builds: the caller knows whether that is needed.
set -euo pipefail

TARGET=wasm32-unknown-unknown
SYSROOT=$(rustc --print sysroot)
RUSTC=$SYSROOT/bin/rustc CARGO=$SYSROOT/bin/cargo
VERBOSE=$("$RUSTC" -vV)            # kept whole: `| head -1` would break the pipe under pipefail
VERSION=$(sed -n 's/^release: //p' <<<"$VERBOSE")
HASH=$(sed -n 's/^commit-hash: //p' <<<"$VERBOSE")
DEST=$SYSROOT/lib/rustlib/$TARGET

exec 9>"$SYSROOT/.wasm-std.lock"; flock 9      # one at a time

WORK=$(mktemp -d "${TMPDIR:-/tmp}/wasm-std.XXXXXX"); trap 'rm -rf "$WORK"' EXIT

# The source, through apt with lists of its own: the system's stay as they are.
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
  unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET CARGO_BUILD_RUSTFLAGS RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER
  export RUSTC RUSTC_BOOTSTRAP=1 __CARGO_DEFAULT_LIB_METADATA=stablestd
  export CARGO_TARGET_DIR="$WORK/target" CARGO_PROFILE_RELEASE_DEBUG=0 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1
  export RUSTFLAGS="-Zforce-unstable-if-unmarked -Cembed-bitcode=yes --remap-path-prefix=$PWD=/rustc/$HASH/library"
  "$CARGO" build --quiet --locked --release -p sysroot --target $TARGET \
    --features "panic-unwind backtrace compiler-builtins-mem"
)

# Two sets of rlibs side by side would stop rustc: rustup's own goes, if it is there, and so does an older one.
if [ -f "$SYSROOT/lib/rustlib/manifest-rust-std-$TARGET" ]; then rustup target remove $TARGET || true; fi
rm -rf "$DEST.new"; mkdir -p "$DEST.new/lib"
cp "$WORK/target/$TARGET/release/deps/"*.rlib "$DEST.new/lib/"
echo "${VERBOSE%%$'\n'*}" >"$DEST.new/.built-from-source"
rm -rf "$DEST"; mv "$DEST.new" "$DEST"
echo "wasm-std: $TARGET is installed for rustc $VERSION" >&2
