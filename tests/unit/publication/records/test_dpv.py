"""The register as linked metadata: any tool reads the standard terms, and the register itself comes back whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from rdflib import RDF, BNode, Graph, Namespace, URIRef
from rdflib.compare import isomorphic
from rdflib.plugins.parsers.jsonld import to_rdf

from caldicott.facts import publication as facts
from caldicott.publication import dpv
from caldicott.vocabulary.errors import DoesNotHold

FORMS = ("turtle", "json-ld")
DPV = Namespace("https://w3id.org/dpv#")
GDPR = Namespace("https://w3id.org/dpv/legal/eu/gdpr#")
OURS = Namespace("urn:caldicott:vocab:")
HOSTILE = 'a "quote" \\ back\\slash \n line \r return \t tab """ <iri> . ; , @en ^^ ’ 😀 \x7f \x01 ends with "'


def _graph(register, form):
    text, graph = dpv.write(register, form), Graph(bind_namespaces="none")
    # Graph.parse warns of a class of the library's own when it reads JSON-LD.
    return graph.parse(data=text, format=form) if form == "turtle" else to_rdf(json.loads(text), graph)


def _plain(graph):
    """The statements of a graph with each list as one value, so that two graphs can be compared as sets."""

    def value(node):
        return tuple(value(one) for one in graph.items(node)) if isinstance(node, BNode) or node == RDF.nil else node

    return {(s, p, value(o)) for s, p, o in graph if not isinstance(s, BNode)}


def _of(register, activity):
    return URIRef(f"urn:caldicott:register:{register.controller.id}/activities/{activity}")


@pytest.mark.parametrize("form", FORMS)
def test_the_whole_register_comes_back(register, form):
    """Everything the register says is in the public file: read back, it is equal, down to the digest."""
    back = dpv.read(dpv.write(register, form), form)
    assert back == register
    assert back.digest == register.digest


@pytest.mark.parametrize("form", FORMS)
def test_any_text_comes_back(example_icb, form):
    """Quotes, line ends and signs of every kind cannot break the file nor change on the way."""
    changed = example_icb.activities[0].model_copy(
        update={"title": HOSTILE, "sources": (HOSTILE, "", HOSTILE), "measures": (), "plain_text": "\n"}
    )
    register = example_icb.model_copy(update={"activities": (changed, *example_icb.activities[1:])})
    assert dpv.read(dpv.write(register, form), form) == register


def test_both_forms_say_the_same(register):
    """Turtle and JSON-LD are two writings of one graph: no statement is in one alone."""
    turtle, json_ld = _plain(_graph(register, "turtle")), _plain(_graph(register, "json-ld"))
    assert turtle == json_ld
    assert len(turtle) > 1000


def test_both_forms_are_isomorphic_by_the_library_too(leeds):
    """The same by the library's own comparison of graphs, on one activity (it is slow on lists)."""
    small = leeds.model_copy(update={"activities": leeds.activities[:1], "instruments": (), "organisations": ()})
    assert isomorphic(_graph(small, "turtle"), _graph(small, "json-ld"))


def test_a_standard_tool_reads_the_basis_in_law(register):
    """Legal bases are the vocabulary's own terms for Article 6 and 9, for each activity."""
    graph = _graph(register, "turtle")
    for activity in register.activities:
        expected = {
            GDPR[code]
            for basis in activity.data_protection_basis or ()
            for code in (basis.article6, basis.article9)
            if code
        }
        assert set(graph.objects(_of(register, activity.id), DPV.hasLegalBasis)) == expected


def test_a_standard_tool_reads_who_receives(register):
    """Each recipient, processor and end of a flow has a name in the file."""
    graph = _graph(register, "turtle")
    for predicate in (
        DPV.hasRecipient,
        DPV.hasDataProcessor,
        DPV.hasDataExporter,
        DPV.hasDataImporter,
        DPV.hasDataController,
    ):
        for party in set(graph.objects(None, predicate)):
            assert len(list(graph.objects(party, DPV.hasName))) == 1


def test_a_standard_tool_reads_the_flows(example_icb):
    """A flow is a transfer with exporter, importer and the kind of data."""
    graph = _graph(example_icb, "json-ld")
    flow = URIRef(f"{_of(example_icb, 'staff')}/flows/2")
    assert (_of(example_icb, "staff"), DPV.hasProcess, flow) in graph
    assert graph.value(flow, DPV.hasProcessing) == DPV.Transfer
    assert graph.value(graph.value(flow, DPV.hasDataImporter), DPV.hasName).value == "Example Payroll Bureau"
    assert graph.value(flow, DPV.hasData) == DPV.IdentifyingPersonalData


def test_a_standard_tool_reads_purpose_status_and_rights(example_icb):
    """Purpose, status, subjects, measures and rights of employment are terms of the vocabulary."""
    graph, here = _graph(example_icb, "turtle"), _of(example_icb, "staff")
    assert graph.value(here, DPV.hasPurpose) == DPV.PersonnelManagement
    assert graph.value(here, DPV.hasActivityStatus) == DPV.ActivityOngoing
    assert set(graph.objects(here, DPV.hasDataSubject)) == {DPV.Employee, DPV.JobApplicant}
    assert GDPR.A15 in set(graph.objects(here, DPV.hasRight))
    assert GDPR.A17 not in set(graph.objects(here, DPV.hasRight))  # the register says: does not apply


def test_a_word_of_our_own_is_told_as_narrower_than_a_standard_one(register):
    """No term of ours stands without a label and the vocabulary's word for such things."""
    graph = _graph(register, "turtle")
    broader = URIRef("http://www.w3.org/2004/02/skos/core#broader")
    label = URIRef("http://www.w3.org/2000/01/rdf-schema#label")
    minted = {
        one for one in graph.objects() if isinstance(one, URIRef) and one.startswith(str(OURS)) and "/" in str(one)
    }
    assert minted
    for one in minted:
        assert graph.value(one, label) is not None
        assert str(graph.value(one, broader)).startswith(str(DPV))


def test_nothing_leads_nowhere(register):
    """Every part of the register that is pointed to is described in the file, but for documents and
    activities that the register itself does not have."""
    graph = _graph(register, "turtle")
    here = f"urn:caldicott:register:{register.controller.id}/"
    subjects = set(graph.subjects())
    dangling = {one for one in graph.objects() if isinstance(one, URIRef) and one.startswith(here)} - subjects
    assert dangling == set()


def test_the_mapping_names_the_release_and_nothing_twice():
    """Each word has one term, and each term is of the vocabulary."""
    rows = facts.table("dpv_terms")
    assert len({(row["set"], row["word"]) for row in rows}) == len(rows)
    assert all(row["iri"].startswith("https://w3id.org/dpv") for row in rows)


def test_the_same_register_gives_the_same_bytes_in_another_run():
    """No order depends on the run: two runs with different hash seeds write the same files."""
    script = (
        "import hashlib; from datetime import date; from caldicott.register import parse;"
        "from caldicott.publication.records import artefacts;"
        "r = parse.load(parse.resolve('oxfordshire-2016', parse.bundled_roots()));"
        "print([(a.path, hashlib.sha256(a.content).hexdigest()) for a in artefacts(r, at=date(2026, 5, 4))])"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def test_the_context_is_in_the_file(example_icb):
    """Nothing has to be fetched to read the JSON-LD."""
    context = json.loads(dpv.write(example_icb, "json-ld"))["@context"]
    assert isinstance(context, dict)
    assert context["dpv"] == str(DPV)


@pytest.mark.parametrize(
    ("text", "form", "code"),
    [
        ("no turtle", "turtle", "dpv-unreadable"),
        ("{", "json-ld", "dpv-unreadable"),
        ("[" * 100_000, "json-ld", "dpv-unreadable"),
        ("", "turtle", "dpv-no-register"),
        ('{"@context": "https://evil.example/context"}', "json-ld", "dpv-context-outside"),
        ('[{"@graph": [{"@context": [{}, "https://evil.example/c"]}]}]', "json-ld", "dpv-context-outside"),
        ('{"@context": {"@import": "https://evil.example/c"}}', "json-ld", "dpv-context-outside"),
        ("<urn:a> <urn:caldicott:vocab:controller> <urn:b> .", "turtle", "dpv-not-a-register"),
        ("<urn:a> <urn:caldicott:vocab:controller> <urn:a> .", "turtle", "dpv-circle"),
        ("<urn:a> <urn:caldicott:vocab:controller> <urn:b>, <urn:c> .", "turtle", "dpv-twice"),
        (
            "<urn:a> <urn:caldicott:vocab:controller> <urn:b> . <urn:c> <urn:caldicott:vocab:controller> <urn:b> .",
            "turtle",
            "dpv-no-register",
        ),
        (
            (
                "@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> ."
                "<urn:a> <urn:caldicott:vocab:controller> _:x . _:x rdf:first 1 ; rdf:rest _:x ."
            ),
            "turtle",
            "dpv-circle",
        ),
        (
            (
                "@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> ."
                "<urn:a> <urn:caldicott:vocab:controller> _:x . _:x rdf:first _:x ; rdf:rest rdf:nil ."
            ),
            "turtle",
            "dpv-circle",
        ),
    ],
)
def test_a_file_that_carries_no_register_is_refused(text, form, code):
    """A broken, foreign or hostile file is refused with a code and a next step; nothing is fetched."""
    with pytest.raises(DoesNotHold) as refused:
        dpv.read(text, form)
    assert refused.value.code == code
    assert refused.value.next_step


def test_a_changed_file_is_checked_as_a_register(example_icb):
    """What a stranger adds to the file is refused as an unknown key is in a register."""
    text = dpv.write(example_icb, "turtle") + (
        '<urn:caldicott:register:example-icb/controller> <urn:caldicott:vocab:moonshine> "x" .\n'
    )
    with pytest.raises(DoesNotHold) as refused:
        dpv.read(text, "turtle")
    assert (refused.value.code, refused.value.where) == ("dpv-not-a-register", "controller.moonshine")
