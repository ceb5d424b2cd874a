"""How Nginx is started, tried, asked and told."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from outrider import errors, process, sockets

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from outrider.process import Child
    from outrider.site import Site


def argv(site: Site, *more: str, conf: str = "nginx.conf") -> list[str]:
    """Return the words that start Nginx; its file is named from the run directory."""
    run = site.paths.run
    return [site.front.binary, "-p", run, "-c", f"{run}/{conf}", "-e", "stderr", *more]


def environment(env: Mapping[str, str], public: socket.socket) -> dict[str, str]:
    """Return Nginx's environment, in which it finds the sockets that it inherits."""
    # The list of inherited descriptors: https://nginx.org/en/docs/control.html#upgrade
    return {**env, "NGINX": f"{public.fileno()};"}


def try_out(
    site: Site, env: Mapping[str, str], public: socket.socket, conf: str = "nginx.conf"
) -> None:
    """Have Nginx read its file.

    Raises:
        OutriderError: it does not take it.
    """
    tried = process.run(
        argv(site, "-t", "-q", conf=conf),
        env=environment(env, public),
        cwd=site.paths.run,
        account=site.user,
        pass_fds=(public.fileno(),),
    )
    if tried.code != 0:
        message = next(
            (line for line in tried.output.splitlines() if "[emerg]" in line), tried.output
        )
        if f"({errno.ENOSPC}: " in message:
            raise errors.cannot_write(site.paths.run, message.strip())
        raise errors.nginx_refuses(message.strip(), site.front.snippet)


async def serves(site: Site, child: Child) -> bool:
    """Tell whether this very Nginx answers: orphans of one that was killed may do so as well."""
    is_alive = await sockets.is_alive(site.bind, site.front.live_path)
    return is_alive and child.workers() != []
