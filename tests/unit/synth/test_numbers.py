"""Invented NHS numbers are valid, apart, and of the range that is never issued; spoiled ones are truly wrong."""

import nhs_number
import numpy as np
import pytest

from caldicott.synth import numbers


def a_thousand(seed: int = 1):
    return numbers.invent_numbers(np.random.default_rng(seed), 1_000)


def test_invented_numbers_pass_an_independent_check():
    """Another program's modulus 11 agrees with every number."""
    assert all(nhs_number.is_valid(str(number)) for number in a_thousand())


def test_invented_numbers_are_never_issued_and_no_two_alike():
    """All start with 9, none is repeated, none reads the same backwards."""
    some = a_thousand()

    assert len(set(some.tolist())) == 1_000
    assert {str(number)[0] for number in some} == {"9"}
    assert not any(str(number) == str(number)[::-1] for number in some)


def test_asking_for_many_numbers_still_gives_exactly_that_many():
    """Losing one stem in eleven does not leave the count short."""
    assert len(np.unique(numbers.invent_numbers(np.random.default_rng(2), 50_000))) == 50_000


def test_palindromes_are_valid_and_not_the_sentinel():
    """Numbers that read the same backwards pass the check, which is why they must be asked for apart."""
    some = numbers.palindromes(np.random.default_rng(3), 200)

    assert all(str(number) == str(number)[::-1] and nhs_number.is_valid(str(number)) for number in some)
    assert 9_999_999_999 not in some
    assert numbers.is_palindrome(some).all()


def test_a_wrong_check_digit_is_always_wrong():
    """Ten digits each, none of which another program takes for valid."""
    texts = numbers.with_wrong_check_digit(a_thousand()).to_pylist()

    assert all(len(text) == 10 and not nhs_number.is_valid(text) for text in texts)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (numbers.without_first_digit, "434765919"),
        (numbers.as_float, "9.434765919E9"),
        (lambda some: numbers.separated(some, " "), "943 476 5919"),
        (lambda some: numbers.separated(some, "-"), "943-476-5919"),
        (numbers.full_width, "９４３４７６５９１９"),
    ],
    ids=["nine digits", "float", "spaces", "hyphens", "full width"],
)
def test_a_number_is_spoiled_as_spreadsheets_and_clerks_do(spoil, expected):
    """The published example number, written in each of the known wrong ways."""
    assert spoil(np.array([9_434_765_919])).to_pylist() == [expected]


def test_numbers_of_no_range_pass_the_check_but_no_country_has_them():
    """They can only be caught by their range."""
    texts = numbers.never_issued(np.random.default_rng(4), 100).to_pylist()

    assert all(8_600_000_000 <= int(text) <= 8_999_999_999 for text in texts)
    assert all(nhs_number.is_valid(text) for text in texts)
