"""Why a server refuses: for each code the status of HTTP, the type that clients look at, and the exception."""

from __future__ import annotations

from tunesmith.errors import (
    AccessError,
    CapacityError,
    DataError,
    IntegrityError,
    MissingError,
    TunesmithError,
    UsageError,
)

# code → HTTP status, the `type` of the error object, the exception
REFUSALS: dict[str, tuple[int, str, type[TunesmithError]]] = {
    "V101": (400, "invalid_request_error", DataError),
    "V102": (400, "invalid_request_error", DataError),
    "V103": (413, "request_too_large", CapacityError),
    "V104": (413, "request_too_large", CapacityError),
    "V105": (413, "request_too_large", CapacityError),
    "V106": (415, "invalid_request_error", DataError),
    "V107": (404, "not_found_error", MissingError),
    "V108": (404, "not_found_error", MissingError),
    "V109": (405, "invalid_request_error", DataError),
    "V110": (403, "permission_error", AccessError),
    "V111": (403, "permission_error", AccessError),
    "V112": (401, "authentication_error", AccessError),
    "V113": (429, "rate_limit_error", CapacityError),
    "V114": (503, "unavailable_error", CapacityError),
    "V115": (503, "unavailable_error", CapacityError),
    "V116": (500, "server_error", TunesmithError),
    "V117": (408, "timeout_error", CapacityError),
    "V118": (431, "request_too_large", CapacityError),
    "V119": (504, "timeout_error", CapacityError),
    "V120": (404, "not_found_error", MissingError),
    "V121": (409, "invalid_request_error", UsageError),
    "V132": (400, "invalid_request_error", MissingError),
    "V404": (503, "unavailable_error", IntegrityError),
}


def refusal(
    code: str, found: str, *, expected: str = "", fixes: tuple[str, ...] = (), where: str = ""
) -> TunesmithError:
    """The error of a code in `REFUSALS`, not yet raised."""
    return REFUSALS[code][2](code, found, expected=expected, fixes=fixes, where=where)


def status_of(error: TunesmithError) -> tuple[int, str]:
    """HTTP status and error type; codes of other families: 400 where the data is at fault, else 500."""
    if error.code in REFUSALS:
        return REFUSALS[error.code][:2]
    return (400, "invalid_request_error") if isinstance(error, DataError) else (500, "server_error")
