"""Names, addresses and organisations in texts, as a token classifier from a local folder sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tunesmith import doors
from tunesmith.errors import MissingError
from tunesmith.inputs.personal_words import Found

# how label sets in use name them → our group
GROUP_OF = {
    **dict.fromkeys(("PER", "PERSON", "NAME"), "name"),
    **dict.fromkeys(("LOC", "LOCATION", "GPE", "ADDRESS", "STREET_ADDRESS", "FAC"), "address"),
    **dict.fromkeys(("ORG", "ORGANIZATION", "ORGANISATION", "CORPORATION", "GROUP"), "organisation"),
}
Finder = Callable[[Sequence[str]], list[list[Found]]]
_BATCH = 16
_OVERLAP = 32  # tokens that two windows of a long text share


def opened(folder: str) -> Finder:
    """What finds names in a batch of texts.  Raises MissingError P325 where the folder holds no token classifier.

    Nothing is fetched, and only safetensors are read.
    """
    if not (Path(folder) / "config.json").is_file():
        raise _missing(folder, "is no folder of a model")
    transformers = doors.open("transformers")
    try:
        model = transformers.AutoModelForTokenClassification.from_pretrained(
            folder, local_files_only=True, use_safetensors=True
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as refusal:
        raise _missing(folder, f"can't be opened: {str(refusal).splitlines()[0]}") from None
    if not {_group(label) for label in model.config.id2label.values()} - {""}:
        raise _missing(folder, "tells no names, addresses or organisations apart")
    window = min(int(tokenizer.model_max_length), int(getattr(model.config, "max_position_embeddings", 512)))
    tokenizer.model_max_length = window
    pipeline = transformers.pipeline(
        "token-classification",
        model=model.eval(),
        tokenizer=tokenizer,
        aggregation_strategy="simple",
        stride=min(_OVERLAP, window // 4),
        batch_size=_BATCH,
    )

    def find(texts: Sequence[str]) -> list[list[Found]]:
        # tokenizers take UTF-8 only, and the pipeline no empty text; '?' for a lone surrogate moves nothing
        given = {
            index: each.encode("utf-8", "replace").decode()
            for index, each in enumerate(texts)
            if each.strip()
        }
        seen = dict(zip(given, pipeline(list(given.values())) if given else (), strict=True))
        return [_found(seen.get(index, ())) for index in range(len(texts))]

    return find


def _found(entities: Sequence[dict[str, Any]]) -> list[Found]:
    return [
        Found(int(each["start"]), int(each["end"]), each["entity_group"], group, float(each["score"]) * 0.7)
        for each in entities
        if (group := _group(each["entity_group"])) and each["start"] is not None
    ]


def _group(label: str) -> str:
    bare = label.upper()
    return GROUP_OF.get(bare[2:] if bare[:2] in ("B-", "I-", "L-", "U-", "E-", "S-") else bare, "")


def _missing(folder: str, why: str) -> MissingError:
    return MissingError(
        "P325",
        f"{folder} {why}",
        expected="a folder with a token classifier: config.json, tokenizer, model.safetensors",
        fixes=("tunesmith data redact DATA   (without names)",),
        where=folder,
    )
