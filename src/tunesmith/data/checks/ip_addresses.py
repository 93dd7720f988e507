"""P305: IP addresses in the texts."""

from __future__ import annotations

from tunesmith.data.checks._personal import PersonalCheck, found_in
from tunesmith.parts import Case


class IpAddresses(PersonalCheck):
    """This machine's own address and version numbers are passed over."""

    code = "P305"
    group = "ip"
    what = "an IP address"

    def planted(self) -> tuple[Case, Case]:
        dirty = found_in("it came from 84.120.33.7", "and from 2001:db8:85a3::8a2e:370:7334")
        return dirty, found_in("version 2.14.3.1 and 127.0.0.1", "at 12:30:45")
