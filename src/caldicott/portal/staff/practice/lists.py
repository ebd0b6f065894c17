"""The practice's list: whose patients, which of them, in which order; and ways to look at it that a reader keeps."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from caldicott.operations.practice_list import CHANGES as CHANGE_CHOICES
from caldicott.operations.practice_list import page, practices, sized
from caldicott.portal.staff import trail
from caldicott.portal.staff.home import organisation_in_words
from caldicott.portal.staff.leading import see_other
from caldicott.portal.staff.pages import drawn, show
from caldicott.portal.staff.practice import wording
from caldicott.portal.staff.practice.asking import PER_PAGE, STAGES, asked_in, flat
from caldicott.portal.staff.practice.frame import OWN, ROOT, standing, why
from caldicott.portal.staff.practice.keeping import cases_for, forget, gone
from caldicott.portal.staff.refusing import as_pages
from caldicott.portal.views import board
from caldicott.stores.desk import saved_filters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse
    from markupsafe import Markup

    from caldicott.operations.practice_list import Page
    from caldicott.portal.staff.practice.asking import Asked
    from caldicott.stores.desk.cases import CaseNow


@as_pages
def start(request: HttpRequest) -> HttpResponse:
    """Whose list: one's own practice at once; of a group, the practices whose guardian agrees today."""
    reader = request.reader
    with standing(reader) as at:
        rights = practices(at.house, reader=at.asker, activity=at.activity)
    if rights.relationship == OWN and len(rights.practices) == 1:
        return see_other(f"{ROOT}{rights.practices[0]}/")
    return show(
        request, "practice/practices.jinja", "Choose a practice", places=_places(rights.practices),
        lapsed=[(organisation_in_words(code), text) for code, text in sorted(rights.lapsed.items())],
        why=why(reader, reasons=tuple(text for _code, text in rights.reasons)),
    )  # fmt: skip


def _places(codes: tuple[str, ...]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Locality to its practices, with addresses."""
    members = {one.ods: one.localities for one in board().notice().register.controller.member_practices}
    found: dict[str, list[tuple[str, str]]] = {}
    for code in sorted(codes):
        locality = (members.get(code) or ("No locality",))[0]
        found.setdefault(locality, []).append((organisation_in_words(code), f"{ROOT}{code}/"))
    return sorted(found.items())


@as_pages
def practice_list(request: HttpRequest, practice: str) -> HttpResponse:
    """A page of the list."""
    practice, asked = practice.upper(), asked_in(flat(request.GET))
    reader = request.reader
    with standing(reader) as at:
        cases = cases_for(reader, practice)
        query = asked.query(cases, offset=(asked.page - 1) * PER_PAGE)
        found = page(
            at.house, reader=at.asker, activity=at.activity, practice=practice, query=query, kept=frozenset(cases)
        )
    forget(reader, practice, gone(found, cases), of=len(cases))
    pages = _pages(found, asked)
    if asked.page > pages["last"]:  # a filter, or a run, made the list shorter than the address knows
        return see_other(f"{ROOT}{practice}/?{asked.written(page=pages['last'])}")
    is_own = found.seen.rights.relationship == OWN
    return show(
        request, "practice/list.jinja", f"Patients of {organisation_in_words(practice)}",
        found=found, asked=asked, practice=practice, is_own=is_own, columns=wording.columns(), wording=wording,
        rows=_rows(found, cases, practice, is_own=is_own), pages=pages, address=f"{ROOT}{practice}/",
        filters=_filters(tuple(found.choices.items()), asked.filters, asked.stages, is_own=is_own),
        why=why(reader, found.seen), saved=saved_filters.of(reader.user, practice),
    )  # fmt: skip


def _rows(found: Page, cases: Mapping[str, CaseNow], practice: str, *, is_own: bool) -> list[dict[str, Any]]:
    heads = [name for _sort, name in wording.columns()] + (["Our work"] if is_own else [])
    is_first_month = len(found.seen.months) == 1
    rows = []
    for person in found.seen.persons:
        cells = wording.cells(person, is_first_month=is_first_month)
        cells += (wording.work(cases.get(person.token)),) if is_own else ()
        rows.append(
            {
                "name": person.name or "Name not shown", "nhs_number": wording.nhs_number(person.nhs_number),
                "born": wording.born(person), "cells": [*zip(heads, cells, strict=True)],
                "address": f"{ROOT}{practice}/patients/{person.token}/",
            }
        )  # fmt: skip
    return rows


@lru_cache(maxsize=256)
def _filters(
    known: tuple[tuple[str, tuple[str, ...]], ...], chosen: tuple[tuple[str, str], ...], stages: tuple[str, ...], *,
    is_own: bool,
) -> Markup:  # fmt: skip
    """The boxes to tick. Kept: they hold no person, and are half of a page's words."""
    made = [(name, [(value, _said(name, value)) for value in values]) for name, values in known]
    made.insert(1, ("change", [(value, wording.CHANGES[value]) for value in CHANGE_CHOICES]))
    if is_own:
        made.append(("stage", list(STAGES.items())))
    ticked = {*chosen, *(("stage", one) for one in stages)}
    return drawn(
        "practice/filters.jinja", ticked=ticked,
        filters=[(name, wording.FILTER_WORDS[name], choices) for name, choices in made if choices],
    )  # fmt: skip


def _said(name: str, value: str) -> str:
    return f"{value} years" if name == "age-band" else value[:1].upper() + value[1:]


def _pages(found: Page, asked: Asked) -> dict[str, Any]:
    last = max(1, -(-found.matching // PER_PAGE))
    return {
        "now": asked.page, "last": last,
        "before": asked.written(page=asked.page - 1) if asked.page > 1 else None,
        "after": asked.written(page=asked.page + 1) if asked.page < last else None,
    }  # fmt: skip


@as_pages
def keep_filter(request: HttpRequest, practice: str) -> HttpResponse:
    """Keep the way the list is looked at, under a name. The same name again takes its place."""
    practice, asked = practice.upper(), asked_in(flat(request.POST))
    name = " ".join(request.POST.get("name", "").split())[:60]
    reader = request.reader
    with standing(reader) as at:
        # Asked first: nobody keeps anything about a practice that is not theirs.
        sized(at.house, reader=at.asker, activity=at.activity, practice=practice, query=asked.query({}))
    mine = saved_filters.of(reader.user, practice)
    if name and (len(mine) < saved_filters.MOST or name in {one.name for one in mine}):
        with trail.recorded():
            saved_filters.keep(reader.user, practice, name=name, query=asked.written()[:400])
    return see_other(f"{ROOT}{practice}/?{asked.written()}")


@as_pages
def remove_filter(request: HttpRequest, practice: str, number: int) -> HttpResponse:
    """Let a kept way to look at the list go."""
    with trail.recorded():
        saved_filters.remove(request.reader.user, practice.upper(), number)
    return see_other(f"{ROOT}{practice.upper()}/")
