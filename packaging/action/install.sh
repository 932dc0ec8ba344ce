#!/usr/bin/env bash
# Installs cargo-tgen VERSION into an environment of its own in FOLDER, unless a cache brought it, and prints its folder of programs.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
python=$(command -v python3 || command -v python)

programs() {
  if [[ -d $FOLDER/Scripts ]]; then echo "$FOLDER/Scripts"; else echo "$FOLDER/bin"; fi
}

install() {
  "$(programs)/python" -m pip install --quiet --disable-pip-version-check "$@" >&2
}

# An environment that cannot run is one of another machine, or was cut short.
if ! "$(programs)/cargo-tgen" --version >&2 2>/dev/null; then
  rm -rf "$FOLDER"
  "$python" -m venv "$FOLDER"
  if ! install --only-binary :all: "cargo-tgen==$VERSION"; then
    echo "::notice title=cargo-tgen::no wheel of version $VERSION for this machine; building it from source" >&2
    install "$here"
  fi
  "$(programs)/cargo-tgen" --version >&2
fi
programs
