"""P301: e-mail addresses in the texts."""

from __future__ import annotations

from tunesmith.data.checks._personal import PersonalCheck, found_in
from tunesmith.parts import Case


class EmailAddresses(PersonalCheck):
    """Whether they may be trained on is the owner's decision: nothing leaves by itself."""

    code = "P301"
    group = "email"
    what = "an e-mail address"

    def planted(self) -> tuple[Case, Case]:
        dirty = found_in("write to jo.doe+x@mail.example.org please", "cancel it")
        return dirty, found_in("meet @ noon, 3@4 or user@localhost", "cancel it")
