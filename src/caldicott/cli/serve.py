"""`caldicott serve`: the public site on a store's register."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from caldicott import bootstrap
from caldicott.cli.output import say
from caldicott.vocabulary.errors import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Sequence

PORT: Final = 8000
_PICTURES: Final = (".svg", ".png", ".jpg")
_EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104  compared with, not bound to


def serve(
    store: Annotated[Path, typer.Option("--store", help="The store's folder.")],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 for any free one.")] = PORT,
    host: Annotated[str, typer.Option("--host", help="The address of this machine to answer on.")] = "127.0.0.1",
    register: Annotated[
        str | None, typer.Option("--register", help="A register's folder or id; the store's own if not given.")
    ] = None,
    published: Annotated[
        Path | None, typer.Option("--published", help="Where versions are published; STORE/public if not given.")
    ] = None,
    organisation: Annotated[str, typer.Option(help="Whose site it is; the register's controller if not given.")] = "",
    service: Annotated[str, typer.Option(help="The site's name; the notice's title if not given.")] = "",
    logo: Annotated[Path | None, typer.Option(help="A picture for the head of each page: .svg, .png or .jpg.")] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option("--allow-host", help="A name by which readers call it; may be repeated.")
    ] = None,
    https: Annotated[bool, typer.Option("--https", help="Readers come over https, through a server in front.")] = False,
    staff: Annotated[bool, typer.Option("--staff", help="Let staff sign in too. Needs the store's key.")] = False,
) -> None:
    """Start the public site: the notice as the register says it today. Ctrl-C ends it."""
    name = register or bootstrap.register_of(store)
    folder = bootstrap.find_register(name)
    start(
        folder, published or store / "public", port=port, host=host, hosts=allow_host or (),
        organisation=organisation, service=service, logo=_picture(logo), https=https, store=store if staff else None,
    )  # fmt: skip


def start(
    register: Path,
    published: Path,
    *,
    port: int,
    host: str = "127.0.0.1",
    hosts: Sequence[str] = (),
    organisation: str = "",
    service: str = "",
    logo: Path | None = None,
    https: bool = False,
    store: Path | None = None,
) -> None:
    """Open the port, make the notice, tell the address, and answer until a signal ends it."""
    from caldicott.portal.application import application
    from caldicott.portal.secret_key import secret_key
    from caldicott.portal.server import open_socket
    from caldicott.portal.server import serve as answer
    from caldicott.portal.settings import PortalSettings

    portal = PortalSettings(
        register.absolute(), published.absolute(), secret_key(os.environ, Path.home()), organisation, service, logo,
        _names(host, hosts), https, store.absolute() if store else None, os.environ.get("CALDICOTT_DESK", ""),
    )  # fmt: skip
    # The port first: it is found taken in no time, and the notice takes a second.
    with open_socket(host, port) as listening:
        site = application(portal)
        number = listening.getsockname()[1]
        say(f"The public site is at {_address(host, number)}")
        if store:
            # By its name: browsers take the cookie of a sign-in without https from this name alone.
            say(f"Staff sign in at {_address('localhost', number)}staff/")
        say("Ctrl-C ends it.")
        answer(site, listening)


def how_to_serve(store: Path, port: int) -> str:
    """The exact command, and the address it will answer on."""
    program = "caldicott" if shutil.which("caldicott") else sys.argv[0]  # `make demo` does not activate its environment
    other = "" if port == PORT else f" --port {port}"
    command = f"{shlex.quote(program)} serve --store {shlex.quote(str(store))} --staff{other}"
    site, desk = _address("127.0.0.1", port), f"{_address('localhost', port)}staff/"
    return f"Its public site and its staff desk: {command} -> {site} and {desk}"


def _names(host: str, given: Sequence[str]) -> tuple[str, ...]:
    from caldicott.portal.settings import LOOPBACK

    own = () if host in _EVERYWHERE else (_bracketed(host),)
    return tuple(dict.fromkeys((*LOOPBACK, *own, *given)))


def _address(host: str, port: int) -> str:
    return f"http://{'127.0.0.1' if host in _EVERYWHERE else _bracketed(host)}:{port}/"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _picture(logo: Path | None) -> Path | None:
    if logo is None or (logo.is_file() and logo.suffix.lower() in _PICTURES):
        return logo
    raise WrongUsage(
        "there is no picture of a kind that can be shown",
        code="logo-unreadable",
        where=str(logo),
        next_step="name an .svg, .png or .jpg file",
    )
