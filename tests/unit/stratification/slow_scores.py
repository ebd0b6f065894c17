"""The scores a second time: plain loops over the published tables, sharing nothing with the engine but those tables."""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from functools import cache

from caldicott.facts import scores as facts

CHARLSON_HIDES = {"msld": "mld", "diabwc": "diab", "metacanc": "canc"}
ELIXHAUSER_HIDES = {"hypc": "hypunc", "diabc": "diabunc", "metacanc": "solidtum"}
HOW = {
    "charlson-1987": ("charlson_codes.csv", "quan2005", "charlson_weights.csv", "charlson1987", CHARLSON_HIDES),
    "charlson-quan-2011": ("charlson_codes.csv", "quan2005", "charlson_weights.csv", "quan2011", CHARLSON_HIDES),
    "charlson-shmi": ("charlson_codes.csv", "shmi_v1.35", "charlson_weights.csv", "shmi_v1.35", CHARLSON_HIDES),
    "charlson-rcs": ("charlson_rcs_codes.csv", None, None, None, {}),
    "elixhauser-van-walraven": (
        "elixhauser_codes.csv", None, "elixhauser_weights.csv", "vanwalraven2009", ELIXHAUSER_HIDES,
    ),
    "elixhauser-swiss": ("elixhauser_codes.csv", None, "elixhauser_weights.csv", "swiss2021", ELIXHAUSER_HIDES),
    "elixhauser-ahrq-mortality": (
        "elixhauser_codes.csv", None, "elixhauser_weights.csv", "ahrq_mortality2017", ELIXHAUSER_HIDES,
    ),
    "elixhauser-ahrq-readmission": (
        "elixhauser_codes.csv", None, "elixhauser_weights.csv", "ahrq_readmission2017", ELIXHAUSER_HIDES,
    ),
    "hfrs": ("hfrs.csv", None, "hfrs.csv", "points", {}),
}  # fmt: skip


@cache
def table(name):
    return list(csv.DictReader(facts.table_text(name).splitlines()))


def prefixes(name):
    """Every listed code of the score with its group."""
    file, scheme, *_ = HOW[name]
    return [(row["code"], row["group"]) for row in table(file) if scheme is None or row["scheme"] == scheme]


def groups_of(name, codes):
    """The groups a person is in, code by code."""
    found = set()
    for raw in codes:
        code = re.sub("[^0-9A-Z]", "", raw.upper())
        for prefix, group in prefixes(name):
            if code[: len(prefix)] == prefix:
                found.add(group)
    return found


def value(name, codes):
    _file, _scheme, weights_file, column, hides = HOW[name]
    found = groups_of(name, codes)
    for severe, mild in hides.items():
        if severe in found:
            found.discard(mild)
    if weights_file is None:
        return Decimal(len(found))
    total = sum((Decimal(row[column]) for row in table(weights_file) if row["group"] in found), Decimal(0))
    return max(total, Decimal(0)) if name == "charlson-shmi" else total
