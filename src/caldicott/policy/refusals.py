"""A refusal from what stands in the way: every reason, what to do next, and the post that answers on that day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldicott.policy.decision import Refusal

if TYPE_CHECKING:
    from datetime import date

    from caldicott.policy.compiled import CompiledRegister
    from caldicott.policy.decision import Hindrance, Request


def refuse(request: Request, asked: CompiledRegister, *, at: date, hindrances: tuple[Hindrance, ...]) -> Refusal:
    """No, for all of these reasons. The next step and the post are those of the first one.

    Unknown words are put right all at once, so each gives its own step.
    """
    steps = [one.next_step for one in hindrances if one is hindrances[0] or one.reason.code.startswith("unknown-")]
    return Refusal(
        request=request,
        at=at,
        register_digest=asked.register.digest,
        reasons=tuple(hindrance.reason for hindrance in hindrances),
        next_step=" ".join(dict.fromkeys(steps)),
        ask=_post(hindrances[0].post, asked, at),
    )


def _post(wanted: str, asked: CompiledRegister, at: date) -> str:
    """The post that answers on that day; the data protection officer's, or the controller itself, if it has none."""
    controller = asked.register.controller
    began = [one for one in controller.contacts if one.valid_from is None or one.valid_from <= at]
    for role in (wanted, "dpo", "caldicott_guardian"):
        for contact in reversed(began):
            if contact.role == role:
                return f"{contact.post} ({contact.reach})" if contact.reach else contact.post
    return controller.name
