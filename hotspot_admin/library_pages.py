"""What the pages about library systems say, in the language of whoever reads them."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Flask
from flask_login import current_user

from hotspot.adapters.library_systems.library_system import Finding, Outcome
from hotspot.library_wording import BLOCKS, STEPS, explain_finding, print_amount
from hotspot.message_ids import mark
from hotspot.policy.readers import Reader, years_between
from hotspot.services.examining_libraries import RuledOffer
from hotspot.services.library_systems import AwaySystem
from hotspot.services.library_systems import away_systems as find_away
from hotspot.services.sites import local_zone
from hotspot.values import Refuse
from hotspot.wording import explain_refusal
from hotspot_admin.language import gettext, language, since
from hotspot_admin.resources import now, resources, scope

OUTCOMES = {Outcome.WELL: mark("Well"), Outcome.DOUBTFUL: mark("Doubtful"), Outcome.WRONG: mark("Wrong")}
STATES = {Outcome.WELL: "good", Outcome.DOUBTFUL: "care", Outcome.WRONG: "bad"}
"""The class of its colour."""


@dataclass(frozen=True, slots=True)
class ExplainedStep:
    tried: str
    outcome: str
    state: str
    says: str
    what_to_do: str
    detail: str


@dataclass(frozen=True, slots=True)
class ExplainedRule:
    offer: str
    sites: str
    says: str
    is_refused: bool
    what_to_do: str = ""


def held_back_by(reader: Reader) -> str:
    return ", ".join(gettext(label) for each, label in BLOCKS.items() if each in reader.blocks)


def away_systems() -> Sequence[AwaySystem]:
    """For the banner of every page: those that do not answer at the moment."""
    if not current_user.is_authenticated:
        return ()
    with resources().database.reading() as db:
        return find_away(db, scope())


def since_when(away: AwaySystem) -> str:
    """In the time of most of the sites."""
    with resources().database.reading() as db:
        return since(away.since, now(), local_zone(db, scope()))


def install(app: Flask) -> None:
    app.jinja_env.globals.update(
        away_systems=away_systems, since_when=since_when, held_back_by=held_back_by, years=years_between
    )
    app.jinja_env.filters.update(amount=lambda amount: print_amount(amount, language()))


def explain_examination(findings: Sequence[Finding]) -> list[ExplainedStep]:
    explained = []
    for each in findings:
        said = explain_finding(each, language())
        explained.append(
            ExplainedStep(
                tried=gettext(STEPS[each.step]),
                outcome=gettext(OUTCOMES[each.outcome]),
                state=STATES[each.outcome],
                says=said.title,
                what_to_do=said.what_to_do,
                detail=each.detail,
            )
        )
    return explained


def explain_ruled(ruled: RuledOffer) -> ExplainedRule:
    """With the sentence that the reader would see."""
    sites = ", ".join(ruled.sites)
    if isinstance(ruled.given, Refuse):
        said = explain_refusal(ruled.given, language())
        return ExplainedRule(ruled.offer.name, sites, said.title, is_refused=True, what_to_do=said.what_to_do)
    if ruled.given.id == ruled.offer.id:
        return ExplainedRule(ruled.offer.name, sites, gettext("Gets this offer."), is_refused=False)
    says = gettext("Gets “%(offer)s”, by a rule.", offer=ruled.given.name)
    return ExplainedRule(ruled.offer.name, sites, says, is_refused=False)
