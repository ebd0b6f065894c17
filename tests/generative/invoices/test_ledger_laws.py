"""The ledger balances after any sequence of acts: a thousand random sequences, to the penny."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from caldicott.invoices.deciding import ACCOUNT, AWAITING, Questioned, by_hand
from caldicott.invoices.ledger import Account, balance, credit, decide_again, enter
from caldicott.invoices.reasons import Verdict
from caldicott.vocabulary.errors import DoesNotHold, Refused

PENCE = st.integers(-10_000_000, 1_000_000_000)
MEMBERS = st.sampled_from(["first", "second", "third"])
VERDICTS = st.sampled_from([Verdict.PAY, Verdict.QUERY, Verdict.REJECT])


class Ledger(RuleBasedStateMachine):
    """Lines come in, are decided again, credited in part or whole; refused acts post nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.lines, self.postings, self.asked = [], [], {}

    @rule(pence=PENCE, verdict=VERDICTS)
    def line_comes_in(self, pence, verdict):
        state, postings = enter(pence, verdict)
        self.lines.append(state)
        self.postings += postings

    @rule(which=st.integers(0), verdict=VERDICTS)
    def line_is_decided_again(self, which, verdict):
        self.change(which, lambda state: decide_again(state, verdict))

    @rule(which=st.integers(0), pence=PENCE)
    def line_is_credited(self, which, pence):
        self.change(which, lambda state: credit(state, pence))

    @rule(which=st.integers(0))
    def line_is_credited_whole(self, which):
        self.change(which, lambda state: credit(state, state.left))

    @rule(which=st.integers(0), verdict=st.sampled_from([Verdict.PAY, Verdict.REJECT]), by=MEMBERS)
    def line_is_decided_by_hand(self, which, verdict, by):
        """By the rule of the desk: nobody approves twice, a large amount waits for another."""
        if not self.lines:
            return
        place = which % len(self.lines)
        state, asked = self.lines[place], self.asked.setdefault(place, (("price-differs",), frozenset({"first"})))
        verdict_of = {account: name for name, account in ACCOUNT.items()}[state.account]
        line = Questioned(verdict_of, state.invoiced, state.credited, *asked)
        try:
            decided = by_hand(line, verdict, by=by, second_person_from=2_500_000)
        except (DoesNotHold, Refused):
            return
        if decided.verdict is Verdict.PAY and abs(line.left) >= 2_500_000:
            assert asked[0] == (AWAITING,)
            assert len(asked[1]) > 1
        assert decided.verdict is not Verdict.PAY or by not in asked[1]
        self.asked[place] = (decided.reasons, asked[1] | {by})
        self.lines[place], postings = decide_again(state, decided.verdict)
        self.postings += postings

    def change(self, which, act):
        if not self.lines:
            return
        place = which % len(self.lines)
        try:
            self.lines[place], postings = act(self.lines[place])
        except DoesNotHold:
            return
        self.postings += postings

    @invariant()
    def the_books_balance(self):
        sums = balance(self.postings)
        assert sums.holds
        assert sums.difference == 0

    @invariant()
    def the_books_say_what_the_lines_say(self):
        """Not only in sum: each account holds what the lines in it have left."""
        sums = balance(self.postings).pence
        assert sums[Account.INVOICED] == sum(line.invoiced for line in self.lines)
        assert sums[Account.CREDITED] == sum(line.credited for line in self.lines)
        for account in (Account.PAID, Account.QUERIED, Account.REJECTED):
            assert sums[account] == sum(line.left for line in self.lines if line.account is account)

    @invariant()
    def nothing_is_credited_beyond_what_it_was(self):
        assert all(line.credited <= max(line.invoiced, 0) for line in self.lines)


TestLedger = Ledger.TestCase
TestLedger.settings = settings(
    max_examples=1_000, stateful_step_count=20, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
