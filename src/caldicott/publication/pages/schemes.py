"""What each way of objecting is and how it is made, in plain words."""

from __future__ import annotations

from caldicott.vocabulary.terms import Objection

NATIONAL_PAGE = "https://www.nhs.uk/your-nhs-data-matters/"

WHAT: dict[Objection, str] = {
    Objection.TYPE_1: "With a type 1 opt-out your GP record stays in your practice, but for your own care.",
    Objection.TYPE_2: "This was an old way to opt out. The National Data Opt-out took its place in 2018.",
    Objection.NATIONAL_DATA_OPT_OUT: "With the National Data Opt-out you say no to planning and research with records "
    "that say who you are. It holds all over England.",
    Objection.RISK_STRATIFICATION: "With this you say no to risk scores.",
    Objection.RESEARCH: "With this you say no to research.",
    Objection.DEIDENTIFIED: "With this you say no even where a code stands in place of your name.",
    Objection.LOCAL: "With this you say no to the local screen on which care staff look up records.",
}

HOW: dict[Objection, str] = {
    Objection.TYPE_1: "Tell your GP practice. It puts a mark in your record.",
    Objection.TYPE_2: "It was made at a GP practice. You cannot make it any more.",
    Objection.NATIONAL_DATA_OPT_OUT: "You make it on the NHS website. You can change your mind at any time.",
    Objection.RISK_STRATIFICATION: "Tell your GP practice that you want no risk score.",
    Objection.RESEARCH: "Tell your GP practice that you want no part in research.",
    Objection.DEIDENTIFIED: "Tell your GP practice.",
    Objection.LOCAL: "Tell your GP practice that you do not want to be on the screen.",
}
