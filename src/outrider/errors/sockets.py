"""Addresses that cannot be listened on."""

from __future__ import annotations

from outrider.errors.base import Exit, OutriderError, quoted


def port_taken(bind: str, by: str | None, free: str) -> OutriderError:
    """Somebody else listens there."""
    return OutriderError(
        "port-taken",
        f"{bind} is taken",
        found=[f"{by} listens there" if by else "another process listens there"],
        fix=["stop it", f"or choose another port:  --bind {free}"],
        exit_code=Exit.BIND,
    )


def already_running(bind: str, pid: int | None, run_dir: str) -> OutriderError:
    """A second `run` with the address or the run directory of a running one."""
    who = f"pid {pid}" if pid else "another process"
    return OutriderError(
        "already-running",
        f"a site of yours already runs at {bind}",
        found=[f"{who} holds {run_dir}"],
        fix=[
            f"stop it:  outrider stop {quoted(run_dir)}",
            "or run this one beside it:  --bind 127.0.0.1:PORT",
        ],
        exit_code=Exit.BIND,
    )


def port_forbidden(bind: str, user: str) -> OutriderError:
    """Ports below 1024 need a right that this user does not have.

    https://man7.org/linux/man-pages/man7/ip.7.html (ip_unprivileged_port_start)
    """
    return OutriderError(
        "port-forbidden",
        f"{user} may not listen on {bind}",
        found=["ports below 1024 are reserved for root on this machine"],
        fix=[
            "choose a port from 1024:  --bind 0.0.0.0:8000",
            "or allow it for everyone:  sudo sysctl net.ipv4.ip_unprivileged_port_start=80",
            "or start Outrider as root; Nginx and the app then run as another user",
        ],
        exit_code=Exit.BIND,
    )


def cannot_bind(bind: str, why: str) -> OutriderError:
    """The address is not one of this machine's, or the system refuses it."""
    return OutriderError(
        "cannot-bind",
        f"cannot listen on {bind}",
        found=[why],
        fix=["use an address of this machine:  --bind 127.0.0.1:8000 or --bind 0.0.0.0:8000"],
        exit_code=Exit.BIND,
    )


def cannot_tell_figures(address: str, why: str) -> OutriderError:
    """The address of `metrics` is taken, not this machine's, or needs a right."""
    return OutriderError(
        "cannot-tell-figures",
        f"cannot listen on {address} for `metrics`",
        found=[why],
        fix=["choose another port of this machine:  --metrics 127.0.0.1:9100"],
        exit_code=Exit.BIND,
    )


def socket_path_too_long(path: str, length: int, limit: int) -> OutriderError:
    """A Unix socket's path has a fixed size in the kernel: https://man7.org/linux/man-pages/man7/unix.7.html."""
    return OutriderError(
        "socket-path-too-long",
        f"the socket's path is {length} bytes long; the system allows {limit}",
        found=[path],
        fix=["choose a shorter run directory:  --run-dir /tmp/site"],
        exit_code=Exit.FILES,
    )
