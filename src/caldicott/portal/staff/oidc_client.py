"""What we say to a sign-in provider, and what we believe of its answers [OpenID Connect Core 1.0, RFC 7523, RFC 7636].

As NHS CIS2 asks for it: the code flow alone, PKCE, and a client that proves
itself by a signed assertion (RS512) instead of a shared secret. Signatures and
their checks are Authlib's and joserfc's.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from caldicott import bootstrap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from caldicott.stores.desk.providers import SignInProvider

_PATIENCE: Final = 10
_KEPT: Final = 300
"""Seconds for which a provider's documents are kept: a new key of its own is known after that."""
_SIGNED_BY: Final = ["RS256", "RS384", "RS512", "PS256", "PS512", "ES256"]
"""Asymmetric only: `none` and keys that both sides hold are not taken."""
_LEEWAY: Final = 60
LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
FAULTS: Final = (requests.RequestException, AuthlibBaseError, JoseError, ValueError, KeyError, TypeError, OSError)


class NotBelieved(ValueError):
    """The provider's answer does not hold; the word says which check it failed."""


@dataclass(frozen=True, slots=True)
class Question:
    """What one sign-in remembers until the provider answers."""

    address: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Vouched:
    """What a provider says of a person, checked."""

    subject: str
    session: str
    claims: Mapping[str, Any]


def question(provider: SignInProvider, *, back: str, tokens: tuple[str, str], again: bool) -> Question:
    """Where to send the browser."""
    nonce, verifier = tokens
    more = {"acr_values": provider.acr_values} if provider.acr_values else {}
    if again:
        more |= {"prompt": "login", "max_age": "0"}
    with _client(provider, back) as client:
        address, state = client.create_authorization_url(
            metadata(provider)["authorization_endpoint"], code_verifier=verifier, nonce=nonce, **more
        )
    return Question(address, state, nonce, verifier)


def vouched(provider: SignInProvider, *, back: str, code: str, nonce: str, verifier: str) -> Vouched:
    """The person behind a code.

    Raises:
        NotBelieved: a check failed; others of `FAULTS` if the provider did not answer as it should.
    """
    known = metadata(provider)
    with _client(provider, back) as client:
        token = client.fetch_token(
            known["token_endpoint"], code=code, code_verifier=verifier, grant_type="authorization_code",
            timeout=_PATIENCE,
        )  # fmt: skip
        told = client.get(known["userinfo_endpoint"], timeout=_PATIENCE)
        told.raise_for_status()
    claims = _id_claims(provider, token["id_token"], nonce)
    person = told.json()
    if person.get("sub") != claims["sub"]:
        raise NotBelieved("subject")
    # What is signed outweighs what is not.
    return Vouched(str(claims["sub"]), str(claims.get("sid", "")), {**person, **claims})


def logged_out(provider: SignInProvider, token: str) -> Mapping[str, Any]:
    """The claims of a logout token [OpenID Connect Back-Channel Logout 1.0, 2.6].

    Raises:
        NotBelieved: it is none of that provider for us.
    """
    decoded = jwt.decode(token, _keys(provider), algorithms=_SIGNED_BY)
    claims = decoded.claims
    _check(provider, claims, exp={"essential": True}, iat={"essential": True}, jti={"essential": True})
    if "nonce" in claims or not isinstance(claims.get("events"), dict) or LOGOUT_EVENT not in claims["events"]:
        raise NotBelieved("no-logout-token")
    if not (claims.get("sid") or claims.get("sub")):
        raise NotBelieved("nobody-named")
    return claims


def metadata(provider: SignInProvider) -> dict[str, Any]:
    """The provider's own document; it must speak for the issuer that was declared."""
    known = _fetched(f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
    if known.get("issuer") != provider.issuer:
        raise NotBelieved("issuer")
    return known


def _id_claims(provider: SignInProvider, token: str, nonce: str) -> dict[str, Any]:
    claims = jwt.decode(token, _keys(provider), algorithms=_SIGNED_BY).claims
    _check(
        provider, claims, exp={"essential": True}, iat={"essential": True}, sub={"essential": True},
        nonce={"essential": True, "value": nonce},
    )  # fmt: skip
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise NotBelieved("azp")
    return dict(claims)


def _check(provider: SignInProvider, claims: dict[str, Any], **wanted: Any) -> None:
    registry = jwt.JWTClaimsRegistry(
        now=int(bootstrap.now().timestamp()), leeway=_LEEWAY,
        iss={"essential": True, "value": provider.issuer}, aud={"essential": True, "value": provider.client_id},
        **wanted,
    )  # fmt: skip
    registry.validate(claims)


def _keys(provider: SignInProvider) -> KeySet:
    return KeySet.import_key_set(_fetched(metadata(provider)["jwks_uri"]))  # type: ignore[arg-type]


_documents: dict[str, tuple[float, dict[str, Any]]] = {}


def _fetched(address: str) -> dict[str, Any]:
    kept = _documents.get(address)
    if kept is None or time.monotonic() - kept[0] > _KEPT:
        answer = requests.get(address, timeout=_PATIENCE, allow_redirects=False)
        answer.raise_for_status()
        kept = _documents[address] = (time.monotonic(), dict(answer.json()))
    return kept[1]


def _client(provider: SignInProvider, back: str) -> OAuth2Session:
    client = OAuth2Session(
        provider.client_id, provider.private_key(), scope=provider.scope, redirect_uri=back,
        token_endpoint_auth_method="private_key_jwt", code_challenge_method="S256",  # noqa: S106  the method's name
    )  # fmt: skip
    endpoint = metadata(provider)["token_endpoint"]
    client.register_client_auth_method(PrivateKeyJWT(endpoint, headers={"kid": provider.key_id}, alg="RS512"))
    return client
