"""Reading age: syllables against words counted by hand, the grade against published examples, and what counts."""

from __future__ import annotations

import pytest

from caldicott.publication.document import Bullets, Facts, Page, Paragraph, Section, Table, text
from caldicott.publication.reading_age import grade, report, sentences, syllables

COUNTED_BY_HAND: dict[int, str] = {
    1: "the a name code care health health's asked looked used one kept blood church through strength paid staff "
    "joined scrambled's watched's names rules tasks drugs fraud years guard guide build fruit suit goes",
    2: "people record doctor nurses wanted needed practice cases pages houses reason patient patients table able "
    "being doing going quiet council public planning hidden agreed business number postcode illness numbers little "
    "purpose payment rarely safely lately statement basement careful useless hopeful lonely asking lookup without "
    "within always often over under after around myself itself ourselves allowed knowing trying saying seeing create "
    "lion social special ancient question version mission region gracious station union equal quarter language science",
    3: "area idea however another medicine agreement guardian register family animal different decisions direction "
    "approval officer officers analyst protected objection permission safeguarding employment retirement management "
    "improvement beautiful example examples hospital computer created offices national possible services quality "
    "reliance various serious previous radio video employer ideal museum efficient religious opinion usual annual "
    "actual manual",
    4: "information identity community emergency available anonymous january february operation responsible "
    "exercises experience period's usually pseudonymised",
    5: "university organisation opportunity identifying",
    6: "confidentiality identifiable",
}
NOT_AS_COUNTED = {"scrambled's", "watched's", "period's"}

# Sentence, words, syllables and Flesch-Kincaid grade or Flesch reading ease as published.
PUBLISHED = (
    # README of the `flesch-kincaid` package (words/flesch-kincaid): 1 sentence, 13 words, 26 syllables, 13.08.
    ("The Australian platypus is seemingly a hybrid of a mammal and reptilian creature.", 13, 26, 13.08),
    # The classic example of the article on the Flesch-Kincaid tests: reading ease 116, so one syllable a word.
    ("The cat sat on the mat.", 6, 6, -1.45),
    # The same article: reading ease 69, which 16 words and 23 syllables give (68.98).
    ("This sentence, taken as a reading passage unto itself, is being used to prove a point.", 16, 23, 7.61),
)


@pytest.mark.parametrize(
    ("word", "count"),
    [
        (word, count)
        for count, listed in COUNTED_BY_HAND.items()
        for word in listed.split()
        if word not in NOT_AS_COUNTED
    ],
)
def test_syllables_are_those_a_person_counts(word, count):
    """Each word of the list has the syllables that a person counts in it."""
    assert syllables(word) == count


@pytest.mark.parametrize(("said", "words", "count", "expected"), PUBLISHED)
def test_the_grade_is_that_of_the_published_examples(said, words, count, expected):
    """Words, syllables and grade are those that others have published for the same sentence."""
    (one,) = sentences(said)

    assert (one.words, one.syllables) == (words, count)
    assert grade(said) == pytest.approx(expected, abs=0.01)


def test_only_a_stop_ends_a_sentence():
    """A semicolon, a colon or a number with a point does not make two short sentences of a long one."""
    assert len(sentences("We keep it; we guard it: no one else sees it at 2.5 metres.")) == 1
    assert [one.words for one in sentences("We keep it. You may ask! Who sees it? Nobody.")] == [3, 3, 3, 1]


def test_an_abbreviation_is_read_letter_by_letter_and_a_number_digit_by_digit():
    """Neither a title such as NHS nor a number is counted as one easy syllable."""
    assert (syllables("NHS"), syllables("DPIA"), syllables("2029")) == (3, 2, 4)


def _page(*blocks):
    return Page("here", "A title that says a lot of hard words", "We say it here.", (Section("a", "Heading", blocks),))


def test_headings_and_labels_are_left_out_but_cells_that_say_something_count():
    """Short labels would flatter a page, so they are not sentences; a cell of five words or a stop is one."""
    table = Table(
        "A caption of the table itself",
        ("One", "Two"),
        ((text("Yes"), text("You can ask us to pause")), (text("Counts only"), text("No."))),
    )

    (one,) = report([_page(table)])

    assert (one.sentences, one.words) == (3, 4 + 6 + 1)


def test_easy_cells_cannot_hide_hard_paragraphs():
    """The running text is graded by itself, so that a long table of easy cells does not make a hard page pass."""
    hard = Paragraph(text("Confidentiality obligations notwithstanding, organisational identifiability persists."))
    easy = Table("Easy", ("A",), tuple((text("You can ask us. We say no."),) for _ in range(40)))

    (one,) = report([_page(hard, easy)])

    assert one.grade < 9
    assert one.grade_of_text > 20


def test_the_hardest_sentences_are_named_first():
    """A writer is told which sentences to rewrite."""
    blocks = (
        Bullets((text("We keep it."), text("Organisational confidentiality necessitates proportionality."))),
        Facts((("How long", (text("We keep it for ten long years."),)),)),
    )

    (one,) = report([_page(*blocks)])

    assert one.hardest[0].text.startswith("Organisational")
    assert one.sentences == 4
