#!/usr/bin/env bash
# Checks with annotations, shows the same as text in the step's summary, and ends as the check did. ARGUMENTS are more arguments.
set -uo pipefail
read -r -a arguments <<<"${ARGUMENTS:-}"
status=0
cargo-tgen check --format github ${arguments[@]+"${arguments[@]}"} || status=$?
{
  echo "### cargo-tgen check"
  echo
  echo '```text'
  # A summary may have 1 MiB; nobody reads that much.
  NO_COLOR=1 cargo-tgen check ${arguments[@]+"${arguments[@]}"} 2>&1 | head -c 60000
  echo '```'
} >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
exit "$status"
