#!/usr/bin/env python3
"""The plan of `benches/store.rs` written by DuckDB's own Python package: what there is to compare with.

    cargo bench --bench store --no-default-features --features store
    python3 -m venv .venv-bench && .venv-bench/bin/pip install duckdb pyarrow
    .venv-bench/bin/python benches/store_peer.py

The same million tests into the same tables, twice: as a script would that makes each row and hands batches of rows over as Arrow
tables, which is the fastest way that the package has, and row by row with `executemany`, which is what most scripts do
(10,000 rows of it, since a million would take many minutes). It measures, it does not judge.
"""

import pathlib
import re
import tempfile
import time
import uuid

import duckdb
import pyarrow

TESTS = 1_000_000
BATCH = 20_000
BATCH_SIZES = 6
LINES = 20
COLUMNS = [
    "plan_id", "position", "test_id", "model_name", "model_family", "hardware_type", "batch_size", "test_content",
    "test_type", "priority", "min_memory_gb", "test_timeout_seconds", "template_name", "template_version",
]  # fmt: skip


def main():
    with tempfile.TemporaryDirectory() as folder:
        timed(f"store {TESTS:,} planned tests, as Arrow tables of {BATCH:,}", lambda: by_arrow(f"{folder}/arrow.duckdb"))
        rows = 10_000
        timed(f"store {rows:,} planned tests with `executemany`", lambda: by_rows(f"{folder}/rows.duckdb", rows))


def timed(what, work):
    start = time.perf_counter()
    work()
    print(f"{(time.perf_counter() - start) * 1000:10.1f} ms  {what}")


def database(path):
    """The tables of the template database, with one plan."""
    schema = pathlib.Path(__file__).parents[1] / "src/store/schema.rs"
    statements = re.search(r'const TEMPLATES_AND_PLANS: &str = "(.*?)";', schema.read_text(), re.DOTALL)[1]
    connection = duckdb.connect(path, config={"storage_compatibility_version": "v1.2.0"})
    connection.execute(statements)
    connection.execute("INSERT INTO plans VALUES (1, 'peer', now()::TIMESTAMP, 'peer', true)")
    return connection


def row(number):
    model, batch_size = number // BATCH_SIZES, number % BATCH_SIZES + 1
    line = f"def test_model_{model}_batch_{batch_size}(): assert run({model}, {batch_size}).shape[0] == {batch_size}\n"
    test_id = str(uuid.UUID(int=0x5BD1_E995_9E37_79B9_7F4A_7C15 * (number + 1)))
    return (
        1, number, test_id, f"model-{model}", "text_embedding", "cuda", batch_size, line * LINES,
        "template", 5, 1.5, 600, "text", 1,
    )  # fmt: skip


def dependencies(tests):
    return [(1, number, number - 1) for number in range(tests) if number % BATCH_SIZES]


def by_arrow(path):
    connection = database(path)
    connection.begin()
    for first in range(0, TESTS, BATCH):
        columns = zip(*(row(number) for number in range(first, first + BATCH)), strict=True)
        batch = pyarrow.table(list(map(pyarrow.array, columns)), names=COLUMNS)
        connection.register("batch", batch)
        connection.execute("INSERT INTO planned_tests SELECT * FROM batch")
    columns = zip(*dependencies(TESTS), strict=True)
    connection.register("batch", pyarrow.table(list(map(pyarrow.array, columns)), names=["a", "b", "c"]))
    connection.execute("INSERT INTO dependencies SELECT * FROM batch")
    connection.commit()
    connection.close()


def by_rows(path, tests):
    connection = database(path)
    connection.begin()
    connection.executemany(f"INSERT INTO planned_tests VALUES ({', '.join('?' * len(COLUMNS))})", map(list, map(row, range(tests))))
    connection.executemany("INSERT INTO dependencies VALUES (?, ?, ?)", dependencies(tests))
    connection.commit()
    connection.close()


if __name__ == "__main__":
    main()
