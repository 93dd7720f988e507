"""P302: phone numbers in the texts, with or without country code."""

from __future__ import annotations

from tunesmith.data.checks._personal import PersonalCheck, found_in
from tunesmith.parts import Case


class PhoneNumbers(PersonalCheck):
    """A number without country code, brackets or a trunk zero counts only near a word such as call or mobile."""

    code = "P302"
    group = "phone"
    what = "a phone number"

    def planted(self) -> tuple[Case, Case]:
        dirty = found_in("please call 0344 555 0188", "I am at +49 30 5550 1234", "ring me: 555-0143")
        return dirty, found_in("order 0344555018 came on 2024-11-03", "1200-1000 is 200", "the 12 of 2020")
