#!/usr/bin/env bash
# Checks with annotations and a step summary, and ends as the check did. ARGUMENTS are more arguments.
set -uo pipefail
read -r -a arguments <<<"${ARGUMENTS:-}"
exec cargo-tgen check --format github ${arguments[@]+"${arguments[@]}"}
