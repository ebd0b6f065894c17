"""On the page of an activity: in which form records are used, who sees them, and who receives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.publication.document import Link, Table
from caldicott.publication.pages import phrases
from caldicott.publication.pages.access import SEEING, reidentifying, seats, unseeing
from caldicott.publication.pages.blocks import para, row, section
from caldicott.publication.pages.standing import stops
from caldicott.register import words
from caldicott.vocabulary.terms import InstrumentKind, Relationship

if TYPE_CHECKING:
    from caldicott.publication.document import Block, Section, Text
    from caldicott.publication.pages.access import Seat
    from caldicott.publication.pages.setting import Setting
    from caldicott.register.model import ProcessingActivity, Register, RoleRule

SEES_NOW = "Who sees what"
WOULD_SEE = "Who could see what if this were done"
_NO_MORE_THAN = "Nobody may see more than the form named here. Those who may see more may also see less."


def forms(activity: ProcessingActivity, setting: Setting) -> Section:
    comes_in = words.FORMAT[activity.format_in] if activity.format_in else None
    blocks: list[Block] = [
        para(f"What comes in is {comes_in}." if comes_in else "In which form records come in is not stated.")
    ]
    blocks += _code(activity, setting)
    if activity.linkage:
        blocks.append(para("Records are joined by computer. ", Link("How records are joined", "linking"), "."))
    if activity.disclosure_control is not None:
        rule = activity.disclosure_control.rule
        blocks.append(para(f"Small counts are hidden, so that nobody can be picked out. The rule is called {rule}."))
        if activity.disclosure_control.public_epsilon:
            blocks.append(para("Some counts are published with random noise, so that nobody's records show in them."))
    blocks.append(para(Link("The four forms, with a picture", "types-of-information"), "."))
    return section("form", "In which form", *blocks)


def _code(activity: ProcessingActivity, setting: Setting) -> list[Block]:
    domain = activity.pseudonym_domain
    if domain is None:
        return []
    back = dict.fromkeys(_who(seat.rule, setting.register) for seat in _back(activity, setting))
    can = (
        f"These can go from the code back to you: {words.listed(back)}."
        if back
        else "Nobody may go from the code back to you."
    )
    return [
        para("We put a code in place of your name and NHS number. The code holds for this use and for no other."),
        para(can),
    ]


def _back(activity: ProcessingActivity, setting: Setting) -> tuple[Seat, ...]:
    return reidentifying(activity, setting.register, setting.at)


def who_sees(activity: ProcessingActivity, setting: Setting) -> Section:
    stopped = bool(stops(activity, setting.register, setting.at))
    blocks: list[Block] = []
    if stopped:
        blocks.append(para("Nobody sees anything now, because this is not done."))
    found = seats(activity, setting.register, setting.at)
    rows = tuple(_seat_row(one, setting.register) for one in found)
    if rows:
        head = ("Who", "In which form", "Which records", "On what terms")
        blocks += [para(_NO_MORE_THAN), Table(WOULD_SEE if stopped else SEES_NOW, head, rows)]
    else:
        blocks.append(para("Who sees the records is not stated." if activity.roles is None else "Nobody sees them."))
    blocks += [para(_unseen(one, activity, setting.register)) for one in _once(unseeing(activity))]
    return section("who-sees-it", "Who sees it, in which form", *blocks)


def _once(rules: tuple[RoleRule, ...]) -> tuple[tuple[RoleRule, ...], ...]:
    """Rules of the same people together: those who take in often also join."""
    alike: dict[tuple[str, tuple[str, ...]], list[RoleRule]] = {}
    for rule in rules:
        alike.setdefault((rule.role, rule.organisations), []).append(rule)
    return tuple(tuple(one) for one in alike.values())


def _unseen(rules: tuple[RoleRule, ...], activity: ProcessingActivity, register: Register) -> str:
    who = _who(rules[0], register)
    does = words.listed(dict.fromkeys(words.ACTION[one.action] for one in rules))
    if any(one.role == rules[0].role and one.action in SEEING for one in activity.roles or ()):
        return f"{who} may also {does} the records with a computer."
    return f"{who} may only {does} the records with a computer. They may not look up a person in them."


def _who(rule: RoleRule, register: Register) -> str:
    at = words.listed(phrases.body(one, register) for one in rule.organisations) if rule.organisations else ""
    role, relationship = words.ROLE[rule.role], words.RELATIONSHIP[rule.relationship]
    comma = "," if "," in role and relationship and not relationship.startswith(",") else ""
    return words.capital(f"{role}{comma}{relationship}{f' ({at})' if at else ''}")


def _seat_row(seat: Seat, register: Register) -> tuple[Text, ...]:
    return row(
        _who(seat.rule, register),
        phrases.FORM[seat.rule.ceiling],
        phrases.datasets(seat.datasets) if seat.datasets else "None now",
        " ".join(_terms(seat, register)),
    )


def _terms(seat: Seat, register: Register) -> list[str]:
    said = [f"Not now. {stop.sentence}" for stop in seat.stops]
    may = {"release": "They may give it out.", "decide": "They may decide on it.", "edit": "They may change it."}
    if seat.rule.action in may:
        said.append(may[seat.rule.action])
    if seat.rule.action == "approve":
        said.append("They approve the use.")
    if seat.practices:
        said.append(f"{phrases.several(seat.practices, 'practice takes', 'practices take')} part.")
    if seat.rule.relationship is Relationship.FEDERATION:
        said.append("The guardian of each practice must agree first.")
    needed = [words.instrument(one, register) for one in seat.rule.requires if not _is_told(one, seat, register)]
    if needed:
        said.append(f"Needed first: {'; '.join(needed)}.")
    said += [f"{phrases.dataset(one)}: not now. {stop.sentence}" for one, stop in seat.out_of_reach]
    return said or ["No other terms."]


def _is_told(instrument_id: str, seat: Seat, register: Register) -> bool:
    """The guardians' agreements of a group of practices are many, and one sentence has told of them."""
    found = register.instrument(instrument_id)
    is_guardian = found is not None and found.kind is InstrumentKind.GUARDIAN_AGREEMENT
    return is_guardian and seat.rule.relationship is Relationship.FEDERATION


def who_receives(activity: ProcessingActivity, setting: Setting) -> Section:
    if activity.recipients is None:
        return section("who-receives-it", "Who receives it, and why", para("Who receives it is not stated."))
    if not activity.recipients:
        return section("who-receives-it", "Who receives it, and why", para("Nobody outside receives it."))
    rows = tuple(
        row(
            words.capital(phrases.body(one.recipient, setting.register)),
            phrases.FORM[one.format],
            phrases.sentence(one.purpose) if one.purpose else phrases.NOT_STATED,
            phrases.fields(one.fields) or "No list of facts is given",
        )
        for one in activity.recipients
    )
    head = ("Who receives it", "In which form", "Why", "Which facts")
    blocks: list[Block] = [Table("Who receives it", head, rows)]
    if stops(activity, setting.register, setting.at):
        blocks.insert(0, para("Nobody receives anything now, because this is not done."))
    if activity.flows:
        blocks.append(para("Each way a record takes is on the ", Link("map of flows", "flow-map"), "."))
    return section("who-receives-it", "Who receives it, and why", *blocks)
