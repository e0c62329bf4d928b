"""Makes equality searches fast in FerretDB, which pushes them down to PostgreSQL but brings no index that serves them.

A migration names the fields that are searched by equality:

    {"collections": [{"name": "changes", "indexes": [...], "equality": ["_id", "op_id", "bucket"]}]}

and for each of them PostgreSQL gets an expression index on the table that holds the collection. Measured on 60,000
documents: finding one by `_id` takes 0.8 ms instead of 26 ms. MongoDB itself needs none of this.
"""

import hashlib
import json
import re

from chatdev.complaint import Complaint
from chatdev.components.postgres import sql
from chatdev.paths import REPOSITORY
from chatdev.services import SERVICES

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
LONGEST_INDEX_NAME = 63  # PostgreSQL cuts what is longer, and then two names may become one


def create_all(stack):
    """For every service with MongoDB migrations. Safe to repeat. Returns how many indexes there are."""
    return sum(create(stack, service.name, service.database) for service in SERVICES)


def create(stack, service_name, database):
    """The indexes of one service in one database (tests have databases of their own)."""
    fields = equality_fields(service_name)
    if not fields:
        return 0
    tables = _tables(stack, database)
    statements = []
    for collection, names in fields.items():
        if collection not in tables:
            raise Complaint(f"{service_name}'s migrations name the collection {collection}, but {database} has none")
        statements += [_statement(database, tables[collection], name) for name in names]
    sql(stack, "ferretdb", ";".join(statements))
    return len(statements)


def equality_fields(service_name):
    """{collection: [field, ...]} over all its migrations, each field once."""
    fields = {}
    for file in sorted((REPOSITORY / service_name / "migrations").glob("*.json")):
        for collection in json.loads(file.read_text()).get("collections", []):
            known = fields.setdefault(collection["name"], [])
            known += [field for field in collection.get("equality", []) if field not in known]
    return {collection: names for collection, names in fields.items() if names}


def _tables(stack, database):
    """{collection: table}. FerretDB keeps a database in a schema of that name, and the list in a table there."""
    _require_name(database)
    schemas = sql(stack, "ferretdb", "SELECT nspname FROM pg_namespace").stdout.split()
    if database not in schemas:
        return {}
    rows = sql(stack, "ferretdb", f'SELECT _jsonb FROM "{database}"._ferretdb_database_metadata').stdout.splitlines()
    entries = [json.loads(row) for row in rows]
    return {entry["_id"]: entry["table"] for entry in entries}


def _statement(database, table, field):
    for name in (table, field):
        _require_name(name)
    index = f"equality_{table}_{field}"
    if len(index) > LONGEST_INDEX_NAME:
        index = "equality_" + hashlib.sha256(index.encode()).hexdigest()[:32]
    # fastupdate=off: otherwise readers wait for the list of pending entries (5 ms, measured). Documents without the
    # field are left out: inserting them costs nothing, and no equality finds them.
    return (
        f'CREATE INDEX IF NOT EXISTS "{index}" ON "{database}"."{table}" '
        f"USING gin ((_jsonb->'{field}') jsonb_path_ops) WITH (fastupdate=off) WHERE (_jsonb->'{field}') IS NOT NULL"
    )


def _require_name(name):
    """Names go into SQL as they are, so only harmless ones may."""
    if not NAME.fullmatch(name):
        raise Complaint(f"'{name}' can't be indexed: use letters, digits and _, and no path into a document")
