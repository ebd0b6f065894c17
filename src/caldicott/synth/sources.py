"""Who sends what: dataset, layout, senders and the agreement they send under, for the example board."""

from __future__ import annotations

from dataclasses import dataclass

ACUTE_EAST, ACUTE_WEST, INDEPENDENT = "RZ1", "RZ2", "NZ1"
COMMUNITY, MENTAL_HEALTH, OUT_OF_HOURS, URGENT_CARE, COUNCIL = "RZC", "RZM", "NZO", "NZU", "999"
PROCESSOR, NATIONAL_BODY, COMMISSIONER = "0CX", "X26", "QZZ"


@dataclass(frozen=True)
class Source:
    """One kind of extract."""

    dataset: str
    layout: str
    file: str
    senders: tuple[str, ...]
    agreement: str
    fault_group: str
    """The column of rates in the fault table; empty for a clean extract."""
    leak_column: str = ""
    """A column that is kept, in which an identifier has no business."""
    free_column: str = ""
    """Where people write what they like."""
    purposes: tuple[str, ...] = ("commissioning-planning", "risk-stratification")


_ACUTE = (ACUTE_EAST, ACUTE_WEST, INDEPENDENT)
_GP, _LOCAL = "gp-sharing-agreement", "local-flows-agreement"
# The example register's risk stratification takes neither community, urgent care nor social care records.
_PLANNING = ("commissioning-planning",)

SOURCES = (
    Source(
        "sus-apc", "ncdr-sus-apc", "sus_apc.csv", _ACUTE, "dars-dsa", "apc", "provider_reference", "provider_reference"
    ),
    Source("sus-op", "ncdr-sus-op", "sus_op.csv", _ACUTE, "dars-dsa", "op", "provider_reference", "provider_reference"),
    Source(
        "sus-ec", "ncdr-sus-ec", "sus_ec.csv", _ACUTE[:2], "dars-dsa", "ec", "provider_reference", "provider_reference"
    ),
    Source("gp-patients", "emis-patients", "Admin_Patient.csv", (PROCESSOR,), _GP, "gp"),
    Source(
        "gp-observations",
        "emis-observations",
        "CareRecord_Observation.csv",
        (PROCESSOR,),
        _GP,
        "gp",
        "term",
        "associated_text",
    ),
    Source(
        "gp-medications", "emis-medications", "Prescribing_IssueRecord.csv", (PROCESSOR,), _GP, "gp", "term", "dosage"
    ),
    Source("gp-appointments", "emis-appointments", "Appointment_Slot.csv", (PROCESSOR,), _GP, "gp", "session_holder"),
    Source("gp-objections", "emis-objections", "Objections.csv", (PROCESSOR,), _GP, "objections"),
    Source(
        "community",
        "csds-care-contact",
        "CYP201CareContact.csv",
        (COMMUNITY,),
        "dars-dsa",
        "contacts",
        purposes=_PLANNING,
    ),
    Source("mental-health", "mhsds-care-contact", "MHS201CareContact.csv", (MENTAL_HEALTH,), "dars-dsa", "contacts"),
    Source(
        "out-of-hours",
        "out-of-hours-contacts",
        "contacts.csv",
        (OUT_OF_HOURS,),
        _LOCAL,
        "contacts",
        "disposition",
        "presenting_notes",
        _PLANNING,
    ),
    Source(
        "urgent-care",
        "urgent-care-attendances",
        "attendances.csv",
        (URGENT_CARE,),
        _LOCAL,
        "contacts",
        "discharge_status",
        "presenting_notes",
        _PLANNING,
    ),
    Source(
        "social-care",
        "asc-client-level",
        "client_level.csv",
        (COUNCIL,),
        "council-sharing-agreement",
        "contacts",
        "event_outcome",
        "event_description",
        _PLANNING,
    ),
    Source("pds", "pds-person", "pds_person.csv", (NATIONAL_BODY,), "dars-dsa", ""),
    Source("pds", "pds-merger", "pds_merger.csv", (NATIONAL_BODY,), "dars-dsa", ""),
    Source("national-data-opt-out", "ndop-mesh", "", (NATIONAL_BODY,), "dars-dsa", ""),
)
DATASETS = tuple(dict.fromkeys(source.dataset for source in SOURCES))
