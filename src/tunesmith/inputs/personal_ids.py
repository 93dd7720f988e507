"""Detectors of national identity numbers: one entry a kind, with its shape, its check and the words near it."""

from __future__ import annotations

import re
from collections.abc import Callable

from tunesmith.inputs import national_checks as checks
from tunesmith.inputs.checksums import bare, ean, is_short_date, luhn, verhoeff
from tunesmith.inputs.personal_words import Detector, when, words


def _id(
    kind: str,
    shape: str,
    valid: Callable[[str], bool],
    *near: str,
    alone: bool = False,
    score: float = 0.7,
) -> Detector:
    """An entry of the table.  near: words that name it; alone: it counts without them too."""
    return Detector(
        kind,
        "national-id",
        re.compile(rf"(?<![\w.+-]){shape}(?![\w-]|[.,]\d)", re.ASCII),
        score,
        when(valid),
        near=words(*near) if near else None,
        alone=alone,
    )


NATIONAL_IDS = (
    _id("us-ssn", r"\d{3}-\d{2}-\d{4}", checks.ssn, "ssn", "social security", alone=True, score=0.85),
    _id(
        "us-ssn-bare",
        r"(?:\d{9}|\d{3} \d{2} \d{4})",
        lambda v: checks.bare_ssn(bare(v)),
        "ssn",
        "social security*",
    ),
    _id("us-itin", r"9\d{2}-(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])-\d{4}", checks.always, alone=True),
    _id(
        "uk-nino",
        r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]",
        checks.always,
        "national insurance",
        "nino",
        "ni number",
        alone=True,
        score=0.8,
    ),
    _id("uk-nhs", r"\d{3}[ -]?\d{3}[ -]?\d{4}", checks.nhs, "nhs", "patient", score=0.75),
    _id(
        "de-tax",
        r"[1-9]\d ?\d{3} ?\d{3} ?\d{3}",
        checks.steuer_id,
        "steuer*",
        "idnr",
        "tin",
        "tax id*",
        score=0.8,
    ),
    _id(
        "fr-nir",
        r"[12] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d",
        checks.nir,
        "sécurité sociale",
        "nir",
        "insee",
        alone=True,
        score=0.9,
    ),
    _id(
        "es-dni",
        r"(?:\d{8}|[XYZ]-?\d{7})[ -]?[A-HJ-NP-TV-Z]",
        checks.dni,
        "dni",
        "nie",
        "nif",
        alone=True,
        score=0.8,
    ),
    _id(
        "it-fiscal",
        r"[A-Z]{6}[\dLMNP-V]{2}[A-EHLMPR-T][\dLMNP-V]{2}[A-Z][\dLMNP-V]{3}[A-Z]",
        checks.codice_fiscale,
        alone=True,
        score=0.95,
    ),
    _id("nl-bsn", r"(?:\d{9}|\d{4}\.\d{2}\.\d{3})", checks.bsn, "bsn", "burgerservicenummer", "sofi*"),
    _id("pl-pesel", r"\d{11}", checks.pesel, "pesel"),
    _id("br-cpf", r"\d{3}\.\d{3}\.\d{3}-\d{2}", checks.cpf, alone=True, score=0.95),
    _id("br-cpf-bare", r"\d{11}", checks.cpf, "cpf"),
    _id("in-aadhaar", r"[2-9]\d{3}[ -]\d{4}[ -]\d{4}", verhoeff, "aadhaar", "aadhar", "uidai", alone=True),
    _id("in-aadhaar-bare", r"[2-9]\d{11}", verhoeff, "aadhaar", "aadhar", "uid", "uidai"),
    _id("in-pan", r"[A-Z]{3}P[A-Z]\d{4}[A-Z]", checks.always, "pan", "income tax", alone=True),
    _id("cn-resident", r"[1-9]\d{5}(?:19|20)\d{9}[\dXx]", checks.resident, alone=True, score=0.97),
    _id(
        "se-personnummer",
        r"(?:19|20)?\d{6}[-+]\d{4}",
        checks.personnummer,
        "personnummer",
        "personal number",
        alone=True,
        score=0.8,
    ),
    _id("se-personnummer-bare", r"(?:19|20)?\d{10}", checks.personnummer, "personnummer"),
    _id("fi-hetu", r"\d{6}[-+A]\d{3}[0-9A-FHJ-NPR-Y]", checks.hetu, alone=True, score=0.9),
    _id("dk-cpr", r"\d{6}-?\d{4}", checks.day_first, "cpr", "personnummer"),
    _id(
        "no-fodselsnummer",
        r"\d{6} ?\d{5}",
        lambda v: checks.fodselsnummer(bare(v)),
        "fødselsnummer",
        "personnummer",
        "fodselsnummer",
    ),
    _id("be-national", r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", checks.rijksregister, alone=True, score=0.9),
    _id(
        "be-national-bare",
        r"\d{11}",
        checks.rijksregister,
        "rijksregister*",
        "registre national",
        "niss",
        "insz",
    ),
    _id("ch-ahv", r"756\.?\d{4}\.?\d{4}\.?\d{2}", ean, "ahv", "avs", alone=True, score=0.9),
    _id("at-svnr", r"\d{4} ?\d{6}", checks.svnr, "svnr", "sozialversicherung*", "versicherungsnummer"),
    _id("pt-nif", r"[1-35-9]\d{2} ?\d{3} ?\d{3}", checks.nif, "nif", "contribuinte"),
    _id("ie-pps", r"\d{7}[A-W][A-IW]?", checks.pps, "pps", "ppsn"),
    _id("ca-sin", r"\d{3}[ -]?\d{3}[ -]?\d{3}", luhn, "sin", "social insurance"),
    _id("au-tfn", r"\d{3} ?\d{3} ?\d{3}", checks.tfn, "tfn", "tax file"),
    _id(
        "mx-curp",
        r"[A-Z][AEIOUX][A-Z]{2}\d{6}[HM][A-Z]{5}[A-Z0-9]\d",
        checks.curp,
        alone=True,
        score=0.95,
    ),
    _id("kr-rrn", r"\d{6}-[1-4]\d{6}", is_short_date, alone=True, score=0.85),
    _id("za-id", r"\d{13}", checks.south_africa, "id number", "identity number", "id no", "sa id"),
    _id("tr-kimlik", r"[1-9]\d{10}", checks.kimlik, "kimlik*", "tckn", "tc"),
    _id("sg-nric", r"[STFG]\d{7}[A-Z]", checks.nric, "nric", "fin", alone=True, score=0.85),
    _id(
        "jp-my-number",
        r"\d{4}[ -]?\d{4}[ -]?\d{4}",
        checks.my_number,
        "my number",
        "individual number",
        "マイナンバー",
    ),
    _id("cl-rut", r"\d{1,2}\.\d{3}\.\d{3}-[\dkK]", checks.rut, "rut", alone=True, score=0.9),
    _id("cz-rodne-cislo", r"\d{6}/\d{4}", checks.rodne_cislo, "rodné číslo", alone=True, score=0.8),
    _id("ro-cnp", r"[1-8]\d{12}", checks.cnp, "cnp"),
    _id("bg-egn", r"\d{10}", checks.egn, "egn", "егн"),
    _id("ee-isikukood", r"[1-6]\d{10}", checks.isikukood, "isikukood", "asmens kodas"),
    _id("il-id", r"\d{9}", luhn, "teudat zehut", "israeli id"),
)
