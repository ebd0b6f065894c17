"""Random tokens: a domain's letter, 80 random bits in Crockford's base 32, a check character.

A token says nothing: it is drawn, not computed, so no key and no list of NHS
numbers turns it back. 80 bits make a second token for 60 million people equal
to another with a chance of one in 600 million, and `draw` refuses equals anyway.
The check character is ISO 7064 MOD 37,36 over the letter and the 16 characters.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from caldicott.vocabulary.errors import ProgramFault, WrongUsage

RANDOM_BYTES = 10
BODY_CHARACTERS = 16
TOKEN_CHARACTERS = 1 + BODY_CHARACTERS + 1
DIGITS_OF_A_NUMBER = 10

_CROCKFORD = np.frombuffer(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ", np.uint8)
_ALPHABET = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", np.uint8)
_UNKNOWN = 255
_MODULUS = 36
_SHAPE = re.compile(r"[A-Z][0-9A-HJKMNP-TV-Z]{16}[0-9A-Z]", re.ASCII)

Characters = npt.NDArray[np.uint8]
"""One row a token, one ASCII code a column."""


def make_tokens(random: bytes, letter: str) -> pa.Array:
    """One token for every ten bytes of `random`, which must come from the system's own source."""
    return text_of(_make_characters(random, letter))


def draw(random: bytes, letter: str, *, wanted: int, taken: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The first `wanted` tokens that are new, unequal, and do not contain what looks like an NHS number.

    One token in some 16,000 has ten digits in a row; it would set off every
    scan for leaked numbers. Bring bytes to spare (`bytes_for`).
    """
    characters = _make_characters(random, letter)
    tokens = text_of(characters[~_has_ten_digits(characters)])
    tokens = pc.unique(tokens)
    if len(taken):
        tokens = tokens.filter(pc.invert(pc.is_in(tokens, value_set=taken)))
    if len(tokens) < wanted:
        raise ProgramFault(
            "the random bytes did not give enough different tokens",
            code="tokens-exhausted",
            next_step="check the system's source of randomness before anything else",
        )
    return tokens.slice(0, wanted)


def bytes_for(wanted: int) -> int:
    """How many random bytes `draw` needs, with room for those it turns down."""
    return RANDOM_BYTES * (wanted + wanted // 2000 + 64)


def is_token(text: str, letter: str) -> bool:
    """Whether the text is a whole token of that letter, its check character right."""
    return _SHAPE.fullmatch(text) is not None and text[0] == letter and bool(check(pa.array([text]))[0].as_py())


def check(tokens: pa.Array | pa.ChunkedArray) -> pa.Array:
    """For each text whether shape and check character are right; null is not."""
    texts = tokens.combine_chunks() if isinstance(tokens, pa.ChunkedArray) else tokens
    is_shaped = pc.fill_null(pc.match_substring_regex(texts, f"^{_SHAPE.pattern}$"), fill_value=False)
    # `$` also matches before a final newline.
    is_shaped = pc.and_(is_shaped, pc.fill_null(pc.equal(pc.binary_length(texts), TOKEN_CHARACTERS), fill_value=False))
    characters = characters_of(texts.filter(is_shaped))
    verdict = np.zeros(len(texts), dtype=bool)
    verdict[is_shaped.to_numpy(zero_copy_only=False)] = _check_characters(characters[:, :-1]) == characters[:, -1]
    return pa.array(verdict)


def check_character(text: str) -> str:
    """ISO 7064 MOD 37,36 of digits and capitals, as GRid and others use it."""
    row = np.frombuffer(text.encode("ascii"), np.uint8).reshape(1, -1)
    return chr(int(_check_characters(row)[0]))


def order_of(tokens: pa.Array) -> npt.NDArray[np.intp]:
    """The indices that sort tokens of one letter; faster than sorting text, and equal to it."""
    body = np.ascontiguousarray(characters_of(tokens)[:, 1:17]).view(">u8")
    return np.lexsort((body[:, 1], body[:, 0]))


def require_letter(letter: str) -> None:
    """A domain's letter is one capital, so that no token begins like a number."""
    if re.fullmatch(r"[A-Z]", letter, re.ASCII) is None:
        raise WrongUsage(
            "a domain's letter is not one capital letter", code="token-letter", next_step="choose a letter from A to Z"
        )


def _make_characters(random: bytes, letter: str) -> Characters:
    require_letter(letter)
    if len(random) % RANDOM_BYTES:
        raise ProgramFault(
            "the random bytes are not a multiple of ten", code="token-bytes", next_step="report it: this is a bug"
        )
    octets = np.frombuffer(random, np.uint8).reshape(-1, RANDOM_BYTES)
    characters = np.empty((len(octets), TOKEN_CHARACTERS), np.uint8)
    characters[:, 0] = ord(letter)
    characters[:, 1:17] = _CROCKFORD[_fives(octets)]
    characters[:, 17] = _check_characters(characters[:, :17])
    return characters


def _fives(octets: Characters) -> Characters:
    """Ten octets as sixteen groups of five bits, highest first."""
    halves = octets.reshape(-1, 5)
    number = np.zeros(len(halves), np.uint64)
    for column in range(5):
        number = (number << np.uint64(8)) | halves[:, column]
    shifts = np.arange(35, -1, -5, dtype=np.uint64)
    groups = (number[:, None] >> shifts) & np.uint64(31)
    return groups.astype(np.uint8).reshape(-1, BODY_CHARACTERS)


def _check_characters(characters: Characters) -> Characters:
    values = np.full(256, _UNKNOWN, np.uint8)
    values[_ALPHABET] = np.arange(_MODULUS, dtype=np.uint8)
    product = np.full(len(characters), _MODULUS, np.int16)
    for column in range(characters.shape[1]):
        total = (product + values[characters[:, column]]) % _MODULUS
        total[total == 0] = _MODULUS
        product = (total * 2) % (_MODULUS + 1)
    return _ALPHABET[(_MODULUS + 1 - product) % _MODULUS]


def _has_ten_digits(characters: Characters) -> npt.NDArray[np.bool_]:
    is_digit = (characters <= ord("9")).astype(np.int8)
    run = np.cumsum(is_digit, axis=1, dtype=np.int8)
    before = np.pad(run, ((0, 0), (1, 0)))[:, :-DIGITS_OF_A_NUMBER]
    found: npt.NDArray[np.bool_] = ((run[:, DIGITS_OF_A_NUMBER - 1 :] - before) == DIGITS_OF_A_NUMBER).any(axis=1)
    return found


def text_of(characters: Characters) -> pa.Array:
    """The rows of a matrix as text."""
    offsets = np.arange(0, (len(characters) + 1) * TOKEN_CHARACTERS, TOKEN_CHARACTERS, dtype=np.int32)
    content = np.ascontiguousarray(characters)
    return pa.StringArray.from_buffers(len(characters), pa.py_buffer(offsets), pa.py_buffer(content))


def characters_of(tokens: pa.Array) -> Characters:
    """The text of equally long, non-null tokens as a matrix."""
    if not len(tokens):
        return np.empty((0, TOKEN_CHARACTERS), np.uint8)
    fixed = pc.cast(pc.cast(tokens, pa.binary()), pa.binary(TOKEN_CHARACTERS))
    start = fixed.offset * TOKEN_CHARACTERS
    content = np.frombuffer(fixed.buffers()[1], np.uint8)[start : start + len(fixed) * TOKEN_CHARACTERS]
    return content.reshape(-1, TOKEN_CHARACTERS)
