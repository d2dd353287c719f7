"""Every step of an examination has its sentence and advice in both languages; a rule reads as one sentence."""

from decimal import Decimal
from typing import Any

import pytest

from hotspot.adapters.library_systems.library_system import Finding, Outcome, Step
from hotspot.library_wording import BLOCKS, STEPS, explain_finding, print_amount, print_rule
from hotspot.policy.readers import Block, Rule
from hotspot.wording import LANGUAGES, translations


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("step", Step)
def test_every_finding_says_what_it_is_and_what_to_do(step: Step, outcome: Outcome) -> None:
    said = {language: explain_finding(Finding(step, outcome), language) for language in LANGUAGES}
    assert said["fr"].title != said["en"].title
    for each in said.values():
        assert each.title
        assert bool(each.what_to_do) == (outcome is not Outcome.WELL)


def test_every_step_and_every_block_has_its_name() -> None:
    assert set(STEPS) == set(Step)
    assert set(BLOCKS) == set(Block)
    assert all(translations("fr").gettext(each) != each for each in (*STEPS.values(), *BLOCKS.values()))


@pytest.mark.parametrize("step", [Step.WRONG_PIN, Step.NO_PIN])
def test_a_system_that_ignores_pins_is_called_dangerous(step: Step) -> None:
    finding = Finding(step, Outcome.WRONG)
    assert explain_finding(finding, "en").what_to_do.startswith("Dangerous")
    assert explain_finding(finding, "fr").what_to_do.startswith("Dangereux")


@pytest.mark.parametrize(
    ("conditions", "english", "french"),
    [
        (
            {"age_below": 15},
            "Readers who are under 15 get “Jeunes”.",
            "Les lecteurs qui ont moins de 15 ans reçoivent «\xa0Jeunes\xa0».",
        ),
        (
            {"age_from": 65},
            "Readers who are 65 or older get “Jeunes”.",
            "Les lecteurs qui ont 65 ans ou plus reçoivent «\xa0Jeunes\xa0».",
        ),
        (
            {"age_from": 12, "age_below": 15},
            "Readers who are 12 to 14 years old get “Jeunes”.",
            "Les lecteurs qui ont de 12 à 14 ans reçoivent «\xa0Jeunes\xa0».",
        ),
        (
            {"age_from": 12, "age_below": 13},
            "Readers who are 12 years old get “Jeunes”.",
            "Les lecteurs qui ont 12 ans reçoivent «\xa0Jeunes\xa0».",
        ),
        (
            {"categories": frozenset({"Jeune", "Ado"}), "home_libraries": frozenset({"CAP"})},
            "Readers whose category is Ado or Jeune and whose library is CAP get “Jeunes”.",
            "Les lecteurs dont la catégorie est Ado ou Jeune et dont la bibliothèque est CAP reçoivent "
            "«\xa0Jeunes\xa0».",
        ),
        (
            {"owes_above": Decimal("10.50"), "blocks": frozenset({Block.OWES, Block.OVERDUE}), "expired": True},
            "Readers who owe more than 10.50, whose card has expired, and whose card is held back only by overdue "
            "loans or an unpaid amount get “Jeunes”.",
            "Les lecteurs qui doivent plus de 10,50, dont la carte a expiré et dont la carte n’est bloquée que par des "
            "prêts en retard ou une somme impayée reçoivent «\xa0Jeunes\xa0».",
        ),
        (
            {},
            "All readers whose card is good get “Jeunes”.",
            "Tous les lecteurs dont la carte est en règle reçoivent «\xa0Jeunes\xa0».",
        ),
    ],
)
def test_a_rule_reads_as_one_sentence(conditions: dict[str, Any], english: str, french: str) -> None:
    rule = Rule(offer_id=1, **conditions)
    assert print_rule(rule, "Jeunes", "en") == english
    assert print_rule(rule, "Jeunes", "fr") == french


def test_a_refusal_reads_with_the_sentence_in_the_language_that_there_is() -> None:
    rule = Rule(sentences={"fr": "Voyez l’accueil."}, age_below=7)
    assert print_rule(rule, None, "en") == "Readers who are under 7 are refused: “Voyez l’accueil.”"
    assert print_rule(Rule(age_below=7), None, "en") == "Readers who are under 7 are refused."
    assert print_rule(Rule(), None, "en") == "All readers whose card is good are refused."
    assert print_rule(Rule(sentences={"en": "No."}), None, "fr").endswith("sont refusés\xa0: «\xa0No.\xa0»")


def test_an_amount_is_written_as_its_language_does() -> None:
    assert [print_amount(Decimal(each), "fr").replace("\u202f", " ") for each in ("10.00", "7.5", "1200")] == [
        "10",
        "7,50",
        "1 200",
    ]


def test_a_name_with_a_percent_sign_stays_as_it_is() -> None:
    assert "100 % Wi-Fi %(who)s" in print_rule(Rule(offer_id=1, age_below=7), "100 % Wi-Fi %(who)s", "en")
