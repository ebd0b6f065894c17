"""What is believed of a provider's answers, and what is not: each check has an answer that fails it."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from tests.portal_staff.conftest import text_of

from caldicott.portal.staff import oidc, oidc_client
from caldicott.stores.desk import providers
from caldicott.vocabulary.errors import DoesNotHold

ISSUER = "https://cis2.example"
SEAT = {"person_roleid": "1", "role_code": "S8000:G8000:R8000", "org_code": "Z80001"}
OTHER = {"person_roleid": "2", "role_code": "S8001:G8001:R8001", "org_code": "Z80002"}
PERSON = {"sub": "500", "name": "Alex Invented", "id_assurance_level": "3", "nhsid_nrbac_roles": [SEAT]}
REAL = oidc_client._client
KEY = RSAKey.generate_key(2048, parameters={"kid": "theirs", "use": "sig"}, private=True)
FOREIGN = RSAKey.generate_key(2048, parameters={"kid": "theirs", "use": "sig"}, private=True)

KEYS = {"theirs": KEY, "foreign": FOREIGN}


@pytest.fixture
def cis2(desk, tmp_path, monkeypatch):
    """A provider whose documents and answers the test writes."""
    ours = tmp_path / "key.pem"
    ours.write_bytes(RSAKey.generate_key(2048, private=True).as_pem(private=True))
    provider = providers.declared({
        "id": "cis2", "title": "NHS CIS2", "issuer": ISSUER, "client_id": "caldicott", "key_file": str(ours),
        "key_id": "ours", "roles": {"S8000:G8000:R8000": "gp", "S8001:G8001:R8001": "ig_officer"},
    })  # fmt: skip
    providers.keep(provider)
    known = {"issuer": ISSUER} | {
        f"{one}_endpoint": f"{ISSUER}/{one}" for one in ("authorization", "token", "userinfo")
    }
    documents = {
        f"{ISSUER}/.well-known/openid-configuration": {**known, "jwks_uri": f"{ISSUER}/jwks"},
        f"{ISSUER}/jwks": KeySet([KEY]).as_dict(private=False),
    }
    monkeypatch.setattr(oidc_client, "_fetched", lambda address: documents[address])
    return provider


class Answers:
    """The provider's token and userinfo endpoints."""

    def __init__(self, token, person):
        self.token, self.person = token, person

    def __call__(self, *_):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def fetch_token(self, *_, **__):
        return {"id_token": self.token}

    def get(self, *_, **__):
        return self

    def raise_for_status(self):
        return None

    def json(self):
        return self.person


def come_back(desk, monkeypatch, *, claims=None, person=None, key="theirs", query=None):
    """A browser is sent to the provider and comes back with this answer."""
    browser = desk.browser()
    monkeypatch.setattr(oidc_client, "_client", REAL)
    asked = parse_qs(urlsplit(browser.get("/staff/sign-in/with/cis2/").headers["Location"]).query)
    now = int(desk.clock.now.timestamp())
    told = {
        "iss": ISSUER, "aud": "caldicott", "sub": "500", "iat": now, "exp": now + 300, "nonce": asked["nonce"][0],
        "sid": "s-1", **(claims or {}),
    }  # fmt: skip
    told = {name: value for name, value in told.items() if value is not None}
    token = jwt.encode({"alg": "RS256", "kid": "theirs"}, told, KEYS[key])
    monkeypatch.setattr(oidc_client, "_client", Answers(token, {**PERSON, **(person or {})}))
    words = {"code": "c", "state": asked["state"][0], "iss": ISSUER, **(query or {})}
    return browser, browser.get("/staff/sign-in/back/cis2/", words), asked


def test_the_question_is_as_cis2_asks_for_it(desk, cis2, monkeypatch):
    """The code flow, PKCE with S256, a state and a nonce of 256 bits."""
    _, answer, asked = come_back(desk, monkeypatch)
    assert answer.headers["Location"] == "/staff/"
    assert (asked["response_type"], asked["code_challenge_method"]) == (["code"], ["S256"])
    assert len(asked["nonce"][0]) >= 43
    assert asked["redirect_uri"] == ["http://localhost/staff/sign-in/back/cis2/"]


@pytest.mark.parametrize(
    "answer",
    [
        {"claims": {"iss": "https://evil.example"}}, {"claims": {"aud": "another"}}, {"claims": {"nonce": "another"}},
        {"claims": {"nonce": None}}, {"claims": {"exp": 1}}, {"claims": {"exp": None}}, {"claims": {"sub": "501"}},
        {"claims": {"azp": "another"}}, {"person": {"sub": "501"}}, {"key": "foreign"}, {"query": {"state": "another"}},
        {"query": {"iss": "https://evil.example"}}, {"person": {"id_assurance_level": "2"}},
        {"person": {"id_assurance_level": None}}, {"person": {"nhsid_nrbac_roles": []}},
        {"person": {"nhsid_nrbac_roles": "all"}}, {"person": {"nhsid_nrbac_roles": [SEAT, OTHER]}},
        {"person": {"nhsid_nrbac_roles": [SEAT, OTHER], "selected_roleid": "3"}},
    ],
    ids=str,
)  # fmt: skip
def test_an_answer_that_fails_one_check_opens_nothing(desk, cis2, monkeypatch, answer):
    """Another issuer, audience, nonce, subject, key, state or day; too weak; no role, or not clear which."""
    browser, page, _ = come_back(desk, monkeypatch, **answer)
    assert page.status_code == 403
    assert "You are not signed in" in text_of(page)
    assert browser.get("/staff/").status_code == 303
    assert desk.events()[-1][:2] == ("sign-in", "refusal")


def test_the_role_that_the_person_chose_counts(desk, cis2, monkeypatch):
    """Of several roles the chosen one, with its organisation."""
    chosen = {"nhsid_nrbac_roles": [SEAT, OTHER], "selected_roleid": "2"}
    browser, _, _ = come_back(desk, monkeypatch, person=chosen)
    assert "GP practice Z80002" in text_of(browser.get("/staff/"))


def test_an_answer_counts_once(desk, cis2, monkeypatch):
    browser, _, asked = come_back(desk, monkeypatch)
    again = browser.get("/staff/sign-in/back/cis2/", {"code": "c", "state": asked["state"][0], "iss": ISSUER})
    assert again.status_code == 403


def logout(desk, *, key="theirs", **changes):
    now = int(desk.clock.now.timestamp())
    claims = {
        "iss": ISSUER, "aud": "caldicott", "iat": now, "exp": now + 120, "jti": "j-1", "sid": "s-1",
        "events": {oidc_client.LOGOUT_EVENT: {}}, **changes,
    }  # fmt: skip
    claims = {name: value for name, value in claims.items() if value is not None}
    token = jwt.encode({"alg": "RS256", "kid": "theirs"}, claims, KEYS[key])
    return desk.browser(checks=True).post("/staff/sign-out/from/cis2/", {"logout_token": token}).status_code


@pytest.mark.parametrize("named", [{}, {"sid": None, "sub": "500"}])
def test_who_signs_out_there_is_signed_out_here(desk, cis2, monkeypatch, named):
    """By the session or by the person; the same token is not taken twice."""
    browser, _, _ = come_back(desk, monkeypatch)
    assert browser.get("/staff/").status_code == 200
    assert logout(desk, **named) == 200
    assert browser.get("/staff/").status_code == 403
    assert logout(desk, **named) == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"}, {"aud": "another"}, {"events": {}}, {"events": None}, {"nonce": "n"},
        {"sid": None}, {"jti": None}, {"exp": 1}, {"key": "foreign"},
    ],
    ids=str,
)  # fmt: skip
def test_a_call_that_is_no_logout_ends_nothing(desk, cis2, monkeypatch, changes):
    """A stranger, or an ID token in its place, signs nobody out."""
    browser, _, _ = come_back(desk, monkeypatch)
    assert logout(desk, **changes) == 400
    assert browser.get("/staff/").status_code == 200


def test_an_ended_account_does_not_come_back_through_the_provider(desk, cis2, monkeypatch):
    from caldicott.stores.desk import accounts

    come_back(desk, monkeypatch)
    accounts.end(accounts.every()[0].id, at=desk.clock.now)
    _, page, _ = come_back(desk, monkeypatch)
    assert "Your account here has ended" in text_of(page)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"issuer": "http://cis2.example"}, "provider-not-https"), ({"roles": {"x": "king"}}, "provider-does-not-hold"),
        ({"client_id": ""}, "provider-does-not-hold"), ({"colour": "red"}, "provider-does-not-hold"),
    ],
)  # fmt: skip
def test_a_provider_that_does_not_hold_is_not_kept(change, told):
    """No secret over plain http, no role that is none of ours, nothing missing, nothing unknown."""
    record = {
        "id": "cis2", "title": "t", "issuer": ISSUER, "client_id": "c", "key_file": "k", "key_id": "i", **change,
    }  # fmt: skip
    with pytest.raises(DoesNotHold) as found:
        providers.declared(record)
    assert found.value.code == told


def test_a_list_of_roles_is_not_needed():
    """A provider whose claims stand by themselves, such as an Entra tenant, is declared so."""
    flat = providers.declared({
        "id": "entra", "title": "t", "issuer": ISSUER, "client_id": "c", "key_file": "k", "key_id": "i",
        "roles_claim": "", "role_claim": "job", "organisation_claim": "ods", "chosen_claim": "",
        "roles": {"finance": "ceff_officer"},
    })  # fmt: skip
    assert oidc.seat_of(flat, {"job": "finance", "ods": "example-icb"}) == ("ceff_officer", "example-icb")
    assert oidc.seat_of(flat, {"job": "porter", "ods": "example-icb"}) is None
