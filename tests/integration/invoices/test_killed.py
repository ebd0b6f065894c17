# ruff: noqa: E501  the process under test is our own
"""Killed at any point, a validation is there as a whole or not at all: no line decided twice, none lost."""

import os
import shutil
import subprocess
import sys
from collections import Counter

import pytest

from caldicott.invoices.ledger import Account, Balance
from caldicott.operations.invoices.zone import add_member, enter

LINES = 12
# Dies without a word at the n-th call into the stores or the operations; without n it says how many there are.
_DYING = """
import os, sys
from caldicott.cli.app import main
calls, last = 0, int(sys.argv.pop(1))
def counted(frame, event, _argument):
    global calls
    name = frame.f_code.co_filename
    if event == "call" and ("caldicott/stores" in name or "operations/invoices" in name or "operations/perform" in name):
        calls += 1
        if calls == last:
            os._exit(137)
sys.setprofile(counted)
try:
    main()
finally:
    sys.setprofile(None)
    print("CALLS", calls)
"""


def run(desk, store, last, command=("validate",), actor="first"):
    """That command of `invoices` in a process of its own, which dies at that call."""
    environ = {**os.environ, "HOME": str(desk.root / "home"), "CALDICOTT_ACTOR": actor}
    environ.pop("XDG_CONFIG_HOME", None)
    words = ["invoices", command[0], "example-icb", "--store", str(store), *command[1:]]
    return subprocess.run(
        [sys.executable, "-c", _DYING, str(last), *words], env=environ, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_killed_at_any_call_no_line_is_decided_twice_or_lost(desk):
    """At ten points, most of them around the moment the act becomes true, the process dies; the next run completes it."""
    for place in range(LINES):
        desk.bill(place, **({"Commissioner_Code": "QYY"} if place % 4 == 0 else {}))
    desk.land()
    whole = desk.root / "whole"
    shutil.copytree(desk.store, whole)
    clean = run(desk, whole, 0)
    assert clean.returncode == 0, clean.stderr
    calls = int(clean.stdout.rpartition("CALLS ")[2])
    kept = desk.root / "kept"
    desk.store.rename(kept)
    seen = Counter()
    for last in sorted({calls * part // 100 for part in (5, 30, 55, 70, 80, 85, 90, 94, 97, 99)}):
        shutil.rmtree(desk.store, ignore_errors=True)
        shutil.copytree(kept, desk.store)
        assert run(desk, desk.store, last).returncode == 137
        before = len(desk.all_decisions())
        seen[before] += 1
        assert desk.validate().lines == LINES - before
        assert sorted(row["line"] for row in desk.all_decisions()) == sorted(f"L{n}" for n in range(1, LINES + 1))
        ledger = desk.ledger()["GBP"]
        assert Balance({account: ledger[account.value] for account in Account}).holds
        assert ledger["invoiced"] == LINES * 570475
        done = [
            one for one in desk.entries() if one.event == "validate" and one.outcome == "done" and one.counts["lines"]
        ]
        assert [one.counts["lines"] for one in done] == [LINES]
        on_disk = {path.name for path in (desk.store / "ceff").rglob("*.parquet")}
        with desk.house() as house:
            assert {path.rpartition("/")[2] for path in house.store.catalogue.live_paths()} == on_disk
    # Before and after the one moment: otherwise the points were badly chosen.
    assert set(seen) == {0, LINES}


@pytest.mark.slow
def test_killed_while_a_member_decides_the_line_is_as_before_or_as_after(desk):
    """A payment by hand is there whole or not at all; asked again, it is made once, and the ledger balances."""
    line = desk.bill(1, sus=False)
    desk.validate(actor="first")
    with desk.house("first") as house:
        add_member(enter(house, ["invoices"]), "second")
    with desk.house("second"):
        pass  # from here on it is known whose login that is
    pay = ("settle", "--invoice", "INV-1", "--as", "pay", "--because", "records-agree")
    whole, kept = desk.root / "whole", desk.root / "kept"
    shutil.copytree(desk.store, whole)
    clean = run(desk, whole, 0, pay, "second")
    assert clean.returncode == 0, clean.stderr
    calls = int(clean.stdout.rpartition("CALLS ")[2])
    desk.store.rename(kept)
    seen = Counter()
    for last in sorted({calls * part // 100 for part in (20, 60, 80, 88, 94, 98)}):
        shutil.rmtree(desk.store, ignore_errors=True)
        shutil.copytree(kept, desk.store)
        assert run(desk, desk.store, last, pay, "second").returncode == 137
        before = desk.decided()[line]["verdict"]
        seen[before] += 1
        again = run(desk, desk.store, 0, pay, "second")
        assert again.returncode == (0 if before == "query" else 1), again.stderr
        assert [row["verdict"] for row in desk.all_decisions()] == ["query", "pay"]
        assert desk.ledger()["GBP"] == {"invoiced": 570475, "paid": 570475, "queried": 0, "rejected": 0, "credited": 0}
    assert set(seen) == {"query", "pay"}
