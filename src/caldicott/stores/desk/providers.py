"""Sign-in providers: one row each, with how their claims become a role and an organisation of ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from caldicott.stores.desk.models import Provider, UsedToken
from caldicott.stores.desk.sealing import digest
from caldicott.vocabulary.errors import DoesNotHold
from caldicott.vocabulary.terms import Role

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_NEEDED: Final = ("id", "title", "issuer", "client_id", "key_file", "key_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInProvider:
    """Who vouches for staff, and what we make of what it says. Defaults are those of CIS2."""

    id: str
    title: str
    issuer: str
    client_id: str
    key_file: str
    """Our private key, as PEM. Only its place is kept."""
    key_id: str
    scope: str = "openid profile nationalrbacaccess"
    acr_values: str = ""
    roles_claim: str = "nhsid_nrbac_roles"
    """A list of objects, one a role; empty: the claims below stand by themselves."""
    role_claim: str = "role_code"
    organisation_claim: str = "org_code"
    chosen_claim: str = "selected_roleid"
    """Which of the list the person chose: its value is that of `choice_claim` in the list."""
    choice_claim: str = "person_roleid"
    name_claim: str = "name"
    assurance_claim: str = "id_assurance_level"
    least_assurance: int = 3
    roles: Mapping[str, str] = field(default_factory=dict)
    """The provider's role to ours. One that is not here opens nothing."""

    def private_key(self) -> str:
        return Path(self.key_file).read_text(encoding="ascii")


def declared(record: Mapping[str, Any]) -> SignInProvider:
    """A provider as a file declares it.

    Raises:
        DoesNotHold: something is missing, unknown, or a role is none of ours.
    """
    fields = SignInProvider.__dataclass_fields__
    missing = [name for name in _NEEDED if not record.get(name)]
    unknown = sorted(set(record) - set(fields))
    foreign = sorted(set(dict(record.get("roles", {})).values()) - set(Role))
    if missing or unknown or foreign:
        told = [
            *(f"{one} is missing" for one in missing),
            *(f"{one} is not known" for one in unknown),
            *(f"{one} is no role" for one in foreign),
        ]
        raise DoesNotHold(
            f"the provider does not hold: {', '.join(told)}",
            code="provider-does-not-hold",
            next_step="see docs/how-to/sign-in.md for an example",
        )
    if not str(record["issuer"]).startswith("https://") and not _is_here(str(record["issuer"])):
        raise DoesNotHold(
            "the issuer is not reached over https",
            code="provider-not-https",
            next_step="write the issuer as https://…; http is taken for this machine alone",
        )
    return SignInProvider(**record)


def keep(provider: SignInProvider) -> None:
    """Add the provider, or change the one of that id."""
    named = {name: getattr(provider, name) for name in _NEEDED[1:]}
    rest = {name: getattr(provider, name) for name in SignInProvider.__dataclass_fields__ if name not in _NEEDED}
    Provider.objects.update_or_create(
        id=provider.id, defaults={**named, "settings": {**rest, "roles": dict(provider.roles)}}
    )


def with_id(provider_id: str) -> SignInProvider | None:
    row = Provider.objects.filter(id=provider_id).first()
    return _valued(row) if row else None


def every() -> tuple[SignInProvider, ...]:
    return tuple(_valued(row) for row in Provider.objects.order_by("title"))


def take_token(token_id: str, *, at: datetime) -> bool:
    """Whether a logout token comes for the first time."""
    _, is_new = UsedToken.objects.get_or_create(digest=digest(token_id), defaults={"at": at})
    return bool(is_new)


def _valued(row: Provider) -> SignInProvider:
    return SignInProvider(**{name: getattr(row, name) for name in _NEEDED}, **row.settings)


def _is_here(issuer: str) -> bool:
    return issuer.startswith(("http://127.0.0.1:", "http://localhost:"))
