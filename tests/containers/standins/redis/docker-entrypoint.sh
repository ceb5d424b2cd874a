#!/bin/sh
set -e
case $1 in
  -* | *.conf) set -- redis-server "$@" ;;
esac
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
  chown -R redis /data
  exec setpriv --reuid redis --regid redis --init-groups "$0" "$@"
fi
# The official build is patched to be without this mode, the sense of which a container has lost:
# https://github.com/redis/docker-library-redis/blob/master/7.4/debian/Dockerfile
if [ "$1" = redis-server ]; then
  exec "$@" --protected-mode no
fi
exec "$@"
