#!/bin/bash
# What the official one does for MONGO_INITDB_ROOT_USERNAME, MONGO_INITDB_ROOT_PASSWORD and their
# _FILE twins.
set -euo pipefail
case $1 in -*) set -- mongod "$@" ;; esac

if [ "$1" = mongod ] && [ "$(id -u)" = 0 ]; then
  chown --recursive mongodb /data/configdb /data/db
  exec setpriv --reuid mongodb --regid mongodb --init-groups "$0" "$@"
fi

if [ "$1" = mongod ]; then
  for name in MONGO_INITDB_ROOT_USERNAME MONGO_INITDB_ROOT_PASSWORD; do
    file=${name}_FILE
    [ -z "${!file:-}" ] || export "$name=$(<"${!file}")"
  done
  if [ -n "${MONGO_INITDB_ROOT_USERNAME:-}" ] && [ -n "${MONGO_INITDB_ROOT_PASSWORD:-}" ]; then
    set -- "$@" --auth
    if [ ! -e /data/db/WiredTiger ]; then
      mongod --bind_ip 127.0.0.1 >/dev/null 2>&1 &
      /opt/secantus/bin/python - <<'PYTHON'
import os
import pymongo

client = pymongo.MongoClient("mongodb://127.0.0.1", serverSelectionTimeoutMS=60_000)
client.admin.command(
    "createUser",
    os.environ["MONGO_INITDB_ROOT_USERNAME"],
    pwd=os.environ["MONGO_INITDB_ROOT_PASSWORD"],
    roles=[{"role": "root", "db": "admin"}],
)
PYTHON
      kill "$!" && wait "$!" || true
    fi
  fi
  unset MONGO_INITDB_ROOT_USERNAME MONGO_INITDB_ROOT_PASSWORD
fi
exec "$@"
