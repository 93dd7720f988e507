"""P306: national identity numbers in the texts, by the checks of some forty countries and kinds."""

from __future__ import annotations

from tunesmith.data.checks._personal import PersonalCheck, found_in
from tunesmith.parts import Case


class NationalIds(PersonalCheck):
    """A number whose shape alone says little counts only near the name of its kind."""

    code = "P306"
    group = "national-id"
    what = "a national identity number"

    def planted(self) -> tuple[Case, Case]:
        dirty = found_in("my ssn is 219-09-9999", "cpf 529.982.247-25")
        return dirty, found_in("part 900-12-3456 and 000-12-3456", "cpf 529.982.247-26")
