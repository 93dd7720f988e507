"""P303: payment card numbers in the texts (issuer range, length and Luhn digit fit)."""

from __future__ import annotations

from tunesmith.data.checks._personal import PersonalCheck, found_in
from tunesmith.parts import Case


class CardNumbers(PersonalCheck):
    """Numbers that merely look like one, but fail the check digit, are passed over."""

    code = "P303"
    group = "card"
    what = "a payment card number"

    def planted(self) -> tuple[Case, Case]:
        dirty = found_in("my card is 4111 1111 1111 1111", "cancel it")
        return dirty, found_in("my card is 4111 1111 1111 1112", "article 4006381333931")
