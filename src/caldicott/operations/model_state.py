"""Who brings a model into shadow, who approves it, who takes it back; and which model counts today.

The register says who may: a rule with the action `approve` on the scores. No rule,
no approval. An approval is asked again on every day it is used: when a document
that it needs has lapsed, or the register lets nobody approve any more, no
practice sees the model's scores from that day on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from caldicott.operations.perform import Act, House, ask, perform, permits, record
from caldicott.operations.staff import require_other_person
from caldicott.operations.stratify_plan import RISK_SCORES
from caldicott.policy.decide import decide
from caldicott.policy.decision import Permit, Request
from caldicott.stores import models as store_models
from caldicott.stratification.model import form
from caldicott.stratification.model.state import Life, Said, State, as_record, from_record
from caldicott.vocabulary.errors import DoesNotHold, WrongUsage
from caldicott.vocabulary.formats import DataFormat

if TYPE_CHECKING:
    from caldicott.stratification.model.form import Model


@dataclass(frozen=True)
class Standing:
    """A model that may be used today, and its life."""

    life: Life
    model: Model
    reference: dict[str, Any]


def lives(house: House, activity: str) -> list[Life]:
    """Every model of the activity, oldest first."""
    return [from_record(one) for one in store_models.lives(house.store, activity)]


def life_of(house: House, activity: str, name: str) -> Life:
    """The model of that name.

    Raises:
        WrongUsage: there is none.
    """
    found = lives(house, activity)
    for life in found:
        if life.name == name:
            return life
    raise WrongUsage(
        "the store has no such model of this activity", code="model-unknown", where="--model",
        next_step=f"name one of: {', '.join(one.name for one in found) or 'none yet; train one first'}",
    )  # fmt: skip


def set_state(
    house: House, *, activity: str, name: str, state: str, role: str, organisation: str | None = None
) -> Life:
    """Bring a model into a state, in the name of a role that the register lets approve the scores.

    Raises:
        Refused: the register does not let this role approve it today, or the step cannot be taken.
    """
    if state not in {one.value for one in State}:
        raise WrongUsage(
            "a model has no such state", code="model-state-unknown", where="--to",
            next_step=f"name one of: {', '.join(State)}",
        )  # fmt: skip
    permits(ask(house, [_request(role, activity, organisation)]))
    life = life_of(house, activity, name)
    moved = life.moved(Said(State(state), house.today.isoformat(), house.actor, role))
    if moved.state is State.APPROVED:
        require_other_person(house, [life.trained_by])

    def compute() -> Act[Life]:
        read(house, life)  # a torn or changed file is not brought anywhere
        others = [
            _stepped_down(one, house, role) if moved.state is State.APPROVED else one for one in lives(house, activity)
        ]
        kept = [moved if one.name == name else one for one in others]
        return Act(
            moved,
            lambda: store_models.keep_lives(house.store, activity, [as_record(one) for one in kept]),
            references=(name, life.sha256, life.state.value, moved.state.value, role),
            dataset=RISK_SCORES,
            format=DataFormat.PSEUDONYMISED.value,
        )

    return perform(house, event="model-state", activity=activity, compute=compute)


def approved(house: House, activity: str) -> Standing | None:
    """The one approved model, if its approval stands today; asked and recorded each time."""
    for life in lives(house, activity):
        if life.state is State.APPROVED:
            last = life.said[-1]
            decision = decide(_request(last.role, activity, None), house.register, house.today)
            record(house, [decision])
            return read(house, life) if isinstance(decision, Permit) else None
    return None


def in_shadow(house: House, activity: str) -> list[Standing]:
    """The models that run beside, unseen."""
    return [read(house, life) for life in lives(house, activity) if life.state is State.SHADOW]


def read(house: House, life: Life) -> Standing:
    """The model behind a life, held against its hash.

    Raises:
        DoesNotHold: the file is not the one that was judged.
    """
    content = store_models.read(house.store, life.path)
    model = form.from_record(content)
    if model.sha256 != life.sha256:
        raise DoesNotHold(
            "the file of the risk model is not the one that was judged and approved",
            code="model-changed",
            where=life.path,
            next_step="find out who changed it; train and approve the model anew",
        )
    return Standing(life, model, content.get("reference", {}))


def _stepped_down(life: Life, house: House, role: str) -> Life:
    """There is one approved model: the one before goes back into shadow."""
    if life.state is not State.APPROVED:
        return life
    return life.moved(Said(State.SHADOW, house.today.isoformat(), house.actor, role))


def _request(role: str, activity: str, organisation: str | None) -> Request:
    return Request(role, activity, RISK_SCORES, DataFormat.AGGREGATED, action="approve", organisation=organisation)
