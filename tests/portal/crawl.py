"""Every public address of a portal, and who visits them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from caldicott.portal import addresses, assets

if TYPE_CHECKING:
    from django.test import Client

    from caldicott.portal.board import Board
    from caldicott.portal.notice import Notice
    from caldicott.portal.settings import PortalSettings


@dataclass(frozen=True)
class Visitor:
    """Somebody from the public."""

    client: Client
    board: Board
    settings: PortalSettings

    @property
    def notice(self) -> Notice:
        return self.board.notice()

    def get(self, address: str, **headers: str) -> Any:
        return self.client.get(address, headers=headers)

    def text(self, address: str) -> str:
        answer = self.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        return answer.content.decode()


def pages(notice: Notice) -> list[str]:
    """The address of every page that is drawn."""
    order = list(notice.registers)
    changes = [addresses.of_changes(old, new) for old, new in pairwise(order)]
    return [*(addresses.of_page(slug) for slug in notice.pages), "/versions/", *changes]


def files(notice: Notice) -> list[str]:
    """The address of every file that can be taken away."""
    return [addresses.of_file(path) for path in notice.files]


def static() -> list[str]:
    return [assets.address(name) for name in assets.files()]


def every(notice: Notice) -> list[str]:
    """Every public address."""
    kept = [one for one in notice.library.versions if notice.version(one.version, "index.html")]
    old = [f"/versions/{one.version}/" for one in kept]
    inside = [f"/versions/{one.version}/register.json" for one in notice.library.versions]
    return [*pages(notice), *files(notice), *static(), *old, *inside, "/healthz"]
