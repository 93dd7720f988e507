from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.inputs.languages import language

SENTENCES = {
    "en": "I was charged twice for one order and would like my money back, please",
    "de": "Ich habe meine Karte verloren und möchte eine neue, das ist nicht gut",
    "fr": "je voudrais savoir où est mon colis, car il est en retard et ce n'est pas la première fois",
    "es": "no puedo entrar en mi cuenta y quiero saber qué es lo que pasa con el pedido",
    "it": "non ho ricevuto il pacco che è stato spedito e vorrei sapere perché",
    "pt": "o meu cartão não está aqui e eu quero um novo para mim, por favor",
    "nl": "ik heb het pakket niet gekregen en wil weten waar het is, want dat is niet goed",
    "sv": "jag har tappat mitt kort och det är inte bra för mig",
    "pl": "nie mogę się zalogować i nie wiem, czy to jest mój błąd",
    "tr": "kartımı kaybettim ve ne yapmam gerektiğini bilmiyorum, bu benim için çok önemli",
    "ru": "Я потерял карту и не знаю, что делать",
    "uk": "Де моя картка? Її немає вдома",
    "el": "Έχασα την κάρτα μου",
    "ar": "أين طلبي؟ لم يصل بعد",
    "fa": "کارت من گم شده است",
    "he": "איפה ההזמנה שלי",
    "hi": "मेरा कार्ड खो गया है",
    "th": "บัตรของฉันหาย",
    "ko": "카드를 잃어버렸어요",
    "ja": "本日カードをなくしました",
    "zh": "退款 请尽快处理",
}


@pytest.mark.parametrize("name", SENTENCES)
def test_a_plain_sentence(name: str) -> None:
    assert language(SENTENCES[name]) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ok",
        "lost card",
        "12 34 56",
        "x = f(y) + 3",
        "Anna, Peter, London, Paris",
        "ich habe nicht das und die the and you are we of",
        "The word смерть stands here",
    ],
)
def test_what_can_not_be_told_is_not_guessed(text: str) -> None:
    assert language(text) == ""


def test_only_the_start_is_looked_at() -> None:
    assert language(SENTENCES["en"] * 50 + SENTENCES["de"] * 900) == "en"


@given(st.text(max_size=400))
def test_any_text_has_a_language_or_none(text: str) -> None:
    assert len(language(text)) in (0, 2)
