"""What stands in front of an application server: one nginx.conf for all peers, one Caddyfile."""

from __future__ import annotations

import os
import resource

from benchmarks.tables.contenders import CLOSE, KEEP, UWSGI_PROTOCOL

# As a person writes it who knows Nginx and wants speed: nothing in it that the table does not need.
NGINX = """\
daemon off;
worker_processes 1;
pid {run}/nginx.pid;
error_log {run}/nginx-error.log error;
worker_rlimit_nofile {descriptors};
{user}
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    client_body_temp_path {run}/t1; proxy_temp_path {run}/t2; fastcgi_temp_path {run}/t3;
    uwsgi_temp_path {run}/t4; scgi_temp_path {run}/t5;
    default_type application/octet-stream;
    client_max_body_size 200m;
    sendfile on;
    tcp_nopush on;
    open_file_cache max=1000 inactive=60s;
    keepalive_requests 100000;
    upstream app {{ server unix:{socket} max_fails=0; {keep} }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location /static/ {{ root {app}; }}
        location / {{
{way}
        }}
    }}
}}
"""
_PROXY = """\
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_set_header Connection {connection};
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;"""
# The file of parameters that Nginx ships, without what a trivial page never reads.
_UWSGI = """\
            uwsgi_pass app;
            uwsgi_param QUERY_STRING $query_string;
            uwsgi_param REQUEST_METHOD $request_method;
            uwsgi_param CONTENT_TYPE $content_type;
            uwsgi_param CONTENT_LENGTH $content_length;
            uwsgi_param REQUEST_URI $request_uri;
            uwsgi_param PATH_INFO $document_uri;
            uwsgi_param SERVER_PROTOCOL $server_protocol;
            uwsgi_param REQUEST_SCHEME $scheme;
            uwsgi_param REMOTE_ADDR $remote_addr;
            uwsgi_param REMOTE_PORT $remote_port;
            uwsgi_param SERVER_PORT $server_port;
            uwsgi_param SERVER_NAME $server_name;"""
WAYS = {
    CLOSE: _PROXY.format(connection="close"),
    KEEP: _PROXY.format(connection='""'),
    UWSGI_PROTOCOL: _UWSGI,
}

CADDY = """\
{{
    admin off
    auto_https off
    persist_config off
}}
http://:{port} {{
    bind 127.0.0.1
    handle_path /static/* {{
        root * {app}/static
        file_server
    }}
    handle {{
        reverse_proxy unix/{socket}
    }}
}}
"""


def nginx_conf(upstream: str, *, run: str, app: str, socket: str, port: int) -> str:
    """Return the configuration for one contender."""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return NGINX.format(
        run=run,
        app=app,
        socket=socket,
        port=port,
        descriptors=descriptors,
        connections=min(16384, descriptors),
        keep="keepalive 64;" if upstream == KEEP else "",
        way=WAYS[upstream],
        user="user root;" if os.geteuid() == 0 else "",
    )


def caddyfile(*, app: str, socket: str, port: int) -> str:
    """Return the configuration for Caddy."""
    return CADDY.format(app=app, socket=socket, port=port)
