"""How long a sign-in lasts and how often it may fail, with the reasons [ASVS 5.0: 7.1.1 asks for them in writing].

NIST SP 800-63B-4 (AAL2) allows an hour of inactivity and a day in all; screening
services of the NHS use 15 minutes and 12 hours, because desks in practices are
shared and a shift is no longer than that. We follow the NHS.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

IDLE: Final = timedelta(minutes=15)
ABSOLUTE: Final = timedelta(hours=12)
HALF_WAY: Final = timedelta(minutes=10)
"""For a sign-in that has not reached its end, and for setting up a second factor."""
FRESH: Final = timedelta(minutes=5)
"""Before an export, or a change of how one signs in, the last proof must not be older than this."""
SEEN_STEP: Final = timedelta(seconds=20)
"""Activity is written no more often than this; so 15 minutes may be 20 seconds shorter, never longer."""
INVITATION: Final = timedelta(hours=72)
KEEP_ENDED: Final = timedelta(days=1)
"""How long an ended visit is remembered, so that its browser can be told why it ended."""

FAILURES: Final = 5
"""Then the name rests. NIST SP 800-63B-4 3.2.2 allows no more than 100 in a row."""
REST: Final = timedelta(minutes=15)
LONGEST_REST: Final = timedelta(hours=4)
"""Each further failure doubles the rest, up to this: a stranger must not lock somebody out for good."""
FORGIVEN: Final = timedelta(days=1)

PASSWORD_SHORTEST: Final = 12
"""NIST SP 800-63B-4 asks for 8 beside a second factor, 15 alone; a passkey or a code is always beside ours."""
PASSWORD_LONGEST: Final = 128
RECOVERY_CODES: Final = 10
