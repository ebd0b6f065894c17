"""Tokens: their shape, their check character, and what they cannot be mistaken for."""

import random

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from caldicott.safe_haven.pseudonyms.tokens import (
    bytes_for,
    characters_of,
    check,
    check_character,
    draw,
    is_token,
    make_tokens,
    order_of,
)
from caldicott.vocabulary.errors import ProgramFault, WrongUsage

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
NO_TOKENS = pa.array([], pa.string())


def octets(count, seed=7):
    return random.Random(seed).randbytes(10 * count)


def iso7064_mod37_36(text):
    """The standard's own recursion, one character at a time: a second opinion."""
    product = 36
    for character in text:
        product = ((product + ALPHABET.index(character)) % 36 or 36) * 2 % 37
    return ALPHABET[(37 - product) % 36]


def test_the_check_character_is_that_of_the_standard():
    """The worked example of the Global Release Identifier, A1-2425G-ABC1234002-M."""
    assert check_character("A12425GABC1234002") == "M"


def test_the_check_characters_agree_with_a_second_computation():
    """A thousand tokens, each checked character by character."""
    for token in make_tokens(octets(1000), "C").to_pylist():
        assert token[-1] == iso7064_mod37_36(token[:-1])


def test_a_token_is_letter_base_32_and_check():
    """Ten octets become sixteen characters, highest bits first."""
    zeros, ones, counting = make_tokens(bytes(10) + b"\xff" * 10 + bytes(range(10)), "R").to_pylist()
    assert zeros[:17] == "R" + "0" * 16
    assert ones[:17] == "R" + "Z" * 16
    number = int.from_bytes(bytes(range(10)), "big")
    assert counting[1:17] == "".join(CROCKFORD[(number >> shift) & 31] for shift in range(75, -1, -5))


def test_all_the_characters_occur_equally_often():
    """No bit of the randomness is lost or favoured."""
    body = characters_of(make_tokens(octets(50_000), "C"))[:, 1:17]
    counts = np.unique(body, return_counts=True)[1]
    assert len(counts) == 32
    assert abs(counts / 25_000 - 1).max() < 0.04


def test_whole_tokens_of_the_letter_are_tokens_and_nothing_else_is():
    """Case, blanks, other letters, cut and lengthened ones are not tokens."""
    token = make_tokens(octets(1), "C")[0].as_py()
    assert is_token(token, "C")
    not_tokens = [
        "",
        token.lower(),
        token[:-1],
        token + "0",
        token + "\n",
        " " + token,
        "R" + token[1:],
        f"{token[:5]}-{token[5:]}",
        "9434765919",
        "\uff23" + token[1:],
    ]
    assert [text for text in not_tokens if is_token(text, "C")] == []
    assert not is_token(token, "R")


def test_check_answers_for_a_whole_column():
    """Nulls, rubbish and slices are answered row by row."""
    good = make_tokens(octets(3), "C").to_pylist()
    column = pa.chunked_array([pa.array(["x", good[0], None]), pa.array([good[1], good[2][:-1] + "\n", good[2]])])
    assert check(column).to_pylist() == [False, True, False, True, False, True]
    assert check(pa.array([*good, "x"]).slice(1)).to_pylist() == [True, True, False]
    assert check(NO_TOKENS).to_pylist() == []


def test_no_substitution_of_a_character_is_missed():
    """Every wrong character in every place of a token is found."""
    for token in make_tokens(octets(20), "C").to_pylist():
        wrong = [
            token[:place] + other + token[place + 1 :]
            for place in range(18)
            for other in ALPHABET
            if other != token[place]
        ]
        assert not pc.any(check(pa.array(wrong))).as_py()


def test_few_transpositions_are_missed():
    """The standard misses some exchanges of neighbours: under one in a hundred."""
    swapped = [
        token[:place] + token[place + 1] + token[place] + token[place + 2 :]
        for token in make_tokens(octets(2000), "C").to_pylist()
        for place in range(1, 16)
        if token[place] != token[place + 1]
    ]
    assert pc.sum(check(pa.array(swapped))).as_py() / len(swapped) < 0.01


def test_drawn_tokens_never_contain_what_looks_like_an_nhs_number():
    """Ten digits in a row are turned down, at every place of the token."""
    digits = [CROCKFORD[:10][place % 10] for place in range(16)]
    offered = []
    for start in range(7):
        characters = ["X"] * 16
        characters[start : start + 10] = digits[:10]
        number = 0
        for character in characters:
            number = number * 32 + CROCKFORD.index(character)
        offered.append(number.to_bytes(10, "big"))
    assert pc.all(pc.match_substring_regex(make_tokens(b"".join(offered), "C"), "[0-9]{10}")).as_py()
    with pytest.raises(ProgramFault):
        draw(b"".join(offered), "C", wanted=1, taken=NO_TOKENS)
    drawn = draw(octets(300_000), "C", wanted=299_000, taken=NO_TOKENS)
    assert not pc.any(pc.match_substring_regex(drawn, "[0-9]{10}")).as_py()


def test_nine_digits_in_a_row_are_allowed():
    """Only what is long enough for an NHS number is turned down."""
    number = int("".join(f"{CROCKFORD.index(c):05b}" for c in "123456789X123456"), 2)
    (token,) = draw(number.to_bytes(10, "big"), "C", wanted=1, taken=NO_TOKENS).to_pylist()
    assert token[1:17] == "123456789X123456"


def test_drawn_tokens_are_new_and_unequal():
    """Neither tokens already issued nor repeated bytes give a token twice."""
    taken = make_tokens(octets(5), "C")
    drawn = draw(octets(5) + octets(5, seed=8) * 2, "C", wanted=5, taken=taken)
    assert drawn.equals(make_tokens(octets(5, seed=8), "C"))
    with pytest.raises(ProgramFault) as fault:
        draw(octets(5) + octets(5, seed=8) * 2, "C", wanted=6, taken=taken)
    assert fault.value.code == "tokens-exhausted"


@pytest.mark.parametrize("wanted", [1, 2, 1000, 100_000])
def test_the_bytes_advised_are_enough(wanted):
    """`draw` gets by on what `bytes_for` says."""
    random_bytes = random.Random(3).randbytes(bytes_for(wanted))
    assert len(draw(random_bytes, "C", wanted=wanted, taken=NO_TOKENS)) == wanted


@pytest.mark.parametrize("letter", ["", "c", "7", "CC", "É", " "])
def test_a_domain_letter_is_one_capital(letter):
    """A token that began with a digit could be taken for a number."""
    with pytest.raises(WrongUsage):
        make_tokens(octets(1), letter)


def test_cut_randomness_is_refused():
    """A token is never made of fewer bits."""
    with pytest.raises(ProgramFault):
        make_tokens(bytes(15), "C")


def test_no_randomness_makes_no_token():
    """Nothing in, nothing out."""
    assert make_tokens(b"", "C").to_pylist() == []


def test_sorting_by_bits_is_sorting_by_text():
    """The fast order is the order everybody sees."""
    tokens = make_tokens(octets(5000), "C")
    assert tokens.take(pa.array(order_of(tokens))).to_pylist() == sorted(tokens.to_pylist())
