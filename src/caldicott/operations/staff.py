"""One person, two doors: at the command line staff are known by a login name, on the pages by an account.

Where two people must act, persons are compared and not names. A login is tied to
an account, or said to have none. Of a login of which neither was said it cannot
be told whose it is: it may work, and it approves nothing, and nothing that it
entered is approved. Names tied to one another, also by way of a third, are one person.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from caldicott.audit.guard import identifying_shape
from caldicott.operations.perform import Act, perform
from caldicott.vocabulary.errors import Refused, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from caldicott.operations.perform import House
    from caldicott.stores.catalogue import Catalogue

_SETTING: Final = "staff_logins"
DEMO: Final = "demo"
"""The catalogue's setting that marks a demo's store."""
_ACCOUNT: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
LONGEST: Final = 80


@dataclass(frozen=True)
class Staff:
    """What was said of logins: which account each is tied to, earliest first, and which have none."""

    ties: tuple[tuple[str, str], ...] = ()
    without: frozenset[str] = frozenset()

    def person(self, name: str) -> str:
        """The one name of whoever goes by this name, the same by every door."""
        mine = self._names(name)
        return next((account for login, account in self.ties if login in mine), name)

    def is_known(self, name: str) -> bool:
        """Whether it can be told whose name this is."""
        return is_account(name) or name in self.without or any(name == login for login, _account in self.ties)

    def logins(self, account: str) -> tuple[str, ...]:
        """The logins tied to this account."""
        return tuple(login for login, tied in self.ties if tied == account)

    def _names(self, name: str) -> set[str]:
        found, before = {name}, 0
        while len(found) > before:
            before = len(found)
            for tie in self.ties:
                if found.intersection(tie):
                    found.update(tie)
        return found


def is_account(name: str) -> bool:
    """Whether the name is an account's id and not a login."""
    return _ACCOUNT.fullmatch(name) is not None


def staff_of(catalogue: Catalogue) -> Staff:
    """What this store knows of its staff's logins."""
    kept = json.loads(catalogue.setting(_SETTING) or '{"ties": [], "without": []}')
    return Staff(tuple((login, account) for login, account in kept["ties"]), frozenset(kept["without"]))


def person_behind(catalogue: Catalogue, login: str) -> str:
    """Who acts when this login does.

    Raises:
        WrongUsage: the login is written like an account's id, and would pass for that account.
    """
    if is_account(login):
        raise WrongUsage(
            "a login name that is written like the id of an account is not taken",
            code="login-like-an-account", next_step="act under your own login name",
        )  # fmt: skip
    return staff_of(catalogue).person(login)


def require_other_person(house: House, earlier: Iterable[str]) -> None:
    """Whoever acts is none of those who acted before, and that can be told: else a second person is no second person.

    Raises:
        Refused: they are one of them; or it cannot be told, as somebody's login is tied to nobody.
    """
    staff, names = staff_of(house.store.catalogue), set(earlier)
    if staff.person(house.actor) in {staff.person(name) for name in names}:
        raise Refused(
            "Nobody approves what they entered, by whichever door they come. Ask another member.",
            code="same-person", next_step="ask another person to approve it",
        )  # fmt: skip
    require_told_apart(house, names)


def require_told_apart(house: House, earlier: Iterable[str]) -> None:
    """It is known whose name each of these is, and whose name the one is who acts.

    Raises:
        Refused: a login among them is tied to nobody.
    """
    staff = staff_of(house.store.catalogue)
    unknown = sorted(name for name in {house.actor, *earlier} if not staff.is_known(name))
    if unknown:
        mine = house.actor in unknown
        said = "Your login is tied to no account" if mine else "A login that had a hand in this is tied to no account"
        raise Refused(
            f"{said} ({unknown[0] if not mine else house.actor}), so it cannot be told who is the second person. "
            "Ask whoever invites staff to tie it, or to say that it has no account: `caldicott accounts login`.",
            code="login-unknown",
            next_step="ask whoever invites staff: `caldicott accounts login NAME ACCOUNT --store DIR`, or NAME --none",
        )


def tie(house: House, login: str, account: str) -> None:
    """This login is this account's person from now on; whoever else it was tied to is the same person too.

    Raises:
        WrongUsage: that is no login name.
    """
    require_login(login)

    def keep() -> None:
        known = staff_of(house.store.catalogue)
        ties = known.ties if (login, account) in known.ties else (*known.ties, (login, account))
        _keep(house, Staff(ties, known.without - {login}))

    _record(house, "login-tied", keep, (f"login {login}", f"account {account}"))


def say_without_account(house: House, login: str) -> None:
    """This login has no account: who uses it comes by the command line alone.

    Raises:
        Refused: it is one's own, which another must say. WrongUsage: that is no login name.
    """
    require_login(login)
    staff = staff_of(house.store.catalogue)
    if staff.person(login) == staff.person(house.actor) and not house.store.catalogue.setting(DEMO):
        # Else whoever enters by one door would free themselves to approve by the other.
        raise Refused(
            "Nobody says of their own login that it has no account. Ask a colleague to say it.",
            code="own-login", next_step="ask a colleague who has a login of their own",
        )  # fmt: skip

    def keep() -> None:
        known = staff_of(house.store.catalogue)
        ties = tuple((name, account) for name, account in known.ties if name != login)
        _keep(house, Staff(ties, known.without | {login}))

    _record(house, "login-without-account", keep, (f"login {login}",))


def require_login(login: str) -> None:
    """What can be kept, and recorded, as a login name.

    Raises:
        WrongUsage: it is empty, too long, an account's id, or shaped like what identifies a patient.
    """
    is_name = 0 < len(login) <= LONGEST and login.isprintable() and login == login.strip() and not is_account(login)
    if not is_name or identifying_shape(login):
        raise WrongUsage(
            f"a login name has 1 to {LONGEST} letters or signs, and is like no account's id and no patient's number",
            code="login-malformed", where="the login", next_step="give the name that `whoami` prints for that person",
        )  # fmt: skip


def _keep(house: House, staff: Staff) -> None:
    written = {"ties": [list(one) for one in staff.ties], "without": sorted(staff.without)}
    house.store.catalogue.set_setting(_SETTING, json.dumps(written))


def _record(house: House, event: str, keep: Callable[[], None], references: tuple[str, ...]) -> None:
    act: Act[None] = Act(None, keep, references=references, touches_files=False)
    perform(house, event=event, activity="", compute=lambda: act)
