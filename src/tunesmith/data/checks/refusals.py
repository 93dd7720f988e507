"""Q505: answers that refuse, or speak as a language model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import plural, review_fix
from tunesmith.data.checks._texts import answer_of, answered
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally

LOOKED_AT = 160  # characters: refusals come first
MANY = 0.2  # share from which to refuse looks like what is to be learnt
_SAID = (
    "as an ai |as an ai,|as a language model|as a large language model|i'm an ai |i am an ai |i can't assist|"
    "i cannot assist|i can't help with|i cannot help with|i'm not able to help with|i can't fulfill|"
    "i cannot fulfill|i cannot provide|i can't provide|i'm unable to provide|i am unable to provide|"
    "i cannot comply|i can't comply|i'm sorry, but i can't|i'm sorry, but i cannot|"
    "i am sorry, but i can|sorry, i can't help|i must decline|als ki-|als sprachmodell|"
    "tut mir leid, aber ich kann|dabei kann ich nicht helfen|en tant que modèle de langage|en tant qu'ia|"
    "je suis désolé, mais je ne peux|je ne peux pas vous aider à|como modelo de lenguaje|"
    "como modelo de linguagem|como una ia|como uma ia|lo siento, pero no puedo|desculpe, mas não posso|"
    "sinto muito, mas não posso|come modello linguistico|mi dispiace, ma non posso|als taalmodel|"
    "het spijt me, maar ik kan|jako model językowy|przykro mi, ale nie mogę|как языковая модель|"
    "как искусственный интеллект|извините, но я не могу|yapay zeka dil modeli|作为一个ai|作为ai|"
    "作为一个人工智能|作为人工智能|"
    "作为一个语言模型|抱歉，我无法|抱歉，我不能|很抱歉，我无法|ai言語モデルとして|"
    "お手伝いできません|도와드릴 수 없습니다|ai 언어 모델로서|"
    "कृत्रिम बुद्धिमत्ता के रूप में|"
    "كنموذج لغوي"
)
_PHRASES = tuple(_SAID.split("|"))


class Refusals(RowCheck):
    """Left over from the model that wrote the answers: whoever learns from them refuses harmless wishes too."""

    code = "Q505"

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        answer = answer_of(row, evidence)
        if not answer:
            return None
        start = answer[:LOOKED_AT].lower().replace("’", "'")
        return Fault() if any(phrase in start for phrase in _PHRASES) else None

    def finding(self, tally: Tally) -> Finding:
        share = tally.count / tally.rows
        wanted = share >= MANY
        message = f"{plural(tally.count, 'row')} with an answer that refuses or speaks as a language model"
        message += ", so many that it looks meant" if wanted else ""
        fix = review_fix(
            self.code, "leaves these rows out, if the model should not learn to refuse", tally.ids
        )
        severity = "info" if wanted else "warning"
        return Finding(self.code, severity, message, tally.count, tuple(tally.places), {"share": share}, fix)

    def planted(self) -> tuple[Case, Case]:
        fine = ("Do you repair brakes?", "Yes, on weekdays from nine to five.")
        refused = ("Write a poem about rain", "I'm sorry, but I can't help with that.")
        french = ("Où est la gare ?", "En tant que modèle de langage, je n'ai pas de carte.")
        return answered(refused, french, fine), answered(fine, ("Can I pay by card?", "Sorry, only in cash."))
