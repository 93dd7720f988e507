"""The words of the command line: what is typed, where its function is, and what stands around the list of them."""

from __future__ import annotations

# what is typed → the module in this folder and its function
COMMANDS = {
    "up": "life.up",
    "train": "life.train",
    "sweep": "sweep.sweep",
    "eval": "evaluate.evaluate",
    "compare": "evaluate.compare",
    "judge": "judge.judge",
    "predict": "evaluate.predict",
    "serve": "serving.serve",
    "chat": "chat.chat",
    "estimate": "estimate.estimate",
    "export": "export.export",
    "data check": "data_check.check",
    "data audit": "data_audit.audit",
    "data fix": "data_change.fix",
    "data undo": "data_change.undo",
    "data show": "data.show",
    "data see": "data_see.see",
    "data stats": "data.stats",
    "data diff": "data.diff",
    "data split": "data_change.split",
    "data dedupe": "data_dedupe.dedupe",
    "data merge": "data_change.merge",
    "data sample": "data_change.sample",
    "data export": "data_change.export",
    "data convert": "data_convert.convert",
    "data card": "data.card",
    "data ls": "data.ls",
    "data lineage": "data.lineage",
    "data augment": "data_enlarge.augment",
    "data synth": "data_enlarge.synth",
    "data balance": "data_enlarge.balance",
    "data redact": "data_redact.redact",
    "data restore": "data_redact.restore",
    "data forget": "data_redact.forget",
    "models ls": "desk.list_models",
    "models show": "desk.show_model",
    "models promote": "desk.promote",
    "models rollback": "desk.rollback",
    "runs ls": "desk.list_runs",
    "runs show": "desk.show_run",
    "runs watch": "desk.watch_run",
    "doctor": "desk.doctor",
    "explain": "desk.explain",
    "init": "desk.init",
}
GROUPS = {
    "data": "Look at data, mend it, divide it; every change is a version that can be undone.",
    "models": "Registered models: list, show, promote, roll back.",
    "runs": "Runs: list, show, watch.",
}
EPILOG = (
    "Exit codes: 0 done, 1 failed, 2 usage, 3 data, 4 permission, 5 not found, 6 no room, 7 network, "
    "8 gate not met, 130 interrupted.  Environment: TUNESMITH_HOME, TUNESMITH_OFFLINE, TUNESMITH_NO_PROGRESS, "
    "TUNESMITH_PLUGINS, TUNESMITH_API_KEY, NO_COLOR."
)
WIDEST = 100  # columns that help takes at most
