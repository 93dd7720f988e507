"""P309: addresses (URL) that hold a user name and password."""

from __future__ import annotations

from tunesmith.data.checks._personal import PersonalCheck, found_in
from tunesmith.parts import Case


class LoginUrls(PersonalCheck):
    """Whoever reads the model's answers could log in."""

    code = "P309"
    group = "login"
    what = "an address that holds a user name and password"

    def planted(self) -> tuple[Case, Case]:
        dirty = found_in("see postgres://bob:hunter2@db.example.org/main", "cancel it")
        return dirty, found_in("see https://example.org:8080/a@b", "mailto:jo@example.org")
