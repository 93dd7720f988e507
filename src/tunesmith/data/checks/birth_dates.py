"""P312: dates of birth in the texts: dates near words such as born."""

from __future__ import annotations

from tunesmith.data.checks._personal import PersonalCheck, found_in
from tunesmith.parts import Case


class BirthDates(PersonalCheck):
    """Other dates are no personal data by themselves."""

    code = "P312"
    group = "birth-date"
    what = "a date of birth"

    def planted(self) -> tuple[Case, Case]:
        dirty = found_in("I was born on 12 March 1986", "dob: 1990-05-15")
        return dirty, found_in("it came on 12 March 1986", "born to run")
