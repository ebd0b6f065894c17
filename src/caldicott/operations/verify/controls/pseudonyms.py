"""Codes: one person one code inside a purpose, nothing shared between two, and no way back by guessing."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from caldicott.operations.verify.control import Control, Finding, broken, kept, not_applicable
from caldicott.operations.verify.controls.released import NO_MART
from caldicott.operations.verify.haven import identities

if TYPE_CHECKING:
    from collections.abc import Iterator

    from caldicott.operations.verify.evidence import Evidence
    from caldicott.register.model import ProcessingActivity

_TRIED = 5_000
_ALGORITHMS = ("md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b")
_CROCKFORD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789ABCDEFGHJKMNPQRSTVWXYZ")
_SHORTEST = 12
"""Characters of a code that a hash would have to agree on; a chance agreement of twelve is out of the question."""


def tokens_in_marts(evidence: Evidence) -> dict[str, pa.Array]:
    """The distinct codes in each activity's marts."""
    found: dict[str, list[pa.Array]] = {}
    for file in evidence.marts:
        path = evidence.root / file.path
        if "person_token" in pq.read_schema(path).names:
            column = pq.ParquetFile(path).read(["person_token"]).column(0)
            found.setdefault(file.owner, []).append(pc.unique(column).drop_null().cast(pa.string()))
    return {activity: pc.unique(pa.concat_arrays(columns)) for activity, columns in found.items()}


def makers(evidence: Evidence) -> list[ProcessingActivity]:
    """Activities with codes of their own."""
    return [entry for entry in evidence.register.activities if entry.pseudonym_domain]


def _one_domain_per_purpose(evidence: Evidence) -> Finding:
    places = [
        (d.name, d.letter, d.recipient, d.agreement, d.epoch) for e in makers(evidence) if (d := e.pseudonym_domain)
    ]
    if len({name for name, *_ in places}) < len(places) or len({place[1] for place in places}) < len(places):
        return broken("two activities of the register share one domain of codes")
    tokens = evidence.once(tokens_in_marts)
    if not any(len(codes) for codes in tokens.values()):
        return not_applicable(NO_MART)
    shared = sum(
        pc.sum(pc.is_in(tokens[one], value_set=tokens[other])).as_py() or 0
        for one in tokens
        for other in tokens
        if one < other
    )
    strays = sum(_strays(entry, tokens) for entry in makers(evidence))
    if shared or strays:
        return broken(f"{shared} codes are used for two purposes, {strays} are not of their purpose's own domain")
    counts = ", ".join(f"{activity} {len(codes):,}" for activity, codes in tokens.items())
    return kept(f"codes of different purposes share nothing ({counts})")


def _strays(entry: ProcessingActivity, tokens: dict[str, pa.Array]) -> int:
    domain = entry.pseudonym_domain
    codes = tokens.get(entry.id)
    if domain is None or codes is None or not len(codes):
        return 0
    return len(codes) - int(pc.sum(pc.starts_with(codes, domain.letter)).as_py())


def _one_code_per_person(evidence: Evidence) -> Finding:
    checked, wrong = 0, 0
    for entry in makers(evidence):
        tokens = evidence.once(tokens_in_marts).get(entry.id)
        if tokens is None or entry.pseudonym_domain is None:
            continue
        pairs = persons_of(evidence, entry, tokens)
        persons = pairs.column("person_id")
        checked += len(tokens)
        wrong += persons.null_count + len(persons) - persons.null_count - len(pc.unique(persons.drop_null()))
    if not checked:
        return not_applicable(NO_MART)
    if wrong:
        return broken(f"{wrong} codes belong to nobody, or to a person who has another code in the same purpose")
    return kept(f"each of {checked:,} codes over all months and datasets is one person's only code in its purpose")


def persons_of(evidence: Evidence, entry: ProcessingActivity, tokens: pa.Array) -> pa.Table:
    """Whose codes these are, asked of the vault inside the safe haven; reads only."""
    live = [file.path.removeprefix("vault/") for file in evidence.house.store.catalogue.files("vault")]
    assert entry.pseudonym_domain is not None  # noqa: S101  chosen for having one
    return evidence.house.store.vault.persons_for(tokens, entry.pseudonym_domain, live_files=live)


def _token_not_derived(evidence: Evidence) -> Finding:
    bodies = {code[1:-1] for codes in evidence.once(tokens_in_marts).values() for code in codes.to_pylist()}
    if not bodies:
        return not_applicable(NO_MART)
    chosen = evidence.once(identities).numbers[:_TRIED]
    prefixes = {body[:_SHORTEST] for body in bodies} | {body[:_SHORTEST].lower() for body in bodies}
    salts = _salts(evidence)
    hits = sum(guess[:_SHORTEST] in prefixes for number in chosen for guess in _guesses(f"{number:010d}", salts))
    if hits:
        return broken(f"{hits} codes are a plain or salted hash of an NHS number")
    return kept(f"{len(chosen):,} NHS numbers, hashed {len(_ALGORITHMS)} ways with {len(salts)} salts, give no code")


def _salts(evidence: Evidence) -> tuple[bytes, ...]:
    domains = [entry.pseudonym_domain.name.encode() for entry in makers(evidence) if entry.pseudonym_domain]
    return (b"", evidence.house.store.id.encode(), *dict.fromkeys(domains))


def _guesses(number: str, salts: tuple[bytes, ...]) -> Iterator[str]:
    for algorithm in _ALGORITHMS:
        for salt in salts:
            for hashed in (
                hashlib.new(algorithm, salt + number.encode()).digest(),
                hmac.digest(salt, number.encode(), "sha256" if algorithm == "blake2b" else algorithm),
            ):
                plain = base64.b32encode(hashed).decode()
                yield plain
                yield plain.translate(_CROCKFORD)
                yield hashed.hex()


def _vault_apart(evidence: Evidence) -> Finding:
    files = evidence.house.store.catalogue.files("vault")
    if not files:
        return not_applicable("no code has been given in this store yet")
    by_kind: dict[str, set[str]] = {}
    for file in files:
        place, _, name = file.path.rpartition("/")
        kind, key_id = name.split(".")[:2]
        by_kind.setdefault(f"{place}/{kind}", set()).add(key_id)
    keys = [key for held in by_kind.values() for key in held]
    outside = [file for file in files if not file.path.startswith("vault/")]
    if len(set(keys)) < len(keys) or outside:
        return broken("two parts of the vault share a key, or a part lies outside the vault")
    return kept(f"{len(files)} files of the vault in {len(by_kind)} parts, each under a key of its own")


def _random(evidence: Evidence) -> Finding:
    """80 random bits a code: a domain's codes must look like it."""
    wrong = []
    for activity, codes in evidence.once(tokens_in_marts).items():
        if len(codes) >= _ENOUGH and not _looks_drawn(codes):
            wrong.append(activity)
    if not evidence.once(tokens_in_marts):
        return not_applicable(NO_MART)
    if wrong:
        return broken(f"codes do not look drawn at random in {', '.join(wrong)}")
    return kept("codes are spread as random ones are: no counter, no order, no fixed part")


_ENOUGH = 200
_LETTERS = 32


def _looks_drawn(codes: pa.Array) -> bool:
    """Every place of the body takes many of the 32 characters, none of them most of the time."""
    places = np.stack([np.frombuffer(code[1:-1].encode(), np.uint8) for code in codes.to_pylist()])
    most = max(int(np.bincount(places[:, place]).max()) for place in range(places.shape[1]))
    return most < len(codes) * 4 / _LETTERS


CONTROLS = (
    Control("one-domain-per-purpose", "A code is used for one purpose and no other.", _one_domain_per_purpose),
    Control(
        "one-code-per-person", "In one purpose a person has one code, in every month and dataset.", _one_code_per_person
    ),
    Control("token-not-derived", "No list of NHS numbers leads to a code.", _token_not_derived),
    Control("codes-drawn-at-random", "Codes are drawn, not counted or computed.", _random),
    Control("vault-apart", "Which code is whose lies apart, in parts with keys of their own.", _vault_apart),
)
