#!/bin/sh
# DuckDB 2.0.1: the version in the header of a new database file is 999, not the next number after 68, and whatever later
# release the file needs, the number does not say it.
#
# The header has the storage version as a number at byte 12, and releases 1.0 to 1.5 count it up: 64, 65, ... 68. A reader
# that compares the number with the largest one it knows gets "newer", and nothing that it could show to a user: the
# release stands as text at byte 52 ("v2.0.1"). Two more things follow:
# - With `storage_compatibility_version` = `v1.5.0` the same DuckDB writes 68 with "v2.0.1" as text, and 1.5.6 reads it.
#   So the text is the release that made the file, not the one that is needed to read it; the number decides that.
# - An older file keeps number and text when 2.0.1 writes to it.
#
# Seen with the Python packages duckdb 1.5.6 and 2.0.1:
#   made by 2.0.1: 999 v2.0.1, 1.5.6: cannot read
#   made by 2.0.1 for v1.5.0: 68 v2.0.1, 1.5.6: reads
#   made by 1.5.6, then written by 2.0.1: 64 v1.5.6, 1.5.6: reads
#
# Needs python3 with venv, and PyPI. Ends with an error if the behaviour changes.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for version in 1.5.6 2.0.1; do
    python3 -m venv "$version"
    "$version/bin/pip" --quiet --disable-pip-version-check install "duckdb==$version"
done

cat > run.py <<'PYTHON'
"""Runs a statement on a database: run.py FILE STATEMENT [COMPATIBILITY]"""
import sys

import duckdb

file, statement, *compatibility = sys.argv[1:]
config = {"storage_compatibility_version": compatibility[0]} if compatibility else {}
duckdb.connect(file, config=config).execute(statement)
PYTHON

check() { # FILE TITLE EXPECTED
    header=$(python3 -c "
header = open('$1', 'rb').read(64)
print(int.from_bytes(header[12:20], 'little'), header[52:64].rstrip(b'\0').decode())")
    if 1.5.6/bin/python run.py "$1" "FROM t" 2>/dev/null; then reads="reads"; else reads="cannot read"; fi
    echo "$2: $header, 1.5.6: $reads"
    [ "$header, $reads" = "$3" ] || { echo "changed: expected $3" >&2; exit 1; }
}

2.0.1/bin/python run.py new.db "CREATE TABLE t AS SELECT 1 AS x"
check new.db "made by 2.0.1" "999 v2.0.1, cannot read"
2.0.1/bin/python run.py compatible.db "CREATE TABLE t AS SELECT 1 AS x" v1.5.0
check compatible.db "made by 2.0.1 for v1.5.0" "68 v2.0.1, reads"
1.5.6/bin/python run.py old.db "CREATE TABLE t AS SELECT 1 AS x"
2.0.1/bin/python run.py old.db "INSERT INTO t VALUES (2)"
check old.db "made by 1.5.6, then written by 2.0.1" "64 v1.5.6, reads"
