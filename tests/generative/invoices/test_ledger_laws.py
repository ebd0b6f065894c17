"""The ledger balances after any sequence of acts: a thousand random sequences, to the penny."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from caldicott.invoices.ledger import Account, balance, credit, decide_again, enter
from caldicott.invoices.reasons import Verdict
from caldicott.vocabulary.errors import DoesNotHold

PENCE = st.integers(-10_000_000, 1_000_000_000)
VERDICTS = st.sampled_from([Verdict.PAY, Verdict.QUERY, Verdict.REJECT])


class Ledger(RuleBasedStateMachine):
    """Lines come in, are decided again, credited in part or whole; refused acts post nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.lines, self.postings = [], []

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
