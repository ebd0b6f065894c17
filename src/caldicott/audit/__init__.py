"""Room: the trail of every act, as a Merkle log that shows any change to it.

Data format seen here: none; entries that look as if they held a row's value are refused.
May import: vocabulary; `cryptography` for signatures. No disk, no clock.
Serves: UK GDPR Articles 5(2) and 30; RFC 6962; keeping confidence "is monitored by the CCG" [notice: leeds-2018].
"""

from caldicott.audit.checkpoint import Checkpoint, public_key_of
from caldicott.audit.entry import AuditEntry, Outcome, decode, encode
from caldicott.audit.guard import days_stated
from caldicott.audit.merkle import CompactRange, verify_consistency, verify_inclusion
from caldicott.audit.report import Finding, VerifyReport
from caldicott.audit.table import HEADINGS, render

__all__ = [
    "HEADINGS",
    "AuditEntry",
    "Checkpoint",
    "CompactRange",
    "Finding",
    "Outcome",
    "VerifyReport",
    "days_stated",
    "decode",
    "encode",
    "public_key_of",
    "render",
    "verify_consistency",
    "verify_inclusion",
]
