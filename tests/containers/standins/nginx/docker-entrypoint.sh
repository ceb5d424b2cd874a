#!/bin/sh
# The official one runs the scripts of /docker-entrypoint.d, none of which a generated file needs.
exec "$@"
