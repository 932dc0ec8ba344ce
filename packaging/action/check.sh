#!/usr/bin/env bash
# Checks with annotations and a summary of the step, and ends as the check does. ARGUMENTS are more arguments.
set -euo pipefail
read -r -a arguments <<<"${ARGUMENTS:-}"
exec cargo-tgen check --format github ${arguments[@]+"${arguments[@]}"}
