"""The four data formats of the Dorset notice, ordered by how much they tell."""

from __future__ import annotations

from enum import StrEnum


class DataFormat(StrEnum):
    """The format of data about people, from most to least telling [notice: dorset-2018]."""

    IDENTIFIABLE = "identifiable"
    PSEUDONYMISED = "pseudonymised"
    ANONYMISED = "anonymised"
    AGGREGATED = "aggregated"

    @property
    def tells(self) -> int:
        """How much it tells: 3 for identifiable down to 0 for aggregated."""
        return _TELLS[self]

    def is_within(self, ceiling: DataFormat) -> bool:
        """Whether data in this format may go to someone whose ceiling is `ceiling`."""
        return self.tells <= ceiling.tells


_TELLS = {
    DataFormat.IDENTIFIABLE: 3,
    DataFormat.PSEUDONYMISED: 2,
    DataFormat.ANONYMISED: 1,
    DataFormat.AGGREGATED: 0,
}
