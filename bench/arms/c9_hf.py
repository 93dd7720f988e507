"""The usual script: a raw file of labelled texts, AutoModelForSequenceClassification, Trainer, until the first update.

    python c9_hf.py TRAIN.jsonl TEST.jsonl MODEL OUT [--threads N]

Prints 'first update' as soon as the optimizer has stepped once.
"""

from __future__ import annotations

import sys


def main() -> None:
    """As the library's own text classification tutorial goes: load, split labels, tokenize by map, train."""
    import torch
    from datasets import load_dataset  # pyright: ignore[reportMissingImports]
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    train, test, model, out, threads = sys.argv[1:6]
    torch.set_num_threads(int(threads))

    class First(TrainerCallback):
        def on_step_end(self, args, state, control, **more):
            print("first update", flush=True)
            control.should_training_stop = True

    rows = load_dataset("json", data_files={"train": train, "test": test}).class_encode_column("label")
    tokenizer = AutoTokenizer.from_pretrained(model)
    names = rows["train"].features["label"].names
    net = AutoModelForSequenceClassification.from_pretrained(model, num_labels=len(names))
    rows = rows.map(lambda batch: tokenizer(batch["text"], truncation=True), batched=True)
    settings = TrainingArguments(out, num_train_epochs=6, report_to=[], use_cpu=True)
    Trainer(
        model=net,
        args=settings,
        train_dataset=rows["train"],
        eval_dataset=rows["test"],
        data_collator=DataCollatorWithPadding(tokenizer),
        processing_class=tokenizer,
        callbacks=[First()],
    ).train()


if __name__ == "__main__":
    main()
