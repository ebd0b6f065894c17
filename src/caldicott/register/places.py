"""Where each key of a TOML text stands, because `tomllib` tells values and not places.

The text has already been read by `tomllib`, so it is known to be TOML; this
scanner only has to find keys and elements again, not to judge them. A place is
a line and a column, both from 1; a path is keys and indexes as pydantic names
them in an error, such as `("roles", 2, "ceiling")`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field

Path = tuple[str | int, ...]
Place = tuple[int, int]

_BLANK = " \t"
_BETWEEN = " \t\r\n"
_ENDS_A_BARE_VALUE = ",]}\n#"
_ENDS_A_BARE_KEY = " \t.=]"


@dataclass(frozen=True, slots=True)
class Places:
    """The places of one text."""

    known: dict[Path, Place]

    def of(self, path: Path) -> Place:
        """The place of the path, or of the nearest thing around it that stands in the text."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.known:
                return self.known[path[:length]]
        return (1, 1)


NOWHERE = Places({})


def places(text: str) -> Places:
    """Every key and array element of a text that `tomllib` accepts."""
    scan = _Scan(text.replace("\r\n", "\n"))
    scan.document()
    return Places(scan.known)


@dataclass(slots=True)
class _Scan:
    text: str
    at: int = 0
    known: dict[Path, Place] = field(default_factory=dict)
    entries: dict[Path, int] = field(default_factory=dict)
    """How many tables each array of tables has so far."""
    line: int = 1
    line_starts: int = 0

    # --- moving ---------------------------------------------------------------

    @property
    def char(self) -> str:
        return self.text[self.at : self.at + 1]

    def step(self, count: int = 1) -> None:
        for _ in range(count):
            if self.char == "\n":
                self.line, self.line_starts = self.line + 1, self.at + 1
            self.at += 1

    def skip(self, characters: str) -> None:
        while self.char and self.char in characters:
            self.step()

    def skip_between(self) -> None:
        """White space, line ends and comments, as between the elements of an array."""
        self.skip(_BETWEEN)
        while self.char == "#":
            self.skip_comment()
            self.skip(_BETWEEN)

    def skip_comment(self) -> None:
        while self.char and self.char != "\n":
            self.step()

    def note(self, path: Path, place: Place) -> None:
        self.known.setdefault(path, place)

    @property
    def here(self) -> Place:
        return self.line, self.at - self.line_starts + 1

    # --- structure ------------------------------------------------------------

    def document(self) -> None:
        table: Path = ()
        self.skip_between()
        while self.char:
            if self.char == "[":
                table = self.header()
            else:
                self.pair(table)
            self.skip_between()

    def header(self) -> Path:
        place = self.here
        is_array = self.text.startswith("[[", self.at)
        self.step(2 if is_array else 1)
        keys = [key for key, _ in self.keys()]
        self.step(2 if is_array else 1)
        path: Path = ()
        for key in keys[:-1]:
            path = self.last_entry((*path, key))
            self.note(path, place)
        path = (*path, keys[-1])
        if is_array:
            self.entries[path] = self.entries.get(path, 0) + 1
            self.note(path, place)
        path = self.last_entry(path)
        self.note(path, place)
        return path

    def last_entry(self, path: Path) -> Path:
        """A header below an array of tables means its latest entry."""
        return (*path, self.entries[path] - 1) if path in self.entries else path

    def pair(self, table: Path) -> None:
        path = table
        for key, place in self.keys():
            path = (*path, key)
            self.note(path, place)
        self.step()  # the equals sign
        self.skip(_BLANK)
        self.value(path)

    def keys(self) -> list[tuple[str, Place]]:
        """The parts of a dotted key, each with its place; ends at `=` or `]`."""
        found = []
        self.skip(_BLANK)
        while self.char not in ("=", "]"):
            place = self.here
            found.append((self.key(), place))
            self.skip(" \t.")
        return found

    def key(self) -> str:
        start = self.at
        if self.char in "\"'":
            self.string()
            quoted = self.text[start : self.at]
            return str(tomllib.loads(f"key = {quoted}")["key"])
        while self.char not in _ENDS_A_BARE_KEY:
            self.step()
        return self.text[start : self.at]

    # --- values ---------------------------------------------------------------

    def value(self, path: Path) -> None:
        if self.char in "\"'":
            self.string()
        elif self.char == "[":
            self.array(path)
        elif self.char == "{":
            self.inline_table(path)
        else:
            while self.char and self.char not in _ENDS_A_BARE_VALUE:
                self.step()

    def array(self, path: Path) -> None:
        self.step()
        self.skip_between()
        index = 0
        while self.char != "]":
            self.note((*path, index), self.here)
            self.value((*path, index))
            self.skip_between()
            if self.char == ",":
                self.step()
                self.skip_between()
            index += 1
        self.step()

    def inline_table(self, path: Path) -> None:
        self.step()
        self.skip_between()
        while self.char != "}":
            self.pair(path)
            self.skip_between()
            if self.char == ",":
                self.step()
                self.skip_between()
        self.step()

    def string(self) -> None:
        quote = self.char
        if self.text.startswith(quote * 3, self.at):
            self.step(3)
            self.long_string(quote)
            return
        self.step()
        while self.char != quote:
            self.step(2 if self.char == "\\" and quote == '"' else 1)
        self.step()

    def long_string(self, quote: str) -> None:
        while not self.text.startswith(quote * 3, self.at):
            self.step(2 if self.char == "\\" and quote == '"' else 1)
        self.step(3)
        self.skip(quote)  # one or two quotation marks may stand right before the closing three
