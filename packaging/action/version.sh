#!/usr/bin/env bash
# Prints which version to install, and the folder for it, as outputs of a step. VERSION is the one that was asked for, or empty.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
version=${VERSION:-$(sed -n 's/^version = "\(.*\)"$/\1/p' "$here/Cargo.toml" | head -n 1)}
if [[ ! $version =~ ^[0-9A-Za-z.+-]+$ ]]; then
  echo "::error title=cargo-tgen::\`$version\` is not a version" >&2
  exit 2
fi
echo "version=$version"
echo "folder=${RUNNER_TOOL_CACHE:-$HOME/.cache}/cargo-tgen/$version"
