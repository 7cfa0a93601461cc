#!/bin/sh
# What the entrypoint of the official postgres image does with POSTGRES_USER, POSTGRES_PASSWORD and
# POSTGRES_DB, with one difference: TCP asks for the password on the loopback address too.
set -eu

case ${1-} in
  postgres | -*) ;;
  *) exec "$@" ;;
esac
[ "$1" != postgres ] || shift

if [ "$(id -u)" = 0 ]; then
  chown postgres: "$PGDATA"
  exec /usr/local/bin/setpriv --reuid=postgres --regid=postgres --init-groups sh "$0" postgres "$@"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  user=${POSTGRES_USER:-postgres}
  database=${POSTGRES_DB:-$user}
  printf '%s\n' "${POSTGRES_PASSWORD:?}" >/tmp/password
  initdb --no-sync --username="$user" --pwfile=/tmp/password \
    --auth-local=trust --auth-host=scram-sha-256
  rm /tmp/password
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  if [ "$database" != postgres ]; then
    printf 'CREATE DATABASE "%s"\n' "$(printf %s "$database" | sed 's/"/""/g')" |
      postgres --single -D "$PGDATA" postgres
  fi
fi
exec postgres -c listen_addresses='*' -c fsync=off "$@"
