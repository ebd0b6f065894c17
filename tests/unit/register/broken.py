"""A minimal register that holds, as texts, and a way to break it in one place."""

from __future__ import annotations

from datetime import date

from caldicott.register.check import check
from caldicott.register.faults import errors_of
from caldicott.register.parse import Text, Texts, parse

AT = date(2026, 11, 22)

CONTROLLER = """\
id = "small"
name = "Small ICB"
kind = "icb"
strict = true
regime = "uk_gdpr_dpa2018_duaa2025"

[[member_practices]]
ods = "Z80001"
valid_from = 2026-04-01

[[notices]]
version = "1"
published = 2026-04-01
""" + "".join(
    f'\n[[contacts]]\nrole = "{role}"\npost = "Post"\n'
    for role in ("dpo", "caldicott_guardian", "siro", "counter_fraud", "rights", "foi", "complaints")
)

ORGANISATIONS = """\
[[organisation]]
id = "source"
name = "Source"
roles = ["source"]

[[organisation]]
id = "firm"
name = "Firm"
roles = ["processor"]
functions = ["Keeps the tables"]
activities = ["planning"]
"""

INSTRUMENTS = """\
[[instrument]]
id = "approval"
kind = "s251_approval"
reference = "An approval"
activities = ["planning", "scores"]
valid_from = 2020-01-01
datasets_excluded = ["social-care"]
objections_waived = ["ndop"]

[[instrument.history]]
valid_until = 2025-01-01
event = "granted"

[[instrument.history]]
valid_until = 2029-01-01
event = "extended"

[[instrument]]
id = "agreement"
kind = "agreement"
reference = "An agreement"
activities = ["planning", "scores"]
valid_from = 2020-01-01

[[instrument]]
id = "contract"
kind = "contract"
reference = "A contract"
parties = ["firm"]
due_diligence_date = 2019-12-01
valid_from = 2020-01-01
"""

PLANNING = '''\
id = "planning"
version = 1
status = "active"
title = "Planning"
plain_text = """
We plan.
"""
effective_from = 2026-04-01
purpose = "commissioning.planning"
use = "secondary"
data_subjects = ["patients"]
personal_data = ["health"]
format_in = "pseudonymised"
identifiers_allowed = []
sources = ["source"]
instruments = ["approval"]
automated_decision = "none"
measures = ["audit_trail"]
review_due = 2027-04-01
recipients = []

[[data_protection_basis]]
article6 = "A6-1-e"
article9 = "A9-2-h"
dpa_schedule1 = [2]
statutes = ["Care Act 2014"]

[confidentiality_basis]
kind = "s251"
instrument = "approval"

[[datasets]]
dataset = "sus-apc"
direction = "in"

[[flows]]
id = "in"
from_organisation = "source"
to_organisation = "small"
datasets = ["sus-apc"]
format = "pseudonymised"
instrument = "agreement"
review_due = 2027-04-01

[[roles]]
role = "commissioning_analyst"
ceiling = "pseudonymised"
datasets = ["sus-apc"]

[[objections.rules]]
scheme = "type1"
covers_formats = ["pseudonymised"]

[[objections.exemptions]]
kind = "cag_waiver"
reference = "An approval"
schemes = ["ndop"]

[pseudonym_domain]
name = "planning"
letter = "P"
recipient = "small"
agreement = "agreement"
epoch = 1

[disclosure_control]
rule = "hes-2018"

[retention]
retention_class = "Clinical audit"
starts = "the end"
minimum = "5 years"

[[rights]]
right = "access"
applies = "yes"

[publication]
in_notice = true
notice_version = "1"
'''

SMALL = {
    "controller.toml": CONTROLLER,
    "organisations.toml": ORGANISATIONS,
    "instruments.toml": INSTRUMENTS,
    "activities/planning.toml": PLANNING,
    "activities/scores.toml": PLANNING.replace('"planning"', '"scores"').replace('letter = "P"', 'letter = "S"'),
}


def texts_of(contents):
    """Texts of a folder called `small`."""
    return Texts("small", {name: Text(name, f"small/{name}", content) for name, content in contents.items()})


def faults_of(contents, at=AT):
    """Every fault of these texts: in how they are written, then in what they say."""
    texts = texts_of(contents)
    register, faults = parse(texts)
    return faults if register is None or errors_of(faults) else (*faults, *check(register, at=at, texts=texts))


def broken(name, old, new):
    """The small register with the first `old` of one file replaced, and the line on which that stands."""
    content = SMALL[name]
    assert old in content
    line = content[: content.index(old)].count("\n") + 1
    return {**SMALL, name: content.replace(old, new, 1)}, line


def lenient(contents):
    """The same, loaded as an old notice is."""
    return {**contents, "controller.toml": contents["controller.toml"].replace("strict = true", "strict = false")}
