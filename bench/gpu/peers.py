"""TRL's trainers, with Liger's kernels where asked and installed; and unsloth's model below them where installed.

Each is given the texts of the same tokens ("t17 t4 …"), no checkpointing, LoRA of the same rank on all matrices, fused
AdamW, bfloat16 numbers that are frozen and float32 ones that move (full tuning: autocast over float32).
"""

from __future__ import annotations

import sys
from typing import Any

from bench.gpu import arm, clock

LORA = {"r": 16, "lora_alpha": 32, "lora_dropout": 0.0}
MATRICES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def main() -> None:
    """Train the row and say what was measured."""
    sloth, liger = "--unsloth" in sys.argv, "--liger" in sys.argv
    if sloth:
        sys.argv.remove("--unsloth")
        import unsloth  # noqa: F401  # pyright: ignore[reportMissingImports]  # it must come before all others
    course = arm.course()
    import torch
    from transformers import AutoTokenizer, TrainerCallback

    course.ends("import")
    marks = clock.Clock(course.device)

    class Marking(TrainerCallback):
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            marks.mark()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            marks.mark()

    model, lora = _sloth(course) if sloth else _plain(course)
    course.ends("load")
    trainer = _trainer(course, model, lora, AutoTokenizer.from_pretrained(course.base), liger)
    trainer.add_callback(Marking())
    before = _moving(trainer.model)
    course.ends("prepare")
    if course.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    trainer.train()
    course.ends("train")
    logged = [each for each in trainer.state.log_history if "loss" in each]
    changed = sum(float((now - before[name]).square().sum()) for name, now in _moving(trainer.model).items())
    course.say(
        "unsloth" if sloth else "trl-liger" if liger else "trl",
        marks,
        _read(course, trainer.train_dataset),
        first_loss=logged[0]["loss"],
        last_loss=logged[-1]["loss"],
        gradient_norm=logged[0]["grad_norm"],
        moved=(changed / max(sum(float(each.square().sum()) for each in before.values()), 1e-12)) ** 0.5,
        peak_memory=clock.peak_memory(course.device),
    )


def _plain(course: arm.Course) -> tuple[Any, Any]:
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM

    narrow = course.device == "cuda" and not course.row.full
    kernel = {"attn_implementation": "flash_attention_2"} if _flash(course) else {}
    model: Any = AutoModelForCausalLM.from_pretrained(
        course.base, dtype=torch.bfloat16 if narrow else torch.float32, **kernel
    )
    lora = None if course.row.full else LoraConfig(**LORA, target_modules=MATRICES, task_type="CAUSAL_LM")
    return model.to(course.device), lora


def _sloth(course: arm.Course) -> tuple[Any, Any]:
    from unsloth import FastLanguageModel  # pyright: ignore[reportMissingImports]

    model, _ = FastLanguageModel.from_pretrained(
        course.base, max_seq_length=course.row.longest, load_in_4bit=False, full_finetuning=course.row.full
    )
    if course.row.full:
        return model, None
    tuned = FastLanguageModel.get_peft_model(
        model, **LORA, target_modules=MATRICES, bias="none", use_gradient_checkpointing=False
    )
    return tuned, None


def _flash(course: arm.Course) -> bool:
    import importlib.util

    return course.device == "cuda" and importlib.util.find_spec("flash_attn") is not None


def _trainer(course: arm.Course, model: Any, lora: Any, tokenizer: Any, liger: bool) -> Any:
    import tempfile

    from datasets import Dataset  # pyright: ignore[reportMissingImports]
    from trl import (  # pyright: ignore[reportMissingImports]
        DPOConfig,
        DPOTrainer,
        SFTConfig,
        SFTTrainer,
    )

    rows = Dataset.from_list([_texts(course, each) for each in course.drawn])
    common: dict[str, Any] = {
        "output_dir": tempfile.mkdtemp(prefix="bench-gpu-"),
        "per_device_train_batch_size": course.row.rows,
        "max_steps": course.steps,
        "learning_rate": 1e-4,
        "lr_scheduler_type": "constant",
        "bf16": course.device == "cuda",
        "use_cpu": course.device == "cpu",
        "optim": "adamw_torch_fused",
        "gradient_checkpointing": False,
        "use_liger_kernel": liger,
        "train_sampling_strategy": "sequential",
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "max_length": course.row.longest,
    }
    if not course.tiny and course.row.config["hidden_size"] >= 4096:  # a step at once does not fit
        common |= {"per_device_train_batch_size": 2, "gradient_accumulation_steps": course.row.rows // 2}
    given = {"model": model, "train_dataset": rows, "processing_class": tokenizer, "peft_config": lora}
    if course.row.pairs:
        return DPOTrainer(args=DPOConfig(**common, precompute_ref_log_probs=True), **given)
    return SFTTrainer(args=SFTConfig(**common, padding_free=_flash(course)), **given)


def _texts(course: arm.Course, each: dict[str, list[int]]) -> dict[str, str]:
    """Without the last token of an answer: TRL adds the one that ends a text itself."""
    prompt = " ".join(f"t{token}" for token in each["prompt"]) + " "
    said = {name: "".join(f"t{token} " for token in ids[:-1]) for name, ids in each.items()}
    if not course.row.pairs:
        return {"prompt": prompt, "completion": said["answer"]}
    return {"prompt": prompt, "chosen": said["answer"], "rejected": said["rejected"]}


def _read(course: arm.Course, rows: Any) -> list[list[int]]:
    """The token ids that the trainer made of the texts, in row order."""
    if not course.row.pairs:
        return [list(each) for each in rows["input_ids"]]
    pairs = rows.select_columns(["prompt_ids", "chosen_ids", "rejected_ids"]).to_list()
    return [pair["prompt_ids"] + pair[side] for pair in pairs for side in ("chosen_ids", "rejected_ids")]


def _moving(model: Any) -> dict[str, Any]:
    return {name: p.detach().float().cpu().clone() for name, p in model.named_parameters() if p.requires_grad}


if __name__ == "__main__":
    main()
