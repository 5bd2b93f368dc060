"""The peer of decode.rs: the same shape by transformers, with random weights. Prints {batch: [prompt seconds, tokens a second]}."""

import json, sys, time
import torch
from transformers import LlamaConfig, LlamaForCausalLM

config, prompt, written, threads = json.loads(sys.argv[1]), *map(int, sys.argv[2:])
torch.set_num_threads(threads)
model = LlamaForCausalLM(LlamaConfig(**{k: v for k, v in config.items() if k != "model_type"})).float().eval()
out = {}
with torch.inference_mode():
    for batch in [1, 8]:
        best = [1e9, 0.0]
        for turn in range(4):
            ids = torch.randint(0, 32000, (batch, prompt))
            start = time.perf_counter()
            step = model(ids, use_cache=True)
            first = time.perf_counter() - start
            start = time.perf_counter()
            for _ in range(written):
                step = model(step.logits[:, -1:].argmax(-1), past_key_values=step.past_key_values, use_cache=True)
            if turn:
                best = [min(best[0], first), max(best[1], batch * written / (time.perf_counter() - start))]
        out[batch] = best
print(json.dumps(out))
