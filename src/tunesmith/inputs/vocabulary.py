"""A tokenizer of one's own: byte-level BPE learnt from texts, with tokens that mark who speaks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunesmith import doors

PAD, BEGIN, END = "<pad>", "<s>", "</s>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
SPECIALS = (PAD, BEGIN, END, *ROLES)  # in order of their ids
FEWEST = 256 + len(SPECIALS)  # tokens: one for each byte, so that every text can be written
COUNTED = 2_000  # texts by which the tokens of all are told
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ '<|' + message['role'] + '|>' }}{{ message['content'] }}"
    "{{ eos_token }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def learnt(texts: Sequence[str], size: int) -> bytes:
    """`tokenizer.json` with at most `size` tokens (Sennrich et al. 2016, on bytes: Radford et al. 2019)."""
    library, before = doors.open("tokenizers"), doors.open("tokenizers.pre_tokenizers")
    made = library.Tokenizer(doors.open("tokenizers.models").BPE())
    made.pre_tokenizer = before.ByteLevel(add_prefix_space=False)
    made.decoder = doors.open("tokenizers.decoders").ByteLevel()
    trainer = doors.open("tokenizers.trainers").BpeTrainer(
        vocab_size=max(size, FEWEST),
        special_tokens=list(SPECIALS),
        initial_alphabet=sorted(before.ByteLevel.alphabet()),
        min_frequency=2,
        show_progress=False,
    )
    made.train_from_iterator(texts, trainer=trainer)
    return made.to_str().encode()


def about(window: int) -> dict[str, Any]:
    """`tokenizer_config.json`."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BEGIN,
        "eos_token": END,
        "pad_token": PAD,
        "chat_template": TEMPLATE,
        "model_max_length": window,
    }


def counted(tokenizer: bytes, texts: Sequence[str]) -> tuple[int, float]:
    """(size of the vocabulary, about how many tokens the texts have)."""
    made = doors.open("tokenizers").Tokenizer.from_str(tokenizer.decode())
    some = texts[:: max(1, len(texts) // COUNTED)]
    said = sum(len(made.encode(text).ids) for text in some)
    return made.get_vocab_size(), said * len(texts) / max(len(some), 1)
