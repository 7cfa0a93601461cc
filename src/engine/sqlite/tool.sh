#!/bin/sh
# shellcheck disable=SC2154 # the script that this one stands before sets $tool and $program
# The three tools behind one command; $tool names the one to use, $program is its text where it needs one.
#
#   tool version           its name and version, then the version of its SQLite library; fails when it is no use
#   tool ask URI SQL…      the first column of every row
#   tool copy URI FILE     copies the database as one transaction sees it
#   tool count URI SQL     `["TABLE",ROWS]` for each table that SQL names, then `end`
#
# It replaces the shell that calls it, so call it in the background or in a subshell: `$!` is then the tool itself.

tool() {
  case $tool in
  sqlite3) "${1}_by_cli" "$@" ;;
  python3) exec python3 -I -c "$program" "$@" ;;
  node)
    # An application's NODE_OPTIONS would load its agents here.
    unset NODE_OPTIONS
    exec node --no-warnings --experimental-sqlite --input-type=module -e "$program" -- "$@"
    ;;
  esac
}

# A tool that was killed as the only one at the database, $file, leaves its -wal and -shm there; whoever closes the database
# properly removes them.
tidy() {
  [ ! -e "$file-shm" ] || (tool ask "$uri" 'PRAGMA schema_version') >/dev/null 2>&1
}

cli() {
  uri=$1
  shift
  exec sqlite3 -batch -bail -init /dev/null -cmd '.timeout 30000' "$uri" "$@"
}

version_by_cli() {
  version=$(sqlite3 -version) && printf 'sqlite3 %s\n%s\n' "${version%% *}" "${version%% *}"
}

ask_by_cli() {
  shift
  cli "$@"
}

# Within one read transaction the backup API neither gives its lock back between two steps nor starts again when
# somebody else writes (backup.c: bCloseTrans, sqlite3BackupRestart).
copy_by_cli() {
  cli "$2" BEGIN 'SELECT count(*) FROM sqlite_master' ".backup main '$3'" >/dev/null
}

# SQL that writes SQL. The names are made JSON by hand because older builds lack the JSON functions, and step by step
# because nested calls soon fill the stack of SQLite's parser.
count_by_cli() {
  last=0
  steps="s0(name, json) AS (
    SELECT name, replace(replace(name, '\\', '\\\\'), '\"', '\\\"') FROM ($3))"
  for code in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 8232 8233; do
    escape=$(printf '\\u%04x' "$code")
    steps="$steps, s$code AS (SELECT name, replace(json, char($code), '$escape') AS json FROM s$last)"
    last=$code
  done
  counts="WITH $steps SELECT 'SELECT ' || quote('[\"' || json || '\",') || ' || count(*) || '']'' FROM \"'
    || replace(name, '\"', '\"\"') || '\";' FROM s$last UNION ALL SELECT 'SELECT ''end'';'"
  (cli "$2" "$counts") >count.sql && cli "$2" <count.sql
}

# The URI that opens exactly this file and never creates it. Every byte is escaped, so that none means anything; the
# dot behind them shows that none is missing.
uri_of() {
  escaped=$(printf %s. "$1" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g')
  [ "${escaped%?%2e}" != "$escaped" ] && printf 'file:%s?mode=rw' "${escaped%"%2e"}"
}
