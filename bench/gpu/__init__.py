"""Training on one GPU beside its peers: rows G1 to G4 on random weights of public shapes, so speed and memory only.

    python -m bench.gpu G1 [--tiny] [--work DIR] [--out FILE] [--pairs 4] [--arms ours,trl,trl-liger,unsloth]

| row | work |
|---|---|
| G1 | LoRA on all matrices, shape of Llama 3 8B, prompts and answers of lognormal lengths up to 4,096 tokens |
| G2 | full tuning, shape of Qwen 2.5 0.5B, short conversations |
| G3 | DPO with LoRA, shape of Llama 3 8B, long prompts that both answers share |
| G4 | several LoRA adapters on one base, shape of Qwen 2.5 0.5B |

Every arm is a fresh process that reads the same weights and the same token ids, whose hash it prints.  Each warms up
for 20 steps and is timed by device events; tokens that are padding do not count.  The peak of matrix products is probed
in the same process.  `--tiny` is the same course with miniature shapes, on a CPU too.
"""
