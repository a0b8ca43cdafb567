"""Judges JSON documents by a JSON Schema with an independent validator.

usage: validate.py SCHEMA < DOCUMENTS > VERDICTS     one document a line in, "valid" or "refused" a line out
"""
import json
import sys

import jsonschema

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
for line in sys.stdin:
    print("valid" if validator.is_valid(json.loads(line)) else "refused")
