# ruff: noqa: E501  the rows of a case read better whole
"""The set-based engine and the plain reference agree: on the price to the penny, on who is responsible."""

from datetime import date, timedelta

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from caldicott.engines.duckdb.invoices import InvoiceEngine, Matching, Source, placed
from caldicott.engines.duckdb.invoices_checks import CheckRules
from caldicott.invoices.price import Care, expected
from caldicott.invoices.reference import shipped
from caldicott.invoices.responsibility import Circumstances, responsible

REFERENCE = shipped()
TODAY = date(2026, 5, 4)
UNITS = sorted(
    {(row["hrg"], row["point_of_delivery"]) for row in (*REFERENCE.rows("prices"), *REFERENCE.rows("local_prices"))}
)
D, T, N, M = pa.date32(), pa.string(), pa.int64(), pa.decimal128(18, 2)
LINES = pa.schema([
    ("file_row", N), ("invoice", T), ("line", T), ("line_type", T), ("provider", T), ("billed_to", T), ("invoiced_on", D),
    ("received_on", D), ("period_from", D), ("period_to", D), ("quantity", N), ("unit_price", M), ("amount", M),
    ("vat_percent", M), ("vat_amount", M), ("currency", T), ("invoice_total", M), ("case_number", T), ("credits_invoice", T),
    ("credits_line", T),
])  # fmt: skip
BACKING = pa.schema([
    ("identity", N), ("nhs_number_status", T), ("birth_date", D), ("postcode", T), ("practice", T), ("provider", T),
    ("invoice", T), ("line", T), ("spell", T), ("started_on", D), ("ended_on", D), ("point_of_delivery", T), ("hrg", T),
    ("top_up", T), ("best_practice", T), ("responsibility_rule", T), ("fixed_commissioner", T),
])  # fmt: skip
CASES = st.fixed_dictionaries({
    "unit": st.sampled_from([*UNITS, ("ZZ98Z", "NEL")]),
    "provider": st.sampled_from(["RZ1", "RZ2", "NZ1", "RQ9", "RXX"]),
    "started": st.dates(date(2022, 6, 1), date(2026, 4, 30)),
    "nights": st.one_of(st.none(), st.integers(0, 90)),
    "quantity": st.integers(1, 9),
    "top_up": st.sampled_from(["", "", "children", "spinal", "orthopaedic", "other"]),
    "best": st.sampled_from(["", "", "bp-hip", "bp-day", "bp-stroke"]),
    "rule": st.sampled_from(["", "", "", "detained", "section-117", "specialised", "overseas", "emergency", "what"]),
    "fixed": st.sampled_from(["", "QZZ", "QYY", "99A", "99B", "QQQ"]),
    "practice": st.sampled_from(["", "Y90001", "Y90003", "Y99999"]),
    "postcode": st.sampled_from(["", "ZZ1 1AA", "ZZ99 1AA", "ZY8 2BB", "ZY12 1AA", "ZX1 1AA", "ZY81AA"]),
})  # fmt: skip


def outward(postcode):
    return postcode.split(" ")[0] if " " in postcode else postcode[:-3]


def by_engine(cases):
    """Every case as one line of one invoice; what the engine makes of them all at once."""
    lines, backing = [], []
    for place, case in enumerate(cases):
        key = {"invoice": "I", "line": str(place), "provider": case["provider"]}
        lines.append({**key, "file_row": place, "billed_to": "QZZ", "received_on": TODAY, "invoiced_on": TODAY,
                      "period_from": TODAY, "period_to": TODAY, "quantity": case["quantity"], "unit_price": 0, "amount": 0})  # fmt: skip
        ended = None if case["nights"] is None else case["started"] + timedelta(days=case["nights"])
        backing.append({**key, "identity": 1, "nhs_number_status": "01", "postcode": case["postcode"] or None,
                        "practice": case["practice"] or None, "started_on": case["started"], "ended_on": ended,
                        "hrg": case["unit"][0], "point_of_delivery": case["unit"][1], "top_up": case["top_up"] or None,
                        "best_practice": case["best"] or None, "responsibility_rule": case["rule"] or None,
                        "fixed_commissioner": case["fixed"] or None})  # fmt: skip
    engine = InvoiceEngine(CheckRules("none", 1, 1, "GBP", (0,)), Matching(1, 1, 2))
    engine.take_reference(REFERENCE, today=TODAY)
    engine.take_history(again=False)
    engine.take_lines(Source("s", 1, "0CX", placed(pa.Table.from_pylist(lines, LINES).to_reader(), 0)))
    for provider in {case["provider"] for case in cases}:
        rows = [row for row in backing if row["provider"] == provider]
        engine.take_backing(Source("b", 1, provider, placed(pa.Table.from_pylist(rows, BACKING).to_reader(), 1)))
    engine.join_backing()
    engine.decide(secret="x", national="X26")
    return {row["file_row"]: row for row in engine.decisions().read_all().to_pylist()}


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(st.lists(CASES, min_size=20, max_size=60))
def test_the_engine_prices_and_places_like_the_reference(cases):
    """Fractions of a penny, stays, factors, top-ups, successions: SQL in whole numbers equals decimals by the book."""
    found = by_engine(cases)
    for place, case in enumerate(cases):
        ended = None if case["nights"] is None else case["started"] + timedelta(days=case["nights"])
        care = Care(
            case["provider"], *case["unit"], case["started"], ended, case["quantity"], case["top_up"], case["best"]
        )
        price = expected(care, REFERENCE)
        assert found[place]["expected_pence"] == price.expected_pence
        codes = {"price-missing", "factor-missing", "top-up-not-due", "best-practice-not-due", "unknown-provider"}
        said = {"factor-missing" if code == "unknown-provider" else code for code in codes & {*found[place]["reasons"]}}
        assert said | {"factor-missing"} == {*price.reasons, "factor-missing"}
        circumstances = Circumstances(
            case["started"], case["provider"], case["practice"], outward(case["postcode"]), case["rule"], case["fixed"]
        )
        assert found[place]["redirect_to"] == responsible(circumstances, REFERENCE, today=TODAY).today
