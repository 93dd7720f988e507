"""P307: keys and secrets in the texts: access keys, tokens, private keys, passwords."""

from __future__ import annotations

from tunesmith.data.checks._personal import PersonalCheck, found_in
from tunesmith.parts import Case


class KeysAndSecrets(PersonalCheck):
    """A model can repeat them word for word, and they stay valid until somebody revokes them."""

    code = "P307"
    group = "secret"
    what = "a key, token or password"

    def planted(self) -> tuple[Case, Case]:
        # put together here, so that scanners of source code don't take it for a real one
        key = "AKIA" + "Q3EXAMPLE7ZXW5VT"
        dirty = found_in(f"use {key} for the bucket", "the password is hun7er2!x", "cancel it")
        return dirty, found_in(
            "reset my password: it does not work", "token = your_token_here", "see KEY_FIGURES_2024"
        )
