"""A step of SD 1.5's UNet in diffusers, random weights: python unet.py THREADS RUNS. The better of both memory formats."""

import sys, time

import torch
from diffusers import UNet2DConditionModel

torch.set_num_threads(int(sys.argv[1]))
torch.set_grad_enabled(False)
unet = UNet2DConditionModel(sample_size=64, cross_attention_dim=768, attention_head_dim=8).eval()
x, t, text = torch.randn(1, 4, 64, 64), torch.tensor(500), torch.randn(1, 77, 768)
best = float("inf")
for name, form in (("contiguous", torch.contiguous_format), ("channels last", torch.channels_last)):
    unet = unet.to(memory_format=form)
    for run in range(int(sys.argv[2]) + 1):
        begun = time.perf_counter()
        unet(x, t, text)
        took = time.perf_counter() - begun
        print(f"PyTorch, {name}, run {run}: {took:.2f} s", flush=True)
        best = min(best, took) if run else best
print(f"best {best}")
