"""Room: invented people and the landing extracts that senders would deliver about them.

Data format seen here: identifiable in form, of nobody: every number lies in the never-issued 9xx range.
May import: vocabulary, facts, NumPy, Arrow and the standard library.
Serves: "test people are invented" [STYLE 3]; the mess is the one measured in real extracts.
"""

from caldicott.synth.invent import SubmissionMade, SynthReport, invent

__all__ = ["SubmissionMade", "SynthReport", "invent"]
