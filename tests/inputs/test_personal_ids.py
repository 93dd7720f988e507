"""National numbers: published examples are found, the same with a wrong check digit are not."""

from __future__ import annotations

import random

import pytest

from tunesmith.inputs import checksums
from tunesmith.inputs.personal import find
from tunesmith.inputs.personal_ids import NATIONAL_IDS

# kind → an example from the issuer or a public handbook, in words that name it; none belongs to a person
EXAMPLES = {
    "us-ssn": "it is 219-09-9999 here",
    "us-ssn-bare": "my ssn 219099999",
    "us-itin": "it is 912-70-1234 here",
    "uk-nino": "it is AB 12 34 56 C here",
    "uk-nhs": "nhs number 943 476 5919",
    "de-tax": "meine Steuer-ID ist 86095742719",
    "fr-nir": "it is 2 55 08 14 168 025 38 here",
    "es-dni": "it is 12345678Z here",
    "it-fiscal": "it is RSSMRA85T10A562S here",
    "nl-bsn": "bsn 111222333",
    "pl-pesel": "PESEL 44051401359",
    "br-cpf": "it is 529.982.247-25 here",
    "br-cpf-bare": "cpf 52998224725",
    "in-aadhaar": "it is 2341 2341 2346 here",
    "in-aadhaar-bare": "aadhaar 234123412346",
    "in-pan": "it is AAAPL1234C here",
    "cn-resident": "it is 11010519491231002X here",
    "se-personnummer": "it is 811218-9876 here",
    "se-personnummer-bare": "personnummer 8112189876",
    "fi-hetu": "it is 131052-308T here",
    "dk-cpr": "cpr 070761-4285",
    "no-fodselsnummer": "fødselsnummer 15076500565",
    "be-national": "it is 85.07.30-033.28 here",
    "be-national-bare": "rijksregisternummer 85073003328",
    "ch-ahv": "it is 756.9217.0769.85 here",
    "at-svnr": "svnr 1237 010180",
    "pt-nif": "nif 123456789",
    "ie-pps": "pps 1234567T",
    "ca-sin": "sin 046 454 286",
    "au-tfn": "tfn 123 456 782",
    "mx-curp": "it is HEGG560427MVZRRL04 here",
    "kr-rrn": "it is 840101-1234567 here",
    "za-id": "id number 8001015009087",
    "tr-kimlik": "kimlik 10000000146",
    "sg-nric": "it is S1234567D here",
    "jp-my-number": "my number 123456789018",
    "cl-rut": "it is 12.345.678-5 here",
    "cz-rodne-cislo": "it is 736028/5163 here",
    "ro-cnp": "cnp 1800101221144",
    "bg-egn": "egn 7523169263",
    "ee-isikukood": "isikukood 37605030299",
    "il-id": "teudat zehut 123456782",
}


def test_every_entry_of_the_table_has_an_example():
    assert EXAMPLES.keys() == {each.kind for each in NATIONAL_IDS}


@pytest.mark.parametrize("kind", list(EXAMPLES))
def test_an_example_is_found(kind):
    found = find(EXAMPLES[kind])
    assert [each.group for each in found] == ["national-id"], found
    start, end = found[0].start, found[0].end
    assert EXAMPLES[kind][start:end].strip() == EXAMPLES[kind][start:end]


@pytest.mark.parametrize("each", NATIONAL_IDS, ids=lambda each: each.kind)
def test_its_own_entry_finds_it(each):
    text = EXAMPLES[each.kind]
    assert [found.kind for found in each.found(text, 0, len(text))] == [each.kind]


LOOSE = {
    "us-ssn",
    "us-ssn-bare",
    "us-itin",
    "uk-nino",
    "in-pan",
    "mx-curp",
    "kr-rrn",
    "dk-cpr",
}  # no check digit


@pytest.mark.parametrize(
    "each", [each for each in NATIONAL_IDS if each.kind not in LOOSE], ids=lambda x: x.kind
)
def test_a_wrong_digit_is_mostly_seen(each):
    text, rng = EXAMPLES[each.kind], random.Random(5)
    found = next(iter(each.found(text, 0, len(text))))
    places = [index for index in range(found.start, found.end) if text[index].isdigit()]
    passed = 0
    for place in places:
        digit = rng.choice([d for d in "0123456789" if d != text[place]])
        wrong = text[:place] + digit + text[place + 1 :]
        passed += any(again.start == found.start for again in each.found(wrong, 0, len(wrong)))
    assert passed <= 2, f"{passed} of {len(places)}, seed 5"


@pytest.mark.parametrize("kind", [each.kind for each in NATIONAL_IDS if not each.alone])
def test_a_plain_number_without_its_word_is_none(kind):
    words = EXAMPLES[kind].split()
    value = " ".join(word for word in words if word[:1].isdigit())
    assert not [each for each in find(f"see {value} there") if each.kind == kind]


def test_checksums_of_published_numbers():
    assert checksums.luhn("4539 1488 0343 6467")
    assert not checksums.luhn("4539 1488 0343 6468")
    assert checksums.mod97("GB82 WEST 1234 5698 7654 32")
    assert not checksums.mod97("GB82 WEST 1234 5698 7654 33")
    assert checksums.verhoeff("2363")  # Verhoeff's own example: 236 and its check digit 3
    assert not checksums.verhoeff("2364")
    assert checksums.mod11_10("86095742719")
    assert checksums.ean("4006381333931")
