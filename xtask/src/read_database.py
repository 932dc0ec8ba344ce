"""Answers each question in SQL with DuckDB's own Python package, as JSON: python read_database.py FILE SQL..."""

import json
import sys

import duckdb

file, *questions = sys.argv[1:]
with duckdb.connect(file, read_only=True) as database:
    for question in questions:
        answer = database.execute(question)
        names = [column[0] for column in answer.description]
        print(json.dumps([dict(zip(names, row, strict=True)) for row in answer.fetchall()]))
