"""Many adapters over one base in memory."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tunesmith import catalog

pytestmark = pytest.mark.neural
WAYS: list[tuple[str, dict[str, Any]]] = [
    ("lora", {"rank": 4}),
    ("lora", {"rank": 8, "targets": "attention"}),
    ("lora", {"dora": True, "layers": 2}),
    ("lora", {"top": 1}),
    ("ia3", {}),
    ("adapter", {"width": 8}),
    ("prompt", {"tokens": 4}),
    ("lora", {"rank": 4}),
]


@pytest.fixture(scope="module")
def stories() -> Iterator[Any]:
    """Makes the real small base anew."""
    from conftest import shared_folder

    shared = shared_folder()
    if shared is None or not (shared / "models" / "stories260k-llama").is_dir():
        pytest.skip("stories260k-llama is absent: set TUNESMITH_SHARED to the folder of shared data")
    folder = shared / "models" / "stories260k-llama"
    yield lambda: loaded(folder)


def loaded(folder: Path) -> Any:
    from tunesmith.nn import decoder, pretrained

    net = decoder.structure(json.loads((folder / "config.json").read_text()))
    pretrained.load(net, folder)
    net.begin(0, 0.0)
    return net.eval()


def delta_of(fresh: Any, tuning: Any, seed: int) -> dict[str, Any]:
    """What an adapter may have learnt."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    saved = tuning.delta(tuning.apply(fresh))
    return {key: p + 0.05 * torch.randn(p.shape, generator=generator) for key, p in saved.items()}


def written(net: Any, prompt: list[int]) -> list[tuple[int, float]]:
    import torch

    from tunesmith.nn import decoding

    with torch.inference_mode():
        steps = decoding.decode(net.backbone, [prompt], max_tokens=[12], stops=(), seeds=[0])
        return [(token.id, token.logprob) for step in steps for token in step]


def test_eight_adapters_answer_as_each_does_alone(stories: Any) -> None:
    import torch

    tunings = [catalog.part("tuning", name)(**ways) for name, ways in WAYS]
    deltas = [delta_of(stories(), tuning, seed) for seed, tuning in enumerate(tunings)]
    prompts = [[1, 400 + n, 410 + n] for n in range(5)]
    alone = []
    for tuning, delta in zip(tunings, deltas, strict=True):
        net = tuning.apply(stories())
        tuning.load(net, delta)
        alone.append([written(net.eval(), prompt) for prompt in prompts])
    assert len({str(each) for each in alone}) == len(WAYS)
    base = stories()
    as_it_is = [written(base, prompt) for prompt in prompts]
    begun = time.perf_counter()
    nets = [tuning.attach(base, delta) for tuning, delta in zip(tunings, deltas, strict=True)]
    print(f"attached in {(time.perf_counter() - begun) / len(nets) * 1000:.1f} ms each")
    jobs = [(at, n) for n in range(len(prompts)) for at in range(len(nets))]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(4) as pool:
            said = list(pool.map(lambda job: written(nets[job[0]], prompts[job[1]]), jobs))
        torch.set_num_threads(threads)
        assert said == [alone[at][n] for at, n in jobs]
        assert [written(base, prompt) for prompt in prompts] == as_it_is
    finally:
        torch.set_num_threads(threads)


def test_an_adapter_of_another_shape_is_refused_and_the_base_stays(stories: Any) -> None:
    base = stories()
    small, large = (catalog.part("tuning", "lora")(rank=rank) for rank in (2, 4))
    before = written(base, [1, 403])
    with pytest.raises(ValueError, match="shape"):
        large.attach(base, delta_of(stories(), small, 0))
    assert written(base, [1, 403]) == before
    assert all(p.requires_grad for p in base.parameters())
