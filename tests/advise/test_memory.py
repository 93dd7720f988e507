"""Memory by component: the field's rules of thumb, phases, and what each choice saves."""

from __future__ import annotations

from typing import Any

import pytest

from baseshapes import LLAMA_7B, MISTRAL_7B, QWEN2_05B, SMOLLM_135M
from tunesmith.advise import memory, sizes
from tunesmith.advise.activations import Work
from tunesmith.advise.estimate import FLOORS
from tunesmith.advise.memory import Plan
from tunesmith.advise.moving import moving

GB = 1e9
LORA = {"rank": 16, "targets": "linear"}


def planned(config: dict[str, Any], tuning: str, options: dict[str, Any], **more: Any) -> Plan:
    """One row of 512 tokens on a GPU in bfloat16, as the rules of thumb have it."""
    shape = sizes.shape(config, counted="formula")
    moves = moving(shape, tuning, options)
    assert moves is not None
    work = Work(**{"rows": 1, "length": 512, "size": 2, "device": "gpu", **more.pop("work", {})})
    given = {"dtype": "bfloat16", "supervised": work.tokens, "device": "gpu", "floor": FLOORS["gpu"], **more}
    return Plan(shape, moves, work, **given)


def test_seven_billion_parameters_tuned_in_full_need_eighty_gigabytes_and_more() -> None:
    for config in (LLAMA_7B, MISTRAL_7B):
        assert 80 * GB < memory.peak(planned(config, "full", {})) < 160 * GB


def test_seven_billion_parameters_under_lora_need_about_sixteen_gigabytes() -> None:
    light = {"recompute": True}
    assert memory.peak(planned(LLAMA_7B, "lora", LORA, work=light)) == pytest.approx(16 * GB, rel=0.1)
    assert memory.peak(planned(MISTRAL_7B, "lora", LORA)) < 24 * GB


def test_a_base_of_four_bits_is_far_below() -> None:
    light = {"recompute": True}
    assert memory.peak(planned(LLAMA_7B, "lora", LORA, bits=4, work=light)) < 8 * GB


def test_small_bases_need_little() -> None:
    assert memory.peak(planned(QWEN2_05B, "lora", LORA)) < 4 * GB
    assert memory.peak(planned(SMOLLM_135M, "full", {})) < 5 * GB


def named(plan: Plan) -> dict[str, float]:
    return {each.name: each.bytes for each in memory.components(plan)}


def test_each_component_is_what_its_formula_says() -> None:
    plan = planned(SMOLLM_135M, "full", {})
    found, count = named(plan), 134_515_008
    assert found["weights"] == 2 * count
    assert found["float32 masters"] == found["gradients"] == 4 * count
    assert found["optimizer moments"] == 8 * count
    assert "adapters" not in found and "fresh gradients" not in found


def test_a_heap_has_holes_beside_what_comes_and_goes_and_a_device_has_none() -> None:
    found = named(planned(SMOLLM_135M, "lora", LORA, work={"device": "cpu"}, device="cpu"))
    passing = found["activations"] + found["working space"] + found["loss"]
    assert found["heap"] == pytest.approx(memory.HOLES * passing)
    assert "heap" not in named(planned(SMOLLM_135M, "lora", LORA))


def test_gradients_of_a_second_micro_batch_stand_beside_the_sum() -> None:
    one, two = (planned(SMOLLM_135M, "full", {}, parts=parts) for parts in (1, 2))
    assert named(two)["fresh gradients"] == 2 * 134_515_008
    assert memory.peak(two) > memory.peak(one)


def test_lora_counts_its_updates_and_nothing_else_moves() -> None:
    plan = planned(SMOLLM_135M, "lora", LORA)
    width, kept, inner = 576, 192, 1536
    each = 16 * (4 * width + 2 * (width + kept) + 3 * (width + inner))
    assert plan.moving.parameters == plan.moving.added == 30 * each
    assert named(plan)["optimizer moments"] == 8 * 30 * each


def test_layers_below_the_lowest_moving_one_keep_nothing() -> None:
    few, all_ = (planned(LLAMA_7B, "freeze", {"layers": layers}) for layers in (2, 32))
    assert named(few)["activations"] == pytest.approx(named(all_)["activations"] * 2 / 32)


def test_a_tied_output_matrix_moves_with_the_top_and_is_reached_through_all_layers() -> None:
    plan = planned(SMOLLM_135M, "freeze", {"layers": 2})
    assert plan.moving.whole == 49152 * 576 + round(plan.shape.stack * 2 / 30)
    assert (plan.moving.reach, plan.moving.top, plan.moving.tables) == (30, 2, True)
    apart = planned(LLAMA_7B, "freeze", {"layers": 2})
    assert (apart.moving.reach, apart.moving.tables, apart.moving.output) == (2, False, True)


def test_recomputing_trades_activations_for_time() -> None:
    plain, light = (planned(SMOLLM_135M, "full", {}, work={"recompute": on}) for on in (False, True))
    assert named(light)["activations"] < named(plain)["activations"] / 5


def test_scores_of_all_pairs_grow_with_the_square_where_attention_keeps_them() -> None:
    short, long = (
        named(
            planned(
                SMOLLM_135M, "full", {}, work={"device": "cpu", "length": length, "size": 4, "dropout": 0.1}
            )
        )
        for length in (256, 512)
    )
    assert long["activations"] > 2.5 * short["activations"]


def test_answers_need_a_cache_of_keys_and_values() -> None:
    plan = planned(SMOLLM_135M, "full", {}, answers=128)
    assert named(plan)["KV cache"] == 8 * (512 + 128) * 2 * 30 * 3 * 64 * 2
    assert memory.phases(memory.components(plan))["answer"] > named(plan)["KV cache"]


def test_the_numbers_are_those_of_the_loss_and_the_engine() -> None:
    pytest.importorskip("torch")
    from tunesmith.inputs import speaking
    from tunesmith.nn import attention, token_loss
    from tunesmith.train.engine import local

    assert (memory.LOGITS, memory.FEWEST) == (token_loss.LOGITS, token_loss.FEWEST)
    assert memory.TOGETHER == speaking.TOGETHER
    assert memory.PREDICT_TOKENS == local.PREDICT_TOKENS
    from tunesmith.advise import activations

    assert {dtype.itemsize: length for dtype, length in attention.SHORT.items()} == activations.SHORT


def test_a_regularizer_that_measures_the_weights_needs_their_change_and_every_row_of_the_table() -> None:
    wide = {"dtype": "float32", "work": {"size": 4, "device": "cpu"}, "device": "cpu", "words": 2000}
    untied = {**SMOLLM_135M, "tie_word_embeddings": False}
    plain = planned(untied, "full", {}, **wide)
    count = plain.moving.changed(plain.shape)
    assert count == plain.shape.parameters
    wide["work"] = {"size": 4, "device": "cpu"}
    pulled = planned(untied, "full", {}, **wide, pulled=count, keeps=frozenset({"start", "fisher"}))
    assert plain.read and not pulled.read
    assert named(pulled)["optimizer moments"] == 8 * count > named(plain)["optimizer moments"]
    assert named(pulled)["beginning"] == named(pulled)["Fisher information"] == 4 * count
    assert named(pulled)["changes"] == 8 * count
    assert memory.peak(pulled) > memory.peak(plain) + 12 * count


def test_updates_beside_a_matrix_change_it_whole() -> None:
    found = planned(SMOLLM_135M, "lora", {"rank": 2, "targets": "linear", "layers": 3})
    assert found.moving.changed(found.shape) == 3 * sum(m.inputs * m.outputs for m in found.shape.matrices)
