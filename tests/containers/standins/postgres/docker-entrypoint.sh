#!/bin/bash
# What the official one does for POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB and their _FILE twins.
set -euo pipefail

if [ "$1" = postgres ] && [ "$(id -u)" = 0 ]; then
  install --directory --owner postgres --mode 700 "$PGDATA"
  chown --recursive postgres "$PGDATA"
  exec setpriv --reuid postgres --regid postgres --init-groups "$0" "$@"
fi

if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
  for name in POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB; do
    file=${name}_FILE
    [ -z "${!file:-}" ] || printf -v "$name" %s "$(<"${!file}")"
  done
  if [ -z "${POSTGRES_PASSWORD:-}" ]; then
    echo "Error: Database is uninitialized and superuser password is not specified." >&2
    exit 1
  fi
  user=${POSTGRES_USER:-postgres} database=${POSTGRES_DB:-${POSTGRES_USER:-postgres}}
  mkdir -p "$PGDATA" && chmod 700 "$PGDATA"
  initdb --username="$user" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") >/dev/null
  printf 'host all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
  printf "listen_addresses = '*'\n" >>"$PGDATA/postgresql.conf"
  # Like there, a first server without TCP makes the database: a check must ask by TCP.
  pg_ctl -w start -o "-c listen_addresses=''" >/dev/null
  [ "$database" = postgres ] || createdb --username="$user" "$database"
  pg_ctl -w -m fast stop >/dev/null
fi
exec "$@"
