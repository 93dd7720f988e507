"""The checks of national identity numbers, each as its issuer defines it; a value has the shape of its kind already."""

from __future__ import annotations

import re

from tunesmith.inputs import checksums as sums
from tunesmith.inputs.checksums import bare, digits, is_short_date, luhn, weighted

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


def ssn(value: str) -> bool:
    """US social security number, AAA-GG-SSSS: no area 000, 666, 900 or more, no group 00, no serial 0000."""
    area, group, serial = (int(part) for part in re.split(r"[ -]", value))
    return 0 < area < 900 and area != 666 and group > 0 and serial > 0


def bare_ssn(value: str) -> bool:
    """The same of nine digits."""
    return ssn(f"{value[:3]}-{value[3:5]}-{value[5:]}")


def nhs(value: str) -> bool:
    """UK health service number: weights 10 to 2, mod 11."""
    numbers = digits(value)
    return (11 - weighted(numbers, range(10, 1, -1)) % 11) % 11 == numbers[-1]


def steuer_id(value: str) -> bool:
    """German tax number: one digit stands two or three times, mod 11,10."""
    numbers = bare(value)
    counts = [numbers[:10].count(each) for each in "0123456789"]
    return max(counts) in (2, 3) and counts.count(0) in (1, 2) and sums.mod11_10(numbers)


def nir(value: str) -> bool:
    """French INSEE number: key 97 less the rest; Corsica is 2A, 2B."""
    number = bare(value).replace("2A", "19").replace("2B", "18")
    return number.isdigit() and 97 - int(number[:13]) % 97 == int(number[13:])


def dni(value: str) -> bool:
    """Spanish DNI and NIE: a letter by the rest of 23."""
    number = bare(value).translate({ord("X"): "0", ord("Y"): "1", ord("Z"): "2"} if value[0] in "XYZ" else {})
    last = bare(value)[-1]
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number[:8]) % 23] == last


def codice_fiscale(value: str) -> bool:
    """Italian fiscal code: odd and even places are ranked apart, mod 26."""
    ranks = [int(each) if each.isdigit() else _LETTERS.index(each) for each in value[:15]]
    total = sum(_ODD[rank] if place % 2 == 0 else rank for place, rank in enumerate(ranks))
    return _LETTERS[total % 26] == value[15]


def bsn(value: str) -> bool:
    """Dutch citizen number: the "eleven test"."""
    return weighted(digits(value), (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def pesel(value: str) -> bool:
    """Polish number: a date with the century in the month, weights 1 3 7 9."""
    month = int(value[2:4]) % 20
    fits = 0 < month < 13 and 0 < int(value[4:6]) < 32
    return fits and weighted(digits(value), (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def cpf(value: str) -> bool:
    """Brazilian taxpayer number: two check digits, mod 11."""
    numbers = digits(value)
    checks = (weighted(numbers[:count], range(count + 1, 1, -1)) * 10 % 11 % 10 for count in (9, 10))
    return len(set(numbers)) > 1 and list(checks) == numbers[9:]


def resident(value: str) -> bool:
    """Chinese resident number: a date, ISO 7064 mod 11-2."""
    number = bare(value)
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    day = int(number[6:10]), int(number[10:12]), int(number[12:14])
    return sums.is_date(*day) and "10X98765432"[weighted(digits(number[:17]), weights) % 11] == number[17]


def personnummer(value: str) -> bool:
    """Swedish number: a date and Luhn."""
    number = bare(value)[-10:]
    return is_short_date(number) and luhn(number)


def hetu(value: str) -> bool:
    """Finnish number: a date and a sign by the rest of 31."""
    day = value[4:6] + value[2:4] + value[:2]
    return (
        is_short_date(day)
        and "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(value[:6] + value[7:10]) % 31] == value[10]
    )


def day_first(value: str) -> bool:
    """DDMMYY at the start is a day (Danish number)."""
    return is_short_date(value[4:6] + value[2:4] + value[:2])


def fodselsnummer(value: str) -> bool:
    """Norwegian number: a date, two check digits, mod 11."""
    numbers = digits(value)
    first = weighted(numbers, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11 == 0
    return day_first(value) and first and weighted(numbers, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def rijksregister(value: str) -> bool:
    """Belgian number: 97 less the rest, with a 2 in front from the year 2000."""
    number = bare(value)
    return any(97 - int(century + number[:9]) % 97 == int(number[9:]) for century in ("", "2"))


def nif(value: str) -> bool:
    """Portuguese tax number: mod 11."""
    numbers = digits(value)
    rest = weighted(numbers, range(9, 1, -1)) % 11
    return (0 if rest < 2 else 11 - rest) == numbers[-1]


def pps(value: str) -> bool:
    """Irish number: a letter by the rest of 23."""
    extra = _LETTERS.index(value[8]) + 1 if len(value) == 9 else 0
    total = weighted(digits(value[:7]), range(8, 1, -1)) + 9 * extra
    return "WABCDEFGHIJKLMNOPQRSTUV"[total % 23] == value[7]


def tfn(value: str) -> bool:
    """Australian tax file number: weighted, mod 11."""
    return weighted(digits(value), (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def curp(value: str) -> bool:
    """Mexican number: a date."""
    return is_short_date(value[4:10])


def south_africa(value: str) -> bool:
    """South African number: a date and Luhn."""
    return is_short_date(value) and luhn(value)


def kimlik(value: str) -> bool:
    """Turkish number: two check digits."""
    numbers = digits(value)
    tenth = (7 * sum(numbers[0:9:2]) - sum(numbers[1:8:2])) % 10
    return tenth == numbers[9] and sum(numbers[:10]) % 10 == numbers[10]


def nric(value: str) -> bool:
    """Singaporean number: a letter by weights, mod 11."""
    total = weighted(digits(value), (2, 7, 6, 5, 4, 3, 2)) + (4 if value[0] in "TG" else 0)
    return ("JZIHGFEDCBA" if value[0] in "ST" else "XWUTRQPNMLK")[total % 11] == value[-1]


def my_number(value: str) -> bool:
    """Japanese number: weighted, mod 11."""
    numbers = digits(value)
    rest = weighted(numbers, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return (0 if rest < 2 else 11 - rest) == numbers[-1]


def rut(value: str) -> bool:
    """Chilean number: weights 2 to 7 from the right, mod 11, K for ten."""
    number = bare(value)
    total = weighted(reversed(digits(number[:-1])), (2, 3, 4, 5, 6, 7, 2, 3))
    return "0K987654321"[total % 11] == number[-1]


def rodne_cislo(value: str) -> bool:
    """Czech and Slovak number: a date, a multiple of 11."""
    number = bare(value)
    month = int(number[2:4]) % 50 % 20
    return 0 < month < 13 and 0 < int(number[4:6]) < 32 and len(number) == 10 and int(number) % 11 == 0


def cnp(value: str) -> bool:
    """Romanian number: a date, weighted, mod 11."""
    check = weighted(digits(value), (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return is_short_date(value[1:7]) and min(check, 1 if check == 10 else check) == int(value[-1])


def egn(value: str) -> bool:
    """Bulgarian number: a date, weighted, mod 11."""
    month = int(value[2:4]) % 20
    return 0 < month < 13 and weighted(digits(value), (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10 == int(
        value[-1]
    )


def svnr(value: str) -> bool:
    """Austrian insurance number: the fourth digit checks the others."""
    numbers = digits(value)
    return weighted(numbers, (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)) % 11 == numbers[3] and numbers[0] > 0


def isikukood(value: str) -> bool:
    """Estonian and Lithuanian number: two rounds of weights, mod 11."""
    numbers = digits(value)
    check = weighted(numbers, (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    check = weighted(numbers, (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10 if check == 10 else check
    return is_short_date(value[1:7]) and check == numbers[-1]


def always(value: str) -> bool:
    """The shape alone says enough."""
    return True
