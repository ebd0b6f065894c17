"""The opt-out answer names who is allowed; a broken one allows nobody and says so."""

from __future__ import annotations

import json

import pytest

from caldicott.stores.submissions.mesh import pack, parse_answer, read_answer, read_mailbox, write_request
from caldicott.vocabulary.errors import DoesNotHold


def test_the_answer_is_the_people_allowed(tmp_path):
    """Ten digits, a comma, a line end; what the service repeats is counted once."""
    path = tmp_path / "answer.dat"
    path.write_bytes(b"9990000026,\n9990000018,\n9990000026,\n")
    answer = read_answer(path)
    assert answer.allowed.to_pylist() == ["9990000018", "9990000026"]
    assert (answer.lines, answer.repeated, answer.carriage_returns, answer.warnings) == (3, 1, 0, ())


def test_carriage_returns_are_tolerated_and_counted():
    """Dorset's exchange writes them, the Renal Registry says not to."""
    answer = parse_answer(b"9990000018,\r\n9990000026,\n")
    assert (answer.allowed.to_pylist(), answer.carriage_returns) == (["9990000018", "9990000026"], 1)


def test_an_empty_answer_allows_nobody_and_warns():
    """It is valid: everyone asked about has opted out. It is also what a broken transfer looks like."""
    answer = parse_answer(b"")
    assert len(answer.allowed) == 0
    assert answer.warnings


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"ERROR: invalid NHS number in file\n", "answer_is_error"),
        (b"ERROR", "answer_is_error"),
        (b"9990000018,\n9990000026", "answer_broken"),
        (b"9990000018,\n99900000,\n", "answer_broken"),
        (b"9990000018\n", "answer_broken"),
        (b"9990000018,\n\n9990000026,\n", "answer_broken"),
        (b"\xef\xbb\xbf9990000018,\n", "answer_is_error"),
        ("9990000018,\n".encode("utf-16"), "answer_broken"),
        (b"9990000018, \n9990000026,\n", "answer_broken"),
        ("٩٩٩٠٠٠٠٠١٨,\n".encode(), "answer_is_error"),
    ],
)
def test_anything_else_means_that_everyone_is_out(content, code):
    """Never a shorter list, never a number in the message."""
    with pytest.raises(DoesNotHold) as refused:
        parse_answer(content)
    assert refused.value.code == code
    assert "everyone is out until a good answer arrives" in str(refused.value)
    assert "99900000" not in str(refused.value)


def test_a_request_reads_back_as_an_answer():
    """Both have one format [NHS England: check for national data opt-outs]."""
    numbers = ["9990000026", "9990000018", "9990000026"]
    assert write_request(numbers) == b"9990000018,\n9990000026,\n"
    assert parse_answer(write_request(numbers)).allowed.to_pylist() == sorted(set(numbers))


@pytest.mark.parametrize("number", ["999000001", "99900000180", "999000001x", "", "٩٩٩٠٠٠٠٠١٨"])
def test_a_request_with_anything_but_ten_digits_is_not_written(number):
    """The service would answer the whole file with an error."""
    with pytest.raises(DoesNotHold):
        write_request([number])


def post(folder, name, parts, *, created, **changed):
    entry = {
        "message_id": name,
        "workflow_id": "SPINE_NTT_UPHOLDING",
        "created_timestamp": created,
        "total_chunks": len(parts),
        "sender": {"mailbox_id": "X26ABC1"},
        "events": [{"status": "accepted", "timestamp": created}],
        "metadata": {"file_name": "answer.dat"},
    }
    (folder / f"{name}.json").write_text(json.dumps(entry | changed))
    (folder / name).mkdir()
    for number, part in enumerate(parts, start=1):
        (folder / name / str(number)).write_bytes(part)


def test_a_mailbox_is_read_oldest_first_and_each_message_in_the_order_of_its_parts(tmp_path):
    """Twelve parts: by number, not by name."""
    body = b"".join(b"99900%05d,\n" % number for number in range(400))
    packed = pack(body)
    step = len(packed) // 11
    parts = [packed[start : start + step] for start in range(0, len(packed), step)]
    assert len(parts) >= 11
    post(tmp_path, "B", parts, created="2026-05-02", metadata={"content_encoding": "gzip"})
    post(tmp_path, "A", [b"9990000018,\n"], created="2026-05-03")
    post(tmp_path, "C", [b"x"], created="2026-05-01", workflow_id="OTHER")
    messages = read_mailbox(tmp_path, "SPINE_NTT_UPHOLDING")
    assert [message.message_id for message in messages] == ["B", "A"]
    assert messages[0].body == body
    assert "999" not in repr(messages[1])


@pytest.mark.parametrize(
    "changed",
    [
        {"total_chunks": 2},
        {"total_chunks": 0},
        {"total_chunks": "1"},
        {"message_id": "../A"},
        {"message_id": "OTHER"},
        {"created_timestamp": None},
        {"metadata": {"content_encoding": "gzip"}},
    ],
)
def test_a_broken_message_is_refused(tmp_path, changed):
    """A missing part must not become a shorter answer."""
    post(tmp_path, "A", [b"9990000018,\n"], created="2026-05-03", **changed)
    with pytest.raises(DoesNotHold):
        read_mailbox(tmp_path)


@pytest.mark.parametrize("spoil", [lambda packed: packed[:-9], lambda packed: packed + b"more", lambda _packed: b""])
def test_a_compressed_message_must_end_where_it_says(tmp_path, spoil):
    """Cut short or with something behind it, it is not the message."""
    post(tmp_path, "A", [spoil(pack(b"9990000018,\n"))], created="2026-05-03", metadata={"is_compressed": True})
    with pytest.raises(DoesNotHold):
        read_mailbox(tmp_path)
