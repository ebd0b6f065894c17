"""Gunicorn around the portal: three workers on a socket that was opened, and found free, beforehand."""

from __future__ import annotations

import errno
import socket
import sys
from typing import TYPE_CHECKING, Any, Final

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from caldicott.portal import log
from caldicott.vocabulary.errors import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from caldicott.vocabulary.errors import CaldicottError

WORKERS: Final = 3
"""One more than the cores of a small machine: a page waits for the disk until its viewing is recorded."""
_BACKLOG: Final = 512


def open_socket(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 for any free one.

    Raises:
        WrongUsage: the port is taken, or the address is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
    except OSError as error:
        opened.close()
        raise _not_bound(host, port, error) from None
    opened.listen(_BACKLOG)
    return opened


def serve(application: Any, listening: socket.socket) -> None:
    """Answer until a signal ends it. Ctrl-C and SIGTERM end it cleanly."""
    _Gunicorn(application, _options(listening)).run()


class _Gunicorn(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """The application as gunicorn wants it, with settings of ours and of nobody's environment."""

    def __init__(self, application: Any, options: Mapping[str, Any]) -> None:
        self._application = application
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self._application


class _Logger(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """Gunicorn's log without tracebacks, which quote addresses, and without a worker's end when it was told to end."""

    def exception(self, msg: str, *args: object, **kwargs: object) -> None:
        del msg, args, kwargs
        error = sys.exception()
        if error is not None and not isinstance(error, SystemExit):
            log.failed(error, "in the server")


def _options(listening: socket.socket) -> dict[str, Any]:
    return {
        "bind": f"fd://{listening.detach()}",
        "workers": WORKERS,
        "worker_class": "sync",
        "preload_app": True,  # the pages are made once and shared by the workers
        "timeout": 30,
        "graceful_timeout": 5,
        "control_socket_disable": True,  # it would lie in the home folder, which may be read-only
        "accesslog": None,  # it would keep addresses of people; the module `log` says what is kept
        "loglevel": "error",  # a warning of a request that cannot be read quotes it, and who sent it
        "logger_class": _Logger,
        "proc_name": "caldicott",
    }


def _not_bound(host: str, port: int, error: OSError) -> CaldicottError:
    where = f"{host}:{port}"
    if error.errno == errno.EADDRINUSE:
        return WrongUsage(
            "something else already answers there",
            code="port-in-use",
            where=where,
            next_step="name another port with --port, or end what runs there",
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return WrongUsage(
            "this user may not open that port",
            code="port-not-allowed",
            where=where,
            next_step="name a port above 1023 with --port, and let a web server in front answer on 443",
        )
    return WrongUsage(
        "this is not an address of this machine",
        code="address-unknown",
        where=where,
        next_step="name one with --host, such as 127.0.0.1",
    )
