"""What is wrong with a delivered file, and what was read of it.

A fault names a place and a reason, never a value: a place is an ordinal such as
`member 12 entry 3`, because senders put NHS numbers and surnames into file and
member names [gp-connect sample]. Reasons are a closed set so that a test can
count them and a person can look them up.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

FAULTS_KEPT = 10_000  # a hostile file may have millions; all are counted, this many are named


class Reason(StrEnum):
    """Why a file, a member or a resource cannot be read."""

    ARCHIVE_LINK = "archive-link"
    ARCHIVE_PATH = "archive-path"
    ARCHIVE_UNREADABLE = "archive-unreadable"
    DUPLICATE_COLUMN = "duplicate-column"
    DUPLICATE_KEY = "duplicate-key"
    EMPTY_BUNDLE = "empty-bundle"
    EMPTY_FILE = "empty-file"
    ENTRY_WITHOUT_RESOURCE = "entry-without-resource"
    LINE_TOO_LONG = "line-too-long"
    MEMBER_TOO_LARGE = "member-too-large"
    MISSING_COLUMN = "missing-column"
    NO_SUBJECT = "no-subject"
    NOT_FHIR = "not-fhir"
    NOT_JSON = "not-json"
    NOT_PARQUET = "not-parquet"
    NOT_UTF8 = "not-utf8"
    NOT_XML = "not-xml"
    NUL_BYTE = "nul-byte"
    OPERATION_OUTCOME = "operation-outcome"
    TOO_DEEP = "too-deep"
    TOO_MANY_COLUMNS = "too-many-columns"
    TOO_MANY_MEMBERS = "too-many-members"
    TOO_MUCH_UNPACKED = "too-much-unpacked"
    UNCLOSED_QUOTE = "unclosed-quote"
    UNKNOWN_COLUMN = "unknown-column"
    UNKNOWN_FILE_KIND = "unknown-file-kind"
    UNKNOWN_MEMBER_KIND = "unknown-member-kind"
    UNREADABLE_DATE = "unreadable-date"
    UNREADABLE_NUMBER = "unreadable-number"
    WRONG_SHAPE = "wrong-shape"
    XML_ENTITY = "xml-entity"


class Unreadable(Exception):
    """Carries a reason from where it is found to where it is written down; never leaves this room."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True)
class Fault:
    """One thing that cannot be read. `rows` is how many input rows it stands for, 0 for the file itself."""

    place: str
    reason: Reason
    rows: int = 1


@dataclass
class ReadResult:
    """A reading under way: take `batches` first; the counts are whole when they are used up."""

    batches: Iterator[pa.RecordBatch] = field(default_factory=lambda: iter(()))
    counts: Counter[str] = field(default_factory=Counter)
    """Rows given, by resource type."""
    member_counts: dict[str, Counter[str]] = field(default_factory=dict)
    """The same by member (`member 12`)."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Members left unread on purpose, by reason; only what is certainly no record."""
    faults: list[Fault] = field(default_factory=list)
    fault_counts: Counter[str] = field(default_factory=Counter)
    fault_rows: int = 0
    """How many input rows the faults stand for; with `rows` all that was delivered."""

    @property
    def rows(self) -> int:
        """How many rows were given."""
        return self.counts.total()

    @property
    def is_whole(self) -> bool:
        """Whether everything delivered was given as a row."""
        return not self.fault_counts

    def note(self, place: str, reason: Reason, *, rows: int = 1) -> None:
        """Write down a fault."""
        self.fault_counts[reason.value] += 1
        self.fault_rows += rows
        if len(self.faults) < FAULTS_KEPT:
            self.faults.append(Fault(place=place, reason=reason, rows=rows))
