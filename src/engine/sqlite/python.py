# What `tool` in tool.sh does when the tool is python3 (3.7 or newer).
import json
import sqlite3
import sys
from contextlib import closing


def connect(uri):
    return closing(sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None))


def version():
    sqlite3.Connection.backup
    print("python3 %d.%d.%d sqlite %s" % (*sys.version_info[:3], sqlite3.sqlite_version))
    print(sqlite3.sqlite_version)


def ask(uri, *statements):
    with connect(uri) as database:
        for statement in statements:
            for row in database.execute(statement):
                print(row[0])


def copy(uri, file):
    with connect(uri) as source, closing(sqlite3.connect(file)) as target:
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        source.backup(target, pages=-1)


def count(uri, tables):
    with connect(uri) as database:
        for (name,) in database.execute(tables).fetchall():
            quoted = name.replace('"', '""')
            (rows,) = database.execute('SELECT count(*) FROM "%s"' % quoted).fetchone()
            print(json.dumps([name, rows]))
    print("end")


try:
    {"version": version, "ask": ask, "copy": copy, "count": count}[sys.argv[1]](*sys.argv[2:])
except sqlite3.Error as error:
    sys.exit(str(error))
