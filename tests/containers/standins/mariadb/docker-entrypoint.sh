#!/bin/bash
# What the official one does for MARIADB_{ROOT_PASSWORD,RANDOM_ROOT_PASSWORD,DATABASE,USER,PASSWORD},
# their MYSQL_ names and their _FILE twins.
set -euo pipefail
data=/var/lib/mysql

if [ "$1" = mariadbd ] && [ "$(id -u)" = 0 ]; then
  chown --recursive mysql "$data" /run/mysqld
  exec setpriv --reuid mysql --regid mysql --init-groups "$0" "$@"
fi

# In single quotes inside SQL.
quoted() { local text=${1//\\/\\\\}; printf "'%s'" "${text//\'/\'\'}"; }

if [ "$1" = mariadbd ] && [ ! -d "$data/mysql" ]; then
  for part in ROOT_PASSWORD RANDOM_ROOT_PASSWORD DATABASE USER PASSWORD; do
    declare "$part="
    for prefix in MYSQL MARIADB; do
      name=${prefix}_$part file=${prefix}_${part}_FILE
      [ -z "${!name:-}" ] || printf -v "$part" %s "${!name}"
      [ -z "${!file:-}" ] || printf -v "$part" %s "$(<"${!file}")"
    done
  done
  [ -z "$RANDOM_ROOT_PASSWORD" ] || ROOT_PASSWORD=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  if [ -z "$ROOT_PASSWORD" ]; then
    echo "[ERROR] [Entrypoint]: Database is uninitialized and password option is not specified" >&2
    exit 1
  fi
  mariadb-install-db --datadir="$data" --auth-root-authentication-method=normal \
    --skip-test-db >/dev/null
  health=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  {
    echo "FLUSH PRIVILEGES;"
    echo "ALTER USER 'root'@'localhost' IDENTIFIED BY $(quoted "$ROOT_PASSWORD");"
    echo "CREATE USER 'root'@'%' IDENTIFIED BY $(quoted "$ROOT_PASSWORD");"
    echo "GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;"
    for host in 127.0.0.1 ::1 localhost; do
      echo "CREATE USER 'healthcheck'@'$host' IDENTIFIED BY '$health';"
      echo "GRANT USAGE ON *.* TO 'healthcheck'@'$host';"
    done
    if [ -n "$DATABASE" ]; then echo "CREATE DATABASE \`$DATABASE\`;"; fi
    if [ -n "$USER" ]; then
      echo "CREATE USER $(quoted "$USER")@'%' IDENTIFIED BY $(quoted "$PASSWORD");"
      if [ -n "$DATABASE" ]; then
        echo "GRANT ALL ON \`${DATABASE//_/\\_}\`.* TO $(quoted "$USER")@'%';"
      fi
    fi
  } | mariadbd --bootstrap --datadir="$data" 2>/dev/null
  (umask 077 && printf '[mariadb-client]\nuser=healthcheck\npassword=%s\n' "$health" \
    >"$data/.my-healthcheck.cnf")
fi
exec "$@"
