"""Read a JUnit file as others do: by the schema of Jenkins's xUnit plugin, and with junitparser.

python check_junit.py SCHEMA FILE
"""

import sys

import junitparser
from lxml import etree

schema_path, path = sys.argv[1:]
schema = etree.XMLSchema(etree.parse(schema_path))
document = etree.parse(path, etree.XMLParser(huge_tree=True))
if not schema.validate(document):
    sys.exit("\n".join(str(error) for error in list(schema.error_log)[:10]))
suites = junitparser.JUnitXml.fromfile(path)
cases = sum(len(list(suite)) for suite in suites)
if cases == 0 or cases != suites.tests:
    sys.exit(f"junitparser reads {cases} tests, and the file says {suites.tests}")
print(f"junit: {cases} tests, {suites.failures} failures, {suites.errors} errors")
