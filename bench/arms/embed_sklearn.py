"""sentence-transformers' vectors of the frozen base, once, and scikit-learn's logistic regression on them.

task["rate"] is the regression's C.  options: together (rows computed at once), standard (columns at mean 0,
variance 1), tol.  Rows come as text: the library cuts them into tokens itself; `prepare` is its encoding, `train` the
regression.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import _classify
import _common

clock, task = _common.peer()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from sentence_transformers import SentenceTransformer  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402

_common.imported(clock, task)
options = task["options"]
encoder = SentenceTransformer(task["weights"], device="cpu", local_files_only=True)
clock.ends("load")
labels = _common.rows(task["tokens"])[1]["labels"]
texts = [json.loads(line)["text"] for line in Path(task["text"]).read_text("utf-8").splitlines()]
vectors: Any = encoder.encode(texts, batch_size=int(options.get("together", 32)), show_progress_bar=False)
clock.ends("prepare")
mean, spread = vectors.mean(0), np.maximum(vectors.std(0), 1e-4)
if not options.get("standard"):
    mean, spread = np.zeros_like(mean), np.ones_like(spread)
model = LogisticRegression(C=float(task["rate"]), max_iter=1000, tol=float(options.get("tol", 1e-4)))
model.fit((vectors - mean) / spread, labels)
clock.ends("train")
weight = model.coef_ / spread
bias = model.intercept_ - weight @ mean
body: Any = encoder[0]
_classify.save(
    Path(task["out"]),
    "unit",
    {name: each for name, each in body.auto_model.state_dict().items() if not name.startswith("pooler.")},
    torch.from_numpy(weight),
    torch.from_numpy(bias),
)
said = model.predict_log_proba((vectors - mean) / spread)
clock.say(
    **_common.told(encoder.tokenizer(text)["input_ids"] for text in texts),
    updates=int(np.max(model.n_iter_)),
    first_loss=float(np.log(len(model.classes_))),
    last_loss=float(-said[np.arange(len(labels)), labels].mean()),
    gradient_norm=1.0,
    moved=float(np.linalg.norm(weight)),
    dtype="float32",
)
