"""Check digits as issuers of numbers define them (ISO 7064, ISO 7812, national rules)."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable

_NOT_ALNUM = re.compile(r"[^0-9A-Za-z]+")


def bare(value: str) -> str:
    """The value without blanks and punctuation, in upper case."""
    return _NOT_ALNUM.sub("", value).upper()


def digits(value: str) -> list[int]:
    """The digits of a value, in order."""
    return [int(each) for each in value if each in "0123456789"]


def luhn(value: str) -> bool:
    """ISO 7812: every second digit from the right doubled; the sum of digits is a multiple of ten."""
    numbers = digits(value)[::-1]
    return sum(n if i % 2 == 0 else sum(divmod(2 * n, 10)) for i, n in enumerate(numbers)) % 10 == 0


def mod97(value: str) -> bool:
    """ISO 13616 (IBAN): the first four characters moved to the end, letters as 10 to 35, remainder 1."""
    moved = bare(value)[4:] + bare(value)[:4]
    return int("".join(str(int(each, 36)) for each in moved)) % 97 == 1


def mod11_10(value: str) -> bool:
    """ISO 7064 mod 11,10: the last digit checks the others (German tax number)."""
    product = 10
    numbers = digits(value)
    for number in numbers[:-1]:
        total = (number + product) % 10 or 10
        product = 2 * total % 11
    return (11 - product) % 10 == numbers[-1]


_D5 = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)
_TURN = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)  # the permutation that is applied once more at each position


def verhoeff(value: str) -> bool:
    """Verhoeff (1969): products in the dihedral group of order ten (Aadhaar)."""
    check = 0
    for position, number in enumerate(reversed(digits(value))):
        for _ in range(position % 8):
            number = _TURN[number]
        check = int(_D5[check][number])
    return check == 0


def weighted(numbers: Iterable[int], weights: Iterable[int]) -> int:
    """The sum of digits times weights, over the shorter of the two."""
    return sum(number * weight for number, weight in zip(numbers, weights, strict=False))


def ean(value: str) -> bool:
    """EAN-13: weights 1 and 3 in turn (Swiss insurance number)."""
    return weighted(digits(value), (1, 3) * 7) % 10 == 0


def is_date(year: int, month: int, day: int) -> bool:
    """Whether there is such a day."""
    try:
        datetime.date(year, month, day)
    except ValueError:
        return False
    return True


def is_short_date(value: str) -> bool:
    """Whether YYMMDD (29 February of any year) is a day."""
    return is_date(2000 + int(value[:2]), int(value[2:4]), int(value[4:6]))
