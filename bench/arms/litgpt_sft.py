"""litgpt's model and LoRA, stepped as its `finetune lora` does: AdamW, logits in chunks, rows sorted by length.

Its command line reads its own data formats and knows no seeded subset of ids, so the loop over updates stands here;
everything in it that computes is litgpt's or torch's.  task["dtype"]: float32 or bfloat16 (its `bf16-true`, the factors
too).  options: together (rows computed at once).
"""

from __future__ import annotations

import random
from typing import Any

import _common
import _lm

clock = _common.Clock()
task = _common.task()

import torch  # noqa: E402
from litgpt.lora import GPT, Config, mark_only_lora_as_trainable  # noqa: E402
from litgpt.utils import chunked_cross_entropy  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

torch.set_num_threads(task["threads"])
clock.ends("import")
dtype = getattr(torch, task["dtype"])
PLACES = {
    "self_attn.o_proj": "attn.proj",
    "mlp.gate_proj": "mlp.fc_1",
    "mlp.up_proj": "mlp.fc_2",
    "mlp.down_proj": "mlp.proj",
    "input_layernorm": "norm_1",
    "post_attention_layernorm": "norm_2",
}
PARTS = ("q_proj", "k_proj", "v_proj")


def network(config: Any) -> Any:
    """The one weights file in litgpt's names."""
    torch.manual_seed(task["seed"])
    weights = load_file(f"{task['weights']}/model.safetensors")
    wte = weights["model.embed_tokens.weight"]
    found = {
        "transformer.wte.weight": wte,
        "lm_head.weight": wte,
        "transformer.ln_f.weight": weights["model.norm.weight"],
    }
    for layer in range(config.n_layer):
        mine, place = f"transformer.h.{layer}", f"model.layers.{layer}"
        found |= {f"{mine}.{its}.weight": weights[f"{place}.{name}.weight"] for name, its in PLACES.items()}
        qkv = [weights[f"{place}.self_attn.{name}.weight"] for name in PARTS]
        found[f"{mine}.attn.qkv.weight"] = torch.cat(qkv)
    net = GPT(config)
    lacking = net.load_state_dict(found, strict=False)
    assert not lacking.unexpected_keys, lacking
    assert all("lora_" in name for name in lacking.missing_keys), lacking
    mark_only_lora_as_trainable(net)
    return net.to(dtype)


def updates(rows: list[tuple[Any, int]], size: int, epoch: int) -> list[list[tuple[Any, int]]]:
    """The batches of an epoch: neighbours in length, in random order, each begun where chance says."""
    rng = random.Random(task["seed"] * 1000 + epoch)
    mixed = rng.sample(rows, len(rows))
    mixed.sort(key=lambda row: len(row[0]))
    parts = [mixed[at : at + size] for at in range(0, len(mixed), size)]
    return rng.sample(parts, len(parts))


def collate(part: list[tuple[Any, int]]) -> tuple[Any, Any]:
    """(ids, labels), padded on the right; the causal mask is all that attention needs."""
    ids = [torch.from_numpy(row) for row, _ in part]
    labels = [
        torch.cat([torch.full((start,), _lm.IGNORED), each[start:]])
        for each, (_, start) in zip(ids, part, strict=True)
    ]
    pad = torch.nn.utils.rnn.pad_sequence
    return pad(ids, batch_first=True), pad(labels, batch_first=True, padding_value=_lm.IGNORED)


def loss_of(part: list[tuple[Any, int]], whole: int) -> Any:
    """This part's share of the mean over the learnt tokens of an update."""
    ids, labels = collate(part)
    logits = net(ids, lm_head_chunk_size=128)
    logits[-1] = logits[-1][..., :-1, :]
    return chunked_cross_entropy(logits, labels[:, 1:]) * (learnt(part) / whole)


def learnt(part: list[tuple[Any, int]]) -> int:
    return sum(len(ids) - start for ids, start in part)


def step(batch: list[tuple[Any, int]]) -> tuple[float, float]:
    """(loss, gradient norm) of one update."""
    total, whole, together = 0.0, learnt(batch), task["options"].get("together", 8)
    for at in range(0, len(batch), together):
        loss = loss_of(batch[at : at + together], whole)
        loss.backward()
        total += float(loss.detach())
    norm = torch.nn.utils.clip_grad_norm_(moving, 1.0)
    optimizer.step()
    optimizer.zero_grad()
    schedule.step()
    return total, float(norm)


def first_loss() -> float:
    looked = rows[: _lm.LOOKED_AT]
    with torch.no_grad():
        return sum(float(loss_of([row], learnt(looked))) for row in looked)


def updates_to_matrices() -> dict[str, Any]:
    """Neutral name → what is added to a matrix, in float32."""
    found = {}
    for layer, block in enumerate(net.transformer.h):
        sizes = [
            heads * config.head_size
            for heads in (config.n_head, config.n_query_groups, config.n_query_groups)
        ]
        parts = block.attn.qkv.get_lora_AB().detach().float().split(sizes)
        found |= {f"layers.{layer}.self_attn.{name}.D": part for name, part in zip(PARTS, parts, strict=True)}
        for name, its in list(PLACES.items())[:4]:
            module = block.get_submodule(its)
            found[f"layers.{layer}.{name}.D"] = module.get_lora_AB().detach().float()
    return {name: each.contiguous() for name, each in found.items()}


rows = _lm.rows(task["tokens"])
clock.ends("prepare")
config = Config.from_name(
    "SmolLM2-135M",
    rope_base=10000,
    block_size=1024,
    lora_r=_lm.RANK,
    lora_alpha=_lm.ALPHA,
    lora_query=True,
    lora_key=True,
    lora_value=True,
    lora_projection=True,
    lora_mlp=True,
)
net = network(config)
net.max_seq_length = max(len(ids) for ids, _ in rows)
clock.ends("load")
moving = [each for each in net.parameters() if each.requires_grad]
optimizer = torch.optim.AdamW(moving, lr=task["rate"], weight_decay=0.0, fused=True)
count = max(1, round(len(rows) / task["batch"] * task["epochs"]))
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda done: max(0.0, 1 - done / count))
look, before = first_loss(), _common.trained(net)
clock.skips()
seen: list[tuple[float, float]] = []
while len(seen) < count:
    for batch in updates(rows, task["batch"], len(seen))[: count - len(seen)]:
        seen.append(step(batch))
clock.ends("train")
save_file(updates_to_matrices(), f"{task['out']}/adapter.safetensors", {"scale": "1.0"})
clock.say(
    tokens_sha256=_common.sha256(ids for ids, _ in rows),
    rows=len(rows),
    real_tokens=sum(len(ids) for ids, _ in rows),
    updates=len(seen),
    first_loss=look,
    first_step_loss=seen[0][0],
    last_loss=seen[-1][0],
    gradient_norm=seen[0][1],
    moved=_common.moved(before, _common.trained(net)),
)
