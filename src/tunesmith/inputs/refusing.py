"""Whether an answer refuses, or speaks as a language model.

Phrases of 15 languages, looked for at the start: refusals come first.  What refuses in other words is not seen.
"""

from __future__ import annotations

LOOKED_AT = 160  # characters
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


def refuses(text: str) -> bool:
    """Whether a phrase of refusal stands at the start of a text."""
    start = text[:LOOKED_AT].lower().replace("’", "'")
    return any(phrase in start for phrase in _PHRASES)
