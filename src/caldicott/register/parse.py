"""Read a register folder: TOML to the model, every fault with its file, line and next step.

A folder is read in full before anything is said, so that one run names every
fault. Reading files happens here and nowhere else in this room.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from caldicott.register.faults import Fault, RegisterDoesNotHold, errors_of
from caldicott.register.model import Controller, Instrument, MemberPractice, Organisation, ProcessingActivity, Register
from caldicott.register.nearest import hint, nearest
from caldicott.register.places import NOWHERE, Places, places
from caldicott.register.wording import explain
from caldicott.vocabulary.errors import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from caldicott.register.places import Path as TomlPath

CONTROLLER = "controller.toml"
MEMBER_PRACTICES = "member_practices.toml"
ORGANISATIONS = "organisations.toml"
INSTRUMENTS = "instruments.toml"
ACTIVITIES = "activities"
_WHERE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _MemberPracticesFile(_File):
    member_practices: tuple[MemberPractice, ...] = ()


class _OrganisationsFile(_File):
    organisation: tuple[Organisation, ...] = ()


class _InstrumentsFile(_File):
    instrument: tuple[Instrument, ...] = ()


_SHAPES: dict[str, type[BaseModel]] = {
    CONTROLLER: Controller,
    MEMBER_PRACTICES: _MemberPracticesFile,
    ORGANISATIONS: _OrganisationsFile,
    INSTRUMENTS: _InstrumentsFile,
}
_NEEDED = (CONTROLLER, ORGANISATIONS, INSTRUMENTS)


@dataclass(frozen=True, slots=True)
class Text:
    """One file of a register, as it was read."""

    name: str
    """Relative to the folder, with forward slashes."""
    shown: str
    """As a person finds it from where they stand."""
    content: str


@dataclass(slots=True)
class Texts:
    """The texts of one register; answers where a thing stands, and reads a text again only when asked."""

    folder: str
    texts: dict[str, Text]
    _places: dict[str, Places] = field(default_factory=dict)

    def fault_at(self, name: str, path: TomlPath, **what: Any) -> Fault:
        """A fault of the thing at that path of that file."""
        if name not in self._places:
            text = self.texts.get(name)
            self._places[name] = places(text.content) if text is not None else NOWHERE
        line, column = self._places[name].of(path)
        return Fault(file=f"{self.folder}/{name}" if self.folder else name, line=line, column=column, **what)


def load(path: Path) -> Register:
    """The register in that folder; one `RegisterDoesNotHold` naming every fault if it cannot be read."""
    register, faults = read(path)
    if register is None:
        raise RegisterDoesNotHold(errors_of(faults))
    return register


def read(path: Path) -> tuple[Register | None, tuple[Fault, ...]]:
    """The register in that folder and every fault in how it is written; no register if one is an error."""
    register, faults, _ = read_with_texts(path)
    return register, faults


def read_with_texts(path: Path) -> tuple[Register | None, tuple[Fault, ...], Texts]:
    """The same, with the texts, so that a check can say where a thing stands."""
    contents, unreadable = _contents(path)
    texts = Texts(
        path.as_posix(), {name: Text(name, f"{path.as_posix()}/{name}", text) for name, text in contents.items()}
    )
    register, faults = parse(texts)
    faults = (*unreadable, *faults)
    return (None if errors_of(faults) else register), faults, texts


def parse(texts: Texts) -> tuple[Register | None, tuple[Fault, ...]]:
    """The register that the texts say, and every fault in how they are written."""
    faults = [*_missing_files(texts), *_unknown_files(texts)]
    parsed: dict[str, BaseModel] = {}
    for name in sorted(texts.texts):
        shape = _shape(name)
        if shape is not None:
            entry, found = _parse_file(name, shape, texts)
            faults.extend(found)
            parsed.update({name: entry} if entry is not None else {})
    if errors_of(tuple(faults)):
        return None, tuple(faults)
    register = _assemble(parsed, digest(texts))
    duplicates = tuple(_duplicates(register, texts))
    return (None if duplicates else register), (*faults, *duplicates)


def digest(texts: Texts) -> str:
    """SHA-256 over names and contents in order of name; a length before each, so that no two folders read alike."""
    total = hashlib.sha256()
    for name in sorted(texts.texts):
        for part in (name.encode(), texts.texts[name].content.encode()):
            total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()


def resolve(name: str, roots: Sequence[Path]) -> Path:
    """The folder of a register given by path or by the id of a bundled one."""
    given = Path(name)
    if name and (given / CONTROLLER).is_file():
        return given
    bundled = {folder.name: folder for root in roots for folder in _registers_in(root)}
    if name in bundled:
        return bundled[name]
    if name and given.is_dir():
        return given  # reading it says which files are missing
    known = ", ".join(sorted(bundled)) or "none is bundled"
    raise WrongUsage(
        f"there is no register `{name}`: it is neither a folder nor the id of a bundled register",
        code="unknown-register",
        next_step=f"{hint(name, bundled)}give the path of a folder with a {CONTROLLER}, or one of: {known}",
    )


def bundled_roots() -> tuple[Path, ...]:
    """Where bundled registers lie: beside the source in a checkout, inside the package once installed."""
    package = Path(__file__).resolve().parent.parent
    return tuple(root for root in (package.parent.parent / "registers", package / "registers") if root.is_dir())


def _registers_in(root: Path) -> Iterator[Path]:
    if root.is_dir():
        yield from (folder for folder in sorted(root.iterdir()) if (folder / CONTROLLER).is_file())


def _contents(path: Path) -> tuple[dict[str, str], tuple[Fault, ...]]:
    contents: dict[str, str] = {}
    faults = []
    for file in sorted([*path.glob("*.toml"), *path.glob(f"{ACTIVITIES}/*.toml")]):
        name = file.relative_to(path).as_posix()
        try:
            contents[name] = file.read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            faults.append(_fault(file.as_posix(), line, "not-utf8", "the file is not UTF-8 text", "save it as UTF-8"))
    return contents, tuple(faults)


def _fault(shown: str, line: int, code: str, what: str, next_step: str) -> Fault:
    return Fault(file=shown, line=line, column=1, what=what, next_step=next_step, severity="error", code=code)


def _missing_files(texts: Texts) -> Iterator[Fault]:
    for name in _NEEDED:
        if name not in texts.texts:
            yield texts.fault_at(
                name,
                (),
                what=f"the file {name} is missing",
                next_step="write it; the page docs/reference/register.md says what belongs in it",
                severity="error",
                code="missing-file",
            )


def _unknown_files(texts: Texts) -> Iterator[Fault]:
    for name in texts.texts:
        if _shape(name) is None:
            near = nearest(name, _SHAPES)
            yield texts.fault_at(
                name,
                (),
                what=f"the file {name} is not one a register has",
                next_step=f"rename it to {near}"
                if near
                else f"use one of {', '.join(_SHAPES)} or {ACTIVITIES}/<id>.toml",
                severity="error",
                code="unknown-file",
            )


def _shape(name: str) -> type[BaseModel] | None:
    return ProcessingActivity if name.startswith(f"{ACTIVITIES}/") else _SHAPES.get(name)


def _parse_file(name: str, shape: type[BaseModel], texts: Texts) -> tuple[BaseModel | None, list[Fault]]:
    try:
        keys = tomllib.loads(texts.texts[name].content)
    except tomllib.TOMLDecodeError as error:
        return None, [_syntax_fault(error, texts.texts[name])]
    try:
        entry = shape.model_validate(keys)
    except ValidationError as error:
        return None, [_model_fault(name, shape, dict(one), texts) for one in error.errors()]
    return entry, list(_misnamed(name, entry, texts))


def _syntax_fault(error: tomllib.TOMLDecodeError, text: Text) -> Fault:
    found = _WHERE.search(str(error))
    line = int(found[1]) if found and found[1] else text.content.count("\n") + 1
    column = int(found[2]) if found and found[2] else 1
    what = _WHERE.sub("", str(error)).rstrip(".")
    next_step = "put right the TOML there; texts stand in double quotes, dates do not"
    return Fault(text.shown, line, column, f"not TOML: {what}", next_step, "error", "not-toml")


def _model_fault(name: str, shape: type[BaseModel], error: dict[str, Any], texts: Texts) -> Fault:
    code, what, next_step = explain(shape, error)
    return texts.fault_at(name, tuple(error["loc"]), what=what, next_step=next_step, severity="error", code=code)


def _misnamed(name: str, entry: BaseModel, texts: Texts) -> Iterator[Fault]:
    if isinstance(entry, ProcessingActivity) and name != f"{ACTIVITIES}/{entry.id}.toml":
        yield texts.fault_at(
            name,
            ("id",),
            what=f"the file is called {name.removeprefix(f'{ACTIVITIES}/')} but its id is `{entry.id}`",
            next_step=f"rename the file to {entry.id}.toml, or correct the id",
            severity="error",
            code="file-name-is-not-id",
        )


def _assemble(parsed: dict[str, BaseModel], total: str) -> Register:
    register: dict[str, Any] = {"digest": total}
    practices: tuple[MemberPractice, ...] = ()
    for entry in parsed.values():
        match entry:
            case Controller():
                register["controller"] = entry
            case _MemberPracticesFile():
                practices = entry.member_practices
            case _OrganisationsFile():
                register["organisations"] = entry.organisation
            case _InstrumentsFile():
                register["instruments"] = entry.instrument
    controller = register["controller"]
    members = (*controller.member_practices, *practices)
    register["controller"] = controller.model_copy(update={"member_practices": members})
    register["activities"] = tuple(entry for entry in parsed.values() if isinstance(entry, ProcessingActivity))
    return Register(**register)


def _duplicates(register: Register, texts: Texts) -> Iterator[Fault]:
    for name, key, ids in (
        (ORGANISATIONS, "organisation", [entry.id for entry in register.organisations]),
        (INSTRUMENTS, "instrument", [entry.id for entry in register.instruments]),
    ):
        for index, given in enumerate(ids):
            if given in ids[:index]:
                yield texts.fault_at(
                    name,
                    (key, index, "id"),
                    what=f"the id `{given}` is used twice",
                    next_step=f"give this {key} an id of its own, or remove it",
                    severity="error",
                    code="duplicate-id",
                )
