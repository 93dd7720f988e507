"""Questions and answers of a bicycle shop, written for this project: samples of every task of language."""

from __future__ import annotations

from typing import Any

_PAIRS = (
    ("Do you repair brakes?", "Yes, on weekdays from nine to five."),
    ("When do you open on Saturday?", "At ten, and we close at two."),
    ("Which tyre fits a 28 inch wheel?", "Any that is marked 622."),
    ("How often should a chain be oiled?", "After every ride in the rain, else once a month."),
    ("Can I bring back a helmet?", "Within thirty days, if it was never worn outside."),
    ("My gear slips. What is it?", "Most often a stretched cable or a worn chain."),
    ("Do you rent bicycles?", "Yes, by the hour, the day or the week."),
    ("What does a new tube cost?", "Six euros, and two more if we fit it."),
    ("Is a bell needed on the road?", "Yes, and it must be heard."),
    ("How much air does a tyre want?", "The numbers stand on its side."),
    ("Do you take old bicycles?", "We take them and use what is good."),
    ("How long does a check take?", "A day, two in spring."),
    ("Can children learn to repair here?", "Every first Sunday, free of charge."),
    ("Which lock is safe?", "A heavy one, closed around the frame and something fixed."),
    ("My lamp does not shine.", "Look at the plug at the hub first."),
    ("Do you ship parts?", "Within the country, in three days."),
    ("What is the deposit for a rental?", "Fifty euros or a passport."),
    ("Can I pay with a card?", "With any card, from the first cent."),
    ("My saddle hurts.", "Raise it a little and tilt it by one notch."),
    ("Do you sell used frames?", "A few, each checked and measured."),
    ("How do I clean a chain?", "With a brush and warm water, then dry it and oil it."),
    ("When is my bicycle ready?", "We write to you the evening before."),
    ("Is the battery under warranty?", "For two years from the day of sale."),
    ("Do you mend punctures at once?", "If you wait, in a quarter of an hour."),
)
_KEEPER = {"role": "system", "content": "You answer for a bicycle shop."}


def pairs() -> list[tuple[str, str]]:
    """(question, answer)."""
    return list(_PAIRS)


def chats() -> list[dict[str, Any]]:
    """Conversations: every third with a system turn, every fourth of two questions."""
    found: list[dict[str, Any]] = []
    for number, (question, answer) in enumerate(_PAIRS):
        turns = [*([_KEEPER] if number % 3 == 0 else []), *_asked(question, answer)]
        if number % 4 == 0:
            turns = [*turns, *_asked(*_PAIRS[(number + 5) % len(_PAIRS)])]
        found.append({"messages": turns})
    return found


def _asked(question: str, answer: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def preferences() -> list[dict[str, Any]]:
    """The answer is better than that to another question."""
    return [
        {
            "prompt": [{"role": "user", "content": question}],
            "chosen": [{"role": "assistant", "content": answer}],
            "rejected": [{"role": "assistant", "content": _PAIRS[(number + 7) % len(_PAIRS)][1]}],
        }
        for number, (question, answer) in enumerate(_PAIRS)
    ]


def documents() -> list[dict[str, Any]]:
    """Short texts."""
    return [{"text": f"{question} {answer}"} for question, answer in _PAIRS]
