"""Bridging two epochs of a domain undoes their separation, so it needs an approval of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldicott.vocabulary.errors import Refused

if TYPE_CHECKING:
    from datetime import date

    from caldicott.register.model import PseudonymDomain
    from caldicott.vocabulary.terms import Role


@dataclass(frozen=True)
class BridgingApproval:
    """Who allowed old tokens to be matched with new ones, between which days, by which document."""

    domain: str
    recipient: str
    agreement: str
    old_epoch: int
    new_epoch: int
    approved_by: Role
    reference: str
    valid_from: date
    valid_until: date

    def covers(self, old: PseudonymDomain, new: PseudonymDomain, *, at: date) -> bool:
        """Whether exactly this pair of epochs of exactly this domain is approved on that day."""
        approved = (self.domain, self.recipient, self.agreement)
        asked = [(each.name, each.recipient, each.agreement) for each in (old, new)]
        is_pair = (old.epoch, new.epoch) == (self.old_epoch, self.new_epoch)
        return asked == [approved, approved] and is_pair and self.valid_from <= at <= self.valid_until


def require_approval(
    approval: BridgingApproval | None, *, old: PseudonymDomain, new: PseudonymDomain, at: date
) -> BridgingApproval:
    """The approval, or Refused if there is none or it is for something else."""
    if approval is None or not approval.covers(old, new, at=at):
        raise Refused(
            f"no approval bridges epoch {old.epoch} and epoch {new.epoch} on {at.isoformat()}",
            code="bridging-not-approved",
            where=old.name,
            next_step="ask the Caldicott Guardian for a bridging approval of this domain and these two epochs",
        )
    return approval
