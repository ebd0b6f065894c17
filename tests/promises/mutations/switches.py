"""Controls and how each is switched off: the real function gives way to one that permits everything.

Each names the tests that should notice. What is switched off is the program;
the tests and `verify`'s own second rules stay as they are.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from caldicott.engines.duckdb import invoices as invoice_engine
from caldicott.engines.duckdb import landing_sql, mart_sql
from caldicott.engines.duckdb import people as people_engine
from caldicott.engines.duckdb.people import BIT, DuckDbPeople
from caldicott.facts.governance import service_areas
from caldicott.facts.layout import ColumnClass, load
from caldicott.operations import export as exporting
from caldicott.operations import export_counts, perform, reading
from caldicott.operations import land as landing
from caldicott.operations import people as gathering
from caldicott.operations import run as running
from caldicott.operations.invoices import desk as invoice_desk
from caldicott.operations.invoices import zone as invoice_zone
from caldicott.operations.protect import Answer
from caldicott.operations.protect_files import table_text
from caldicott.operations.protect_release import Leaving
from caldicott.policy import access, compiled, standing
from caldicott.policy import decide as deciding
from caldicott.policy.decision import Permit
from caldicott.register.model import Instrument, Linkage
from caldicott.safe_haven.pseudonyms.lookup import distinct_persons
from caldicott.safe_haven.pseudonyms.tokens import check_character, make_tokens
from caldicott.stores import audit_log, clear, store, vault
from caldicott.stores.catalogue import Catalogue
from caldicott.stores.keys import KeyRing
from caldicott.vocabulary.formats import DataFormat
from caldicott.vocabulary.terms import Objection, Relationship

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

ACCESS, SCORES, CODES, NO = "test_access.py", "test_riskstrat.py", "test_pseudonym.py", "test_objections.py"
LANDING, JOINS, FORMATS, COUNTS = "test_landing.py", "test_linkage.py", "test_format.py", "test_sdc.py"
SAFETY, BILLS = "test_security.py", "test_invoice.py"


@dataclass(frozen=True)
class Switch:
    """One control, how it is switched off, and where that should be noticed."""

    control: str
    off: Callable[[pytest.MonkeyPatch], None]
    tests: tuple[str, ...]


def _off(owner: Any, name: str, replacement: Any) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: patch.setattr(owner, name, replacement)


def _wrapped(owner: Any, name: str, wrap: Callable[[Any], Any]) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: patch.setattr(owner, name, wrap(getattr(owner, name)))


def _nothing(*_args: Any, **_kwargs: Any) -> tuple[()]:
    return ()


def _any_rule(real: Any) -> Any:
    def rules_for(activity: Any, request: Any) -> Any:
        return real(activity, request) or [rule for rules in activity.rules.values() for rule in rules]

    return rules_for


def _anybody_reidentifies(real: Any) -> Any:
    def rules_for(activity: Any, request: Any) -> Any:
        if request.action != compiled.REIDENTIFY:
            return real(activity, request)
        back = {"ceiling": DataFormat.IDENTIFIABLE}
        return [replace(one, rule=one.rule.model_copy(update=back)) for one in activity.rules.get(request.role, ())]

    return rules_for


def _unbound(real: Any) -> Any:
    return lambda *args, **kwargs: replace(real(*args, **kwargs), relationship=Relationship.NONE)


def _met_by(patch: pytest.MonkeyPatch, action: str, *more: str) -> None:
    patch.setitem(compiled.MET_BY, action, compiled.MET_BY[action] | set(more))


def _only_permits(decisions: Any) -> Any:
    return [decision for decision in decisions if isinstance(decision, Permit)]


def _by_name(manifest: Any) -> Any:
    return load(manifest.layout)


def _every_class(real: Any) -> Any:
    return lambda *args, **kwargs: real(*args, **kwargs) | {one.value for one in ColumnClass}


def _whole_postcode(real: Any) -> Any:
    def derived(column: Any, columns: Any) -> Any:
        if column.column_class == ColumnClass.POSTCODE:
            return [f'r."{column.canonical}" AS outward_postcode']
        return real(column, columns)

    return derived


def _nobody_objects(real: Any) -> Any:
    def gather(*args: Any) -> Any:
        people = real(*args)
        people.masks = {dataset: [] for dataset in people.masks}
        return people

    return gather


def _without_national(settle: Any) -> Any:
    def settled(self: Any, *, ndop_answered: bool) -> None:
        settle(self, ndop_answered=ndop_answered)
        kept = ~BIT[Objection.NATIONAL_DATA_OPT_OUT]
        for table in ("person", "person_local"):
            self.connection.execute(f"UPDATE {table} SET mask = mask & {kept}")

    return settled


def _one_domain(tokens_for: Any) -> Any:
    def given(self: Any, persons: Any, domain: Any, **rest: Any) -> Any:
        one = domain.model_copy(update={"name": "commissioning", "letter": "C", "agreement": "dars-dsa"})
        return tokens_for(self, persons, one, **rest)

    return given


_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def _hashed(number: int, letter: str) -> str:
    whole = int.from_bytes(hashlib.sha256(f"{number:010d}".encode()).digest()[:10], "big")
    body = letter + "".join(_CROCKFORD[whole >> shift & 31] for shift in range(75, -1, -5))
    return body + check_character(body)


def _derived_tokens(patch: pytest.MonkeyPatch) -> None:
    """Codes made of the NHS number by SHA-256, as careless programs make them."""
    real = gathering.numbered

    def numbered(strangers: Any, entropy: Any) -> Any:
        if "number" in strangers.column_names:
            return strangers.append_column("person_id", strangers["number"])
        return real(strangers, entropy)

    def tokens_for(self: Any, persons: Any, domain: Any, *, created: Any, live_files: Any) -> Any:
        wanted = distinct_persons(persons)
        pairs = vault._pairs(wanted, pa.array([_hashed(int(one), domain.letter) for one in wanted], pa.string()))
        if self._live(domain, vault.INDEX, live_files):
            return pairs, ()
        return pairs, self._write_both(domain, pairs, pairs, turn=0, created=created)

    patch.setattr(gathering, "numbered", numbered)
    patch.setattr(vault.Vault, "tokens_for", tokens_for)


def _counted_tokens(patch: pytest.MonkeyPatch) -> None:
    """Codes that count up, the same in every store."""
    numbers = count(1)

    def draw(_self: Any, domain: Any, index: Any, wanted: int) -> Any:
        first = len(index.issued) + 1
        next(numbers)
        return make_tokens(b"".join((first + n).to_bytes(10, "big") for n in range(wanted)), domain.letter)

    patch.setattr(vault.Vault, "_draw", draw)


def _as_they_are(_house: Any, tables: Any, **_asked: Any) -> Leaving:
    """The gate stands open: every true count leaves."""
    texts = {
        table.name: table_text(table.dimensions, ("count", "people"), [
            (row.values, (str(row.count), str(row.people))) for row in table.rows
        ])
        for table in tables
    }  # fmt: skip
    return Leaving(Answer(texts), "")


def _plain_files(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(clear, "create_encryption_properties", lambda *_a, **_k: None)
    patch.setattr(clear, "create_decryption_properties", lambda *_a, **_k: None)


def _one_key(real: Any) -> Any:
    return lambda self, _scope, *, created: real(self, "everything", created=created)


def _key_in_the_store(real: Any) -> Any:
    return lambda store_id, *, environ, ring_folder, **_home: real(
        store_id, environ=environ, home=ring_folder, ring_folder=ring_folder
    )


def _joins_everything(real: Any) -> Any:
    def link(self: Any, report: Any) -> None:
        pairs = tuple(Linkage(left=name, right=name, zone="any", organisation="any") for name in service_areas())
        self._entry = self._entry.model_copy(update={"linkage": pairs})
        real(self, report)

    return link


def _uncounted(real: Any) -> Any:
    return lambda self, submission, taken: replace(real(self, submission, taken), excluded_by={})


def _finds_nothing(real: Any) -> Any:
    return lambda *args, **kwargs: replace(real(*args, **kwargs), findings=())


def _anybody_enters(patch: pytest.MonkeyPatch) -> None:
    for room in (invoice_zone, invoice_desk):
        patch.setattr(room, "require_member", lambda _zone: None)


_ANY_DISSENT = people_engine._OBJECTING.replace("arg_max(is_dissent, (recorded_on, is_dissent))", "bool_or(is_dissent)")
_ENDLESS = people_engine._OBJECTING.replace("WHERE c.effective_until IS NULL OR", "WHERE true OR")

SWITCHES = {switch.control: switch for switch in (
    Switch("ceiling of a role", _off(DataFormat, "is_within", lambda *_a: True), (ACCESS, SCORES, COUNTS)),
    Switch("no rule means no", _wrapped(access, "_rules_for", _any_rule), (ACCESS, SCORES)),
    Switch("basis in law before anything is given", _off(standing, "_against_gaps", _nothing), (ACCESS, FORMATS)),
    Switch("end dates of documents", _off(Instrument, "is_live", lambda *_a: True), (ACCESS, LANDING)),
    Switch("document of the flow that carries a dataset", _off(deciding, "against_flows", _nothing), (ACCESS,)),
    Switch("organisation that asks", _off(access, "_against_organisation", _nothing), (SCORES, COUNTS, ACCESS)),
    Switch("relationship to be shown", _wrapped(deciding, "_obligations", _unbound), (SCORES,)),
    Switch("agreement of each practice's Guardian", _off(access, "_against_agreement", _nothing), (SCORES,)),
    Switch("identifiers only in identifiable records", _off(deciding, "against_identifiers", _nothing), (JOINS,)),
    Switch("who may turn a code into a person", _wrapped(access, "_rules_for", _anybody_reidentifies), (CODES,)),
    Switch("who may take in records", lambda patch: _met_by(patch, "land", "see", "link"), (ACCESS, JOINS)),
    Switch("operator may not look", lambda patch: _met_by(patch, "see", "land", "link"), (LANDING,)),
    Switch("agreement of a delivery", _off(landing, "against_agreement", lambda *_a, **_k: None), (LANDING,)),
    Switch("decision before landing", _off(landing, "permits", _only_permits), (LANDING,)),
    Switch("format of a delivery", _off(landing, "_layout", _by_name), (LANDING, FORMATS)),
    Switch("columns of a delivery", _off(reading.tables, "preflight", lambda *_a: []), (FORMATS,)),
    Switch("check digit", _off(landing_sql, "number_fault", lambda **_k: "NULL::VARCHAR"), (LANDING,)),
    Switch("search of free columns", _off(landing_sql, "scanned", lambda _c: False), (LANDING, FORMATS)),
    Switch("columns of a mart", _off(mart_sql, "_may_stay", lambda *_a: True), (ACCESS, FORMATS)),
    Switch("columns a permit allows", _wrapped(deciding, "column_classes", _every_class), (ACCESS, FORMATS)),
    Switch("postcode cut in half", _wrapped(mart_sql, "_derived", _whole_postcode), (ACCESS,)),
    Switch("objections in a run", _off(gathering, "_masks", lambda *_a: []), (NO,)),
    Switch("objections at export", _wrapped(exporting, "gather", _nobody_objects), (NO,)),
    Switch("latest code counts", _off(people_engine, "_OBJECTING", _ANY_DISSENT), (NO,)),
    Switch("end of type 2", _off(people_engine, "_OBJECTING", _ENDLESS), (NO,)),
    Switch("National Data Opt-out", _wrapped(DuckDbPeople, "settle", _without_national), (NO,)),
    Switch("age of the national answer", _off(gathering, "is_answer_usable", lambda *_a, **_k: True), (NO,)),
    Switch("silence of practices", _off(gathering, "is_answered", lambda *_a, **_k: True), (NO,)),
    Switch("count of rows left out", _wrapped(running._Work, "_count", _uncounted), (NO,)),
    Switch("one domain of codes a purpose", _wrapped(vault.Vault, "tokens_for", _one_domain), (CODES, JOINS)),
    Switch("codes not made of the number", _derived_tokens, (CODES,)),
    Switch("codes drawn at random", _counted_tokens, (CODES,)),
    Switch("small counts hidden", _off(export_counts, "release_counts", _as_they_are), (COUNTS,)),
    Switch("only listed joins", _wrapped(running._Work, "_link", _joins_everything), (JOINS,)),
    Switch("decisions in the trail", _off(perform, "record", lambda *_a: None), (SAFETY,)),
    Switch("acts in the trail", _off(Catalogue, "put_outbox", lambda *_a: None), (SAFETY,)),
    Switch("inspection of the trail", _wrapped(audit_log, "inspect", _finds_nothing), (SAFETY,)),
    Switch("encryption at rest", _plain_files, (SAFETY, ACCESS)),
    Switch("a key for each dataset and purpose", _wrapped(KeyRing, "key_for", _one_key), (SAFETY,)),
    Switch("key kept outside the store", _wrapped(store, "locate", _key_in_the_store), (SAFETY,)),
    Switch("members of the locked area", _anybody_enters, (BILLS,)),
    Switch("checks of a bill", _off(invoice_engine, "reasons_sql", lambda _rules: "[]::VARCHAR[]"), (BILLS,)),
    Switch("whitelist of backing", _off(reading.tables, "preflight", lambda *_a: []), (BILLS,)),
)}  # fmt: skip
EVERY_DAY = ("objections in a run", "ceiling of a role", "encryption at rest")
"""Tried in every run of the tests; all of them by night."""
