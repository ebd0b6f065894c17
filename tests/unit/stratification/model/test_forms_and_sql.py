"""A model's form, its SQL and its file say the same of every person, missing numbers too."""

from __future__ import annotations

import json

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caldicott.engines.duckdb.model_sql import adds_of, probability_of
from caldicott.stratification.model.form import Hinges, Model, Node, Steps, Tree, as_record, from_record
from caldicott.vocabulary.errors import DoesNotHold

NUMBERS = st.floats(-50, 50, allow_nan=False) | st.integers(-3, 12).map(float) | st.none()
WEIGHTS = st.floats(-3, 3, allow_nan=False)


@st.composite
def models(draw):
    """A model of every form of term over two features."""
    cuts = tuple(sorted({*draw(st.lists(st.integers(-5, 20).map(float), max_size=6))}))
    steps = Steps("b", cuts, tuple(draw(WEIGHTS) for _ in range(len(cuts) + 1)), draw(WEIGHTS))
    knots = (0.0, 2.0, 5.5)
    hinges = Hinges("a", knots, tuple(draw(WEIGHTS) for _ in knots), 9.0, draw(WEIGHTS))
    inner = Node("b", draw(st.floats(-5, 5)), draw(st.booleans()), draw(WEIGHTS), draw(WEIGHTS))
    tree = Tree(Node("a", draw(st.floats(-5, 5)), draw(st.booleans()), inner, draw(WEIGHTS)))
    return Model(
        "ebm", "x", ("a", "b"), draw(WEIGHTS), (hinges, steps, tree), draw(st.floats(0.5, 2)), {"icb": draw(WEIGHTS)}
    )


@settings(max_examples=60, deadline=None)
@given(models(), st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=20))
def test_sql_says_what_the_model_says(model, people):
    """Person by person, with numbers at the cuts and with numbers missing."""
    rows = pa.table(
        {"a": pa.array([a for a, _ in people], pa.float64()), "b": pa.array([b for _, b in people], pa.float64())}
    )
    by_sql = duckdb.sql(f"SELECT {probability_of(model, 'icb')} AS p FROM rows").fetchnumpy()["p"]
    columns = {
        name: np.array([np.nan if one is None else one for one in rows[name].to_pylist()]) for name in ("a", "b")
    }
    np.testing.assert_allclose(by_sql, model.probabilities(columns, controller="icb"), rtol=0, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(models())
def test_a_model_survives_its_file(model):
    """Written and read it is the same model with the same hash."""
    again = from_record(json.loads(json.dumps(as_record(model))))
    assert again == model
    assert again.sha256 == model.sha256


def test_a_controller_it_was_never_calibrated_on_is_refused():
    """Another board's people need an intercept of their own first."""
    model = Model("ebm", "x", ("a",), 0.0, (), 1.0, {"icb": 0.0})
    with pytest.raises(DoesNotHold) as refused:
        probability_of(model, "other")
    assert refused.value.code == "model-not-calibrated"


@pytest.mark.parametrize("torn", [{}, {"format": "x"}, {"format": "caldicott-risk-model-1", "kind": "ebm"}])
def test_a_file_that_is_no_model_is_refused(torn):
    """Torn or foreign content is named as such, without its content."""
    with pytest.raises(DoesNotHold) as refused:
        from_record(torn)
    assert refused.value.code == "model-unreadable"


def test_a_term_that_adds_nothing_is_no_sum():
    """A line without weights is nought, or what missing adds."""
    assert adds_of(Hinges("a", (0.0,), (0.0,), 5.0)) == "0e0"
    assert "IS NULL" in adds_of(Hinges("a", (0.0,), (0.0,), 5.0, 1.5))
