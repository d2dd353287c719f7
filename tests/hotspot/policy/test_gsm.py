"""One segment of the GSM 7-bit alphabet, whatever a place is called."""

from hypothesis import given
from hypothesis import strategies as st

from hotspot.pass_wording import code_text
from hotspot.policy.gsm import _ALPHABET, SEGMENT, fit
from hotspot.wording import LANGUAGES


def test_letters_of_the_alphabet_stay() -> None:
    assert fit("Médiathèque à l'été, ñ Ç ß 5 €".replace(" €", "")) == "Médiathèque à l'été, ñ Ç ß 5"


def test_others_become_their_nearest() -> None:
    assert fit("Hôtel de l’Île – ça\u202f: œuvre 李") == "Hotel de l'Ile - ca : oeuvre"


@given(st.text(max_size=400))
def test_everything_fits_one_segment(text: str) -> None:
    fitted = fit(text)
    assert len(fitted) <= SEGMENT
    assert set(fitted) <= _ALPHABET


def test_the_code_is_never_cut() -> None:
    for language in LANGUAGES:
        text = code_text("012345", "Maison de quartier " * 20, language)
        assert text.startswith("012345")
        assert len(text) <= SEGMENT
        assert "10 minutes" in text
