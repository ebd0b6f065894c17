"""The words of the register as the public reads them, beyond those the register room has already.

A word of an old register that is not in these lists is printed as it is written
there, never left out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from caldicott.facts import governance
from caldicott.publication.pages.setting import is_shown
from caldicott.register import words
from caldicott.vocabulary.terms import Regime

if TYPE_CHECKING:
    from collections.abc import Iterable

    from caldicott.register.model import Register

NOT_STATED = "Not stated."

FORM: dict[str, str] = {
    "identifiable": "Says who you are",
    "pseudonymised": "With a code, no name",
    "anonymised": "Nothing says who you are",
    "aggregated": "Counts only",
}
"""A format in a table cell."""

FORM_EXPLAINED: dict[str, str] = {
    "identifiable": "It has your name, your NHS number or your date of birth, so it says who you are.",
    "pseudonymised": "It has a code in place of your name and NHS number, so we can join records but not tell who "
    "you are.",
    "anonymised": "All that says who you are has been taken out, and so has the code.",
    "aggregated": "It is only a count, such as how many people had a new hip last year.",
}

ARTICLE: dict[str, str] = {
    "A6-1-a": "You agreed to it.",
    "A6-1-b": "We need it for a contract with you.",
    "A6-1-c": "A law says that we must do it.",
    "A6-1-d": "Someone's life may depend on it.",
    "A6-1-e": "It is a public task that the law gives us.",
    "A6-1-ea": "The law names this as a good reason to use it.",
    "A6-1-f": "We have a good reason, and your own interests do not weigh more.",
    "A9-2-a": "You agreed that we may use facts about your health.",
    "A9-2-b": "The law on jobs and social care lets us use facts about health.",
    "A9-2-c": "Someone's life may depend on it, and that person cannot agree.",
    "A9-2-d": "A body that works for its members uses it.",
    "A9-2-e": "You made it public yourself.",
    "A9-2-f": "A court or a legal claim needs it.",
    "A9-2-g": "The public has a strong interest in it, and a law says so.",
    "A9-2-h": "The law lets us use facts about health to give, plan and run care.",
    "A9-2-i": "The law lets us use facts about health to keep the public safe from disease.",
    "A9-2-j": "The law lets us use facts about health for research and counting.",
}

CONFIDENCE: dict[str | None, str] = {
    "explicit_consent": "What you told us in trust is used because you agreed.",
    "direct_care": "What you told in trust is used for your own care, as you would expect.",
    "s251": "A special approval in law lets us use what you told in trust. It is called section 251.",
    "statute": "A law lets us use what you told in trust.",
    "court": "A court has ordered it.",
    "public_interest": "The good of the public weighs more here than your trust.",
    "none": "Nothing that you told in trust is used.",
    None: "What lets us use things told in trust is not stated.",
}

WHY_SHARED: dict[str | None, str] = {
    "explicit_consent": "Because the person agreed",
    "direct_care": "For the person's own care",
    "s251": "Under a special approval in law, called section 251",
    "statute": "Because a law lets us",
    "court": "By order of a court",
    "public_interest": "Because the good of the public weighs more here",
    "none": "Where nothing was told in trust",
    None: "For a reason that is not stated",
}
"""What lifts the duty of confidence, as the reason why somebody receives what says who a person is."""

PEOPLE: dict[str, str] = {
    "adults_at_risk": "adults who may be in danger",
    "applicants": "people who apply for a job",
    "board_members": "members of our board",
    "carers": "people who look after someone",
    "committee_members": "members of committees",
    "complainants": "people who complain",
    "members_of_the_public": "members of the public",
    "others_involved": "others who were part of what happened",
    "representatives": "people who speak for someone else",
    "requesters": "people who ask us something",
    "research_participants": "people who take part in research",
    "service_users": "people who use services",
    "suppliers": "firms that sell to us",
    "survey_respondents": "people who answer a survey",
}

KIND: dict[str, str] = {
    "case_details": "what happened in your case",
    "contact": "how to reach you",
    "demographic": "your age, sex and area",
    "education": "your schooling",
    "employment": "your job",
    "finance": "money and payments",
    "health": "your health",
    "identity": "who you are",
    "images": "pictures",
    "interests": "what you own, earn or belong to",
    "medication": "your medicines",
    "social_care": "your social care",
    "use_of_services": "the care you were given, and when",
    "views": "what you think",
    "ethnic_origin": "your ethnic group",
    "religious_belief": "your faith",
    "sex_life": "your sex life",
    "trade_union": "whether you are in a trade union",
}

MEASURE: dict[str, str] = {
    "annual_training": "Staff are trained every year in keeping records safe.",
    "audit_trail": "Each use of a record is written down in a log.",
    "automatic_pseudonymisation_on_landing": "A computer puts in the code as soon as a record comes in.",
    "code_used_nowhere_else": "The code is used for this and for nothing else.",
    "coded_records_treated_as_identifiable": "We guard records with a code as well as records with a name.",
    "controlled_environment_for_finance": "Bills are checked in a locked area, away from all other staff.",
    "data_minimisation": "We use no more than we need.",
    "disciplinary_procedures": "Staff who break the rules have to answer for it.",
    "encryption_at_rest": "Stored records are scrambled, and only a secret key opens them.",
    "encryption_in_transit": "Records are scrambled while they are sent.",
    "investigate_before_concluding": "A person looks into a match before anyone draws a conclusion.",
    "key_items_only": "Only the main facts are shown.",
    "linkage_only_in_the_regional_office": "Records are joined only in the secure office.",
    "linked_by_code": "Records are joined by a code, not by a name.",
    "need_to_know": "Only people who need a record for their work may see it.",
    "nhs_digital_terms_and_security_controls": "The rules of NHS Digital apply.",
    "nhs_security_systems": "The records are on secure NHS computers.",
    "no_identifiable_history_held": "We hold no list of your past care that says who you are.",
    "notices_about_projects": "Notices tell people about each project.",
    "one_code_for_linked_records": "A person has one code in the records that are joined.",
    "only_the_practice_can_reidentify": "Only your GP practice can tell who a code stands for.",
    "practices_tell_patients": "GP practices tell their patients about it.",
    "rare_conditions_extra_care": "We take extra care where an illness is rare.",
    "role_based_access": "What someone may see depends on their job.",
    "scores_from_coded_records": "Scores are worked out from records with a code.",
    "secure_computer_system": "The records are on a secure computer.",
    "secure_environment": "The records are kept in a secure place.",
    "secure_environment_for_invoices": "Bills are kept in a secure place.",
    "secure_locations": "The records are kept in secure places.",
    "secure_portal": "The records are seen on a secure website.",
    "secure_server": "The records are on a secure computer.",
    "strict_rules_on_who_may_identify": "Strict rules say who may find out who a person is.",
    "stringent_measures_against_identification": "Strict steps keep people from being recognised.",
    "under_contract": "A contract binds those who work for us.",
    "used_for_invoices_only": "The records are used for bills and for nothing else.",
    "used_for_involvement_only": "The list is used to keep in touch and for nothing else.",
    "withhold_where_harm_or_law": "We hold back what could harm someone or what the law protects.",
}

RIGHT: dict[str, str] = {
    "access": "See what we hold",
    "rectification": "Have it put right",
    "erasure": "Have it wiped",
    "restriction": "Have us pause",
    "portability": "Take it with you",
    "objection": "Say no",
    "withdraw_consent": "Take back your yes",
    "human_review": "Have a person look",
    "complain": "Complain",
}

RIGHT_EXPLAINED: dict[str, str] = {
    "access": "You can ask whether we hold anything about you, and get a copy of it.",
    "rectification": "You can ask us to put right what is wrong about you.",
    "erasure": "You can ask us to wipe what we hold about you, if the law does not make us keep it.",
    "restriction": "You can ask us to keep your record but not use it for a time.",
    "portability": "You can ask for what you gave us in a form that another service can read.",
    "objection": "You can tell us to stop a use. The page on opting out says which choice stops what.",
    "withdraw_consent": "Where we do something only because you said yes, you can change your mind.",
    "human_review": "You can ask that a person, and not only a computer, looks at what matters to you.",
    "complain": "You can complain about how we use what we know about you.",
}

APPLIES: dict[str, str] = {"yes": "Yes", "no": "No", "limited": "In part"}

COMPUTER: dict[str | None, str] = {
    "none": "No. A computer does not decide anything about you here.",
    "decision_support": "A computer works something out, but a person decides.",
    "automated": "Yes. A computer decides. You can ask a person to look again.",
    None: NOT_STATED,
}

COUNTED_FROM: dict[str, str] = {
    "receipt": "The day we get it",
    "withdrawal": "The day you take back your yes",
    "the look": "The day someone looked",
    "the bill is decided": "The day the bill is decided",
}

AT_THE_END: dict[str, str] = {
    "destroy": "We destroy it.",
    "destroy, with a certificate": "We destroy it, and a certificate shows that.",
    "destroy the full record": "We destroy the full record.",
    "replace": "The next one takes its place.",
    "review": "We look at it again and decide.",
    "review, then destroy": "We look at it again, and then destroy it.",
    "review, consider transfer to a place of deposit": "We look at it again. It may go to an archive for good.",
    "review, then destroy securely if nothing speaks against it": "We look at it again. If nothing speaks against it, "
    "we destroy it.",
}

ZONE: dict[str, str] = {
    "safe-haven": "the locked area where identities are kept",
    "landing": "the place where records come in",
    "landing-stage": "the place where records come in",
    "marts": "the tables with codes",
    "ceff": "the locked area for bills",
    "dscro": "the secure regional office",
    "practice": "the GP practice",
    "provider": "the service that gave care",
    "outside": "outside our systems",
    "screen": "the screen on which staff look",
    "casework": "the files of cases",
    "counter-fraud": "the team that looks for fraud",
    "corporate": "our own offices",
    "ledger": "the books of payments",
    "national": "the national body",
    "processor": "a firm that works for us",
}

GAP: dict[str, str] = {
    "effective_from": "the day it began",
    "purpose": "its purpose",
    "use": "whether it is for your own care",
    "data_subjects": "whom it is about",
    "personal_data": "which kinds of facts it uses",
    "data_protection_basis": "what in law allows it",
    "confidentiality_basis": "what lets us use things told in trust",
    "format_in": "the form in which records come in",
    "identifiers_allowed": "what may say who you are",
    "inputs_whitelist": "the list of facts it may use",
    "sources": "where records come from",
    "datasets": "which records it uses",
    "flows": "the way the records take",
    "recipients": "who receives from it",
    "roles": "who sees what",
    "retention": "how long records are kept",
    "rights": "your rights in it",
    "automated_decision": "whether a computer decides",
    "measures": "what protects the records",
    "publication": "where you can read of it",
    "review_due": "when we look at it again",
    "objections": "how to say no",
    "pseudonym_domain": "where a code holds",
    "disclosure_control": "how small counts are hidden",
    "organisations": "what a firm that works for us does",
    "title": "its name",
    "plain_text": "what it is",
}

LAW: dict[Regime, str] = {
    Regime.DPA1998: "Data Protection Act 1998",
    Regime.GDPR_DPA2018: "GDPR and Data Protection Act 2018",
    Regime.UK_GDPR_DPA2018: "UK GDPR and Data Protection Act 2018",
    Regime.UK_GDPR_DPA2018_DUAA2025: "UK GDPR, Data Protection Act 2018 and Data (Use and Access) Act 2025",
}


def plain(word: str, known: dict[str, str]) -> str:
    """The word in the list's words, or as the register writes it, with spaces."""
    return known.get(word, word.replace("_", " ").replace("-", " "))


def dataset(dataset_id: str) -> str:
    """What a dataset is, as the facts title it."""
    titles = {row["id"]: row["title"] for row in governance.table("datasets")}
    return titles.get(dataset_id, dataset_id.replace("-", " "))


def datasets(ids: Iterable[str]) -> str:
    """`A; b; c`: titles have commas of their own."""
    return words.capital("; ".join(_lowered(dataset(one)) for one in ids)) or "none"


def _lowered(title: str) -> str:
    """A title within a sentence; proper names keep their capitals."""
    first, *_ = title.split(" ")
    return (
        title if first in {"GP", "Personal", "National", "FHIR"} or first.isupper() else title[:1].lower() + title[1:]
    )


def body(word: str, register: Register) -> str:
    """An organisation by its name; a word that is none as the register writes it, with spaces."""
    named = words.organisation(word, register)
    source = register.activity(word)
    if source is not None and named == word:
        return f"our own work “{source.title}”" if is_shown(source) else "other work of ours"
    return named if named != word else word.replace("-", " ")


_FIELD = {
    "nhs_number": "NHS number",
    "birth_date": "date of birth",
    "gp_record": "GP record",
    "local_id": "number at the hospital",
    "price_pence": "price",
    "death_date": "date of death",
    "lsoa": "small area you live in",
    "ethnic_category": "ethnic group",
}


def fields(names: Iterable[str]) -> str:
    """Names of single facts as a list: `NHS number, risk score`."""
    return words.capital(", ".join(_FIELD.get(one, one.replace("_", " ")) for one in names))


def sentence(text: str) -> str:
    """The text with a capital and a full stop."""
    text = words.capital(text.strip())
    return text if not text or text.endswith((".", "?", "!")) else f"{text}."


def counted_from(starts: str) -> str:
    """The day from which a time of keeping counts, in the list's words or in the register's."""
    return COUNTED_FROM.get(starts.lower(), words.capital(starts)) or NOT_STATED


def at_the_end(action: str) -> str:
    """What happens at the end of that time, in the list's words or in the register's."""
    return AT_THE_END.get(action.lower(), words.capital(action)) or NOT_STATED


def several(count: int, one: str, many: str) -> str:
    """`1 use`, `3 uses`."""
    return f"{count} {one if count == 1 else many}"


def anchor(text: str) -> str:
    """The text as an anchor: lower case, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "part"
