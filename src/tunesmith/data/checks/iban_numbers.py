"""P304: bank account numbers (IBAN) in the texts."""

from __future__ import annotations

from tunesmith.data.checks._personal import PersonalCheck, found_in
from tunesmith.parts import Case


class IbanNumbers(PersonalCheck):
    """Country length and the check digits (mod 97) must fit."""

    code = "P304"
    group = "iban"
    what = "a bank account number (IBAN)"

    def planted(self) -> tuple[Case, Case]:
        dirty = found_in("send it to DE89 3704 0044 0532 0130 00 please", "cancel it")
        return dirty, found_in("send it to DE89 3704 0044 0532 0130 01 please", "part GB82 is out")
