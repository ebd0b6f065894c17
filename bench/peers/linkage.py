"""Subjects: Splink, recordlinkage and anonlink by themselves, as their own documentation uses them on these sets.

python -m bench.peers.linkage SUBJECT TASK.json   (TASK: set, files, to; prints seconds, processor seconds and memory)

Each writes left_id,right_id and is judged by `caldicott link evaluate`, as ours is. No
threshold is read off the truth: an even chance for Splink (0.95 for groups of historical
people, as its example has it), the classifier's own for recordlinkage and the sum of
four agreements of its guide, a Dice coefficient of 0.7 for anonlink.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from pathlib import Path

NAMES = ("given_name", "surname")
TEXTS = ("address_1", "address_2", "suburb")


def table(path: str):
    """A file of FEBRL, whose cells and headings carry blanks."""
    import pandas as pd

    found = pd.read_csv(path, dtype=str, skipinitialspace=True)
    found.columns = [name.strip() for name in found.columns]
    return found.apply(lambda column: column.str.strip()).replace({"": None})


def with_splink(task: dict) -> list[tuple[str, str]]:
    """The models of docs/demos/examples/duckdb: febrl4 (detailed), febrl3, deduplicate_50k_synthetic."""
    import logging

    import pandas as pd
    from splink import DuckDBAPI, Linker

    logging.getLogger("splink").setLevel(logging.ERROR)
    if task["set"] == "historical":
        frames = [pd.read_parquet(task["files"][0]).drop(columns=["cluster"])]
        frames[0]["first_name_surname_concat"] = frames[0].first_name + " " + frames[0].surname
    else:
        frames = [table(path) for path in task["files"]]
    api = DuckDBAPI()
    settings, deterministic, recall, rounds, sample, key, at = _splink_model(task["set"])
    registered = [api.register(frame) for frame in frames]
    linker = Linker(registered if len(frames) > 1 else registered[0], settings, log_level=None)
    linker.training.estimate_probability_two_random_records_match(deterministic, recall=recall)
    linker.training.estimate_u_using_random_sampling(max_pairs=sample, seed=2)
    for rule in rounds:
        linker.training.estimate_parameters_using_expectation_maximisation(rule, estimate_without_term_frequencies=True)
    predicted = linker.inference.predict(threshold_match_probability=min(at, 0.5))
    if len(frames) > 1:
        rows = predicted.as_pandas_dataframe()
        rows = rows[rows.match_probability >= at]
        return list(zip(rows[f"{key}_l"], rows[f"{key}_r"], strict=True))
    grouped = linker.clustering.cluster_pairwise_predictions_at_threshold(predicted, threshold_match_probability=at)
    return within(grouped.as_pandas_dataframe()[["cluster_id", key]].itertuples(index=False))


def _splink_model(name: str):
    import splink.comparison_library as cl
    from splink import SettingsCreator, block_on

    if name == "historical":
        blocks = [
            block_on("substr(first_name,1,3)", "substr(surname,1,4)"), block_on("surname", "dob"),
            block_on("first_name", "dob"), block_on("postcode_fake", "first_name"),
            block_on("postcode_fake", "surname"), block_on("dob", "birth_place"),
            block_on("substr(postcode_fake,1,3)", "dob"), block_on("substr(postcode_fake,1,3)", "first_name"),
            block_on("substr(postcode_fake,1,3)", "surname"),
            block_on("substr(first_name,1,2)", "substr(surname,1,2)", "substr(dob,1,4)"),
        ]  # fmt: skip
        settings = SettingsCreator(
            link_type="dedupe_only",
            blocking_rules_to_generate_predictions=blocks,
            comparisons=[
                cl.ForenameSurnameComparison(
                    "first_name", "surname", forename_surname_concat_col_name="first_name_surname_concat"
                ),
                cl.DateOfBirthComparison("dob", input_is_string=True),
                cl.PostcodeComparison("postcode_fake"),
                cl.ExactMatch("birth_place").configure(term_frequency_adjustments=True),
                cl.ExactMatch("occupation").configure(term_frequency_adjustments=True),
            ],
        )
        sure = [
            block_on("first_name", "surname", "dob"),
            block_on("substr(first_name,1,2)", "surname", "substr(postcode_fake,1,2)"),
            block_on("dob", "postcode_fake"),
        ]
        return settings, sure, 0.6, [block_on("first_name", "surname"), block_on("dob")], 1e7, "unique_id", 0.95
    has_number = name != "febrl4-without-number"
    is_two = name.startswith("febrl4")
    blocks = [block_on("date_of_birth"), block_on("postcode")]
    sure = [block_on(*NAMES, "date_of_birth")]
    turned = "l.given_name = r.surname and l.surname = r.given_name"
    if is_two:
        blocks += [block_on(*NAMES), turned, block_on("state", "address_1"), block_on("street_number", "address_1")]
    else:
        blocks += [block_on("given_name"), block_on("surname")]
        sure.append(f"{turned} and l.date_of_birth = r.date_of_birth")
    born = cl.DateOfBirthComparison(
        "date_of_birth", input_is_string=True, datetime_format="%Y%m%d", invalid_dates_as_null=True
    )
    names = [cl.NameComparison(one) for one in NAMES]
    postcode = cl.ExactMatch("postcode")
    if is_two:
        names = [one.configure(term_frequency_adjustments=True) for one in names]
        postcode = cl.DamerauLevenshteinAtThresholds("postcode", [1, 2])
    comparisons = [
        *names, born, cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
        postcode.configure(term_frequency_adjustments=True),
    ]  # fmt: skip
    if has_number:
        blocks.append(block_on("soc_sec_id"))
        sure.append(block_on("soc_sec_id"))
        comparisons.append(cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2] if is_two else [2]))
    settings = SettingsCreator(
        unique_id_column_name="rec_id",
        link_type="link_only" if is_two else "dedupe_only",
        blocking_rules_to_generate_predictions=blocks,
        comparisons=comparisons,
    )
    recall = 0.8 if is_two else 0.9
    return settings, sure, recall, [block_on("date_of_birth"), block_on("postcode")], 1e6, "rec_id", 0.5


def with_recordlinkage(task: dict) -> list[tuple[str, str]]:
    """Its guide's comparisons; blocks on each field alone, united; the ECM classifier, or a sum of agreements."""
    import pandas as pd
    import recordlinkage

    if task["set"] == "historical":
        frames = [pd.read_parquet(task["files"][0]).set_index("unique_id")]
        names, born, texts, blocks = ("first_name", "surname"), "dob", ("birth_place", "occupation"), (
            ["first_name", "surname"], ["dob"], ["postcode_fake"],
        )  # fmt: skip
        exact = ("postcode_fake",)
    else:
        frames = [table(path).set_index("rec_id") for path in task["files"]]
        names, born, texts, exact = NAMES, "date_of_birth", ("address_1", "suburb"), ("postcode", "street_number")
        blocks = (["given_name"], ["surname"], ["date_of_birth"], ["postcode"])
    index = recordlinkage.Index()
    for block in blocks:
        index.block(block)
    compare = recordlinkage.Compare()
    for one in names:
        compare.string(one, one, method="jarowinkler", threshold=0.85, label=one)
    compare.exact(born, born, label=born)
    for one in texts:
        compare.string(one, one, method="levenshtein", threshold=0.85, label=one)
    for one in exact:
        compare.exact(one, one, label=one)
    pairs = index.index(*frames)
    features = compare.compute(pairs, *frames)
    if task["subject"] == "recordlinkage-sum":
        links = features[features.sum(axis=1) >= 4].index
    else:
        links = recordlinkage.ECMClassifier().fit_predict((features > 0).astype(int))
    found = [(str(left), str(right)) for left, right in links]
    return found if len(frames) > 1 else closed(found)


def with_anonlink(task: dict) -> list[tuple[str, str]]:
    """A CLK of 1,024 bits over names, birth date, street, suburb and postcode; greedy, Dice 0.7."""
    import io

    import anonlink
    from clkhash import clk
    from clkhash.comparators import NgramComparison
    from clkhash.field_formats import BitsPerFeatureStrategy, FieldHashingProperties, Ignore, StringSpec
    from clkhash.schema import Schema

    columns = ("rec_id", *NAMES, "date_of_birth", "address_1", "suburb", "postcode")

    hashed = [
        StringSpec(
            name,
            FieldHashingProperties(comparator=NgramComparison(2), strategy=BitsPerFeatureStrategy(150)),
        )
        for name in columns[1:]
    ]  # fmt: skip
    schema = Schema([Ignore("rec_id"), *hashed], 1024)
    frames = [table(path) for path in task["files"]]
    filters = []
    for frame in frames:
        text = io.StringIO()
        frame[list(columns)].fillna("").to_csv(text, index=False)
        text.seek(0)
        filters.append(clk.generate_clk_from_csv(text, "not a secret", schema, progress_bar=False))
    candidates = anonlink.candidate_generation.find_candidate_pairs(
        filters, anonlink.similarities.dice_coefficient, task.get("at", 0.7)
    )
    groups = anonlink.solving.greedy_solve(candidates)
    left, right = (list(frame.rec_id) for frame in frames)
    return [(left[a], right[b]) for (_, a), (_, b) in (sorted(group) for group in groups if len(group) == 2)]


def within(rows) -> list[tuple[str, str]]:
    """Every pair of each group."""
    groups: dict[object, list[str]] = {}
    for group, one in rows:
        groups.setdefault(group, []).append(str(one))
    return [(a, b) for members in groups.values() for at, a in enumerate(members) for b in members[at + 1 :]]


def closed(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs and all that follow from them, as the other subjects' groups have them."""
    root: dict[str, str] = {}

    def top(one: str) -> str:
        while root.setdefault(one, one) != one:
            root[one] = root[root[one]]
            one = root[one]
        return one

    for a, b in pairs:
        root[top(a)] = top(b)
    return within((top(one), one) for one in list(root))


SUBJECTS = {
    "splink": with_splink,
    "recordlinkage": with_recordlinkage,
    "recordlinkage-sum": with_recordlinkage,
    "anonlink": with_anonlink,
}


def main(subject: str, task: dict) -> dict:
    begun, busy = time.perf_counter(), time.process_time()
    pairs = SUBJECTS[subject]({**task, "subject": subject})
    seconds, processor = time.perf_counter() - begun, time.process_time() - busy
    with Path(task["to"]).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("left_id", "right_id"), *pairs])
    # Its own highest: what getrusage says is that of the process which started it, where that was larger.
    memory = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024**2
    return {"seconds": seconds, "processor": processor, "gigabytes": memory, "links": len(pairs)}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))))
