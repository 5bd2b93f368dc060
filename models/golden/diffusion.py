"""Writes the goldens of models/diffusion: tiny seeded models, and what diffusers and transformers make of them.

Run: OMP_NUM_THREADS=1 python models/golden/diffusion.py [FOLDER]   (versions: requirements.txt beside this)

Noise comes from `normals` below, written from the paper and not from the Rust code: pipelines are compared from the seed on.
"""

import collections, copy, functools, itertools, json, math, pathlib, shutil, sys

import numpy, torch
import safetensors.torch
from tokenizers import Regex, normalizers, pre_tokenizers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer
import diffusers
from diffusers import (
    AutoencoderKL, ControlNetModel, DDIMScheduler, DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler, LCMScheduler, StableDiffusionControlNetPipeline, StableDiffusionImg2ImgPipeline,
    StableDiffusionInpaintPipeline, StableDiffusionPipeline, StableDiffusionXLPipeline, UNet2DConditionModel,
    UniPCMultistepScheduler,
)

HERE = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "diffusion")
torch.set_num_threads(1)


def save_file(tensors, file, metadata=None):
    safetensors.torch.save_file({k: v.contiguous() for k, v in tensors.items()}, file, metadata=metadata)


torch.set_grad_enabled(False)


# --- noise -----------------------------------------------------------------------------------------------------------------------

def normals(seed, stream, turn, count):
    """Philox4x32-10 (Salmon et al. 2011), then Box-Muller in f64."""
    blocks = -(-count // 4)
    mask = (1 << 32) - 1
    out = []
    for block in range(blocks):
        c = [block & mask, block >> 32, stream, turn]
        k = [seed & mask, seed >> 32]
        for _ in range(10):
            p0, p1 = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
            c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & mask, (p0 >> 32) ^ c[3] ^ k[1], p0 & mask]
            k = [(k[0] + 0x9E3779B9) & mask, (k[1] + 0xBB67AE85) & mask]
        u = [(w + 0.5) / 2**32 for w in c]
        for a, b in ((u[0], u[1]), (u[2], u[3])):
            r = math.sqrt(-2 * math.log(a))
            out += [r * math.cos(2 * math.pi * b), r * math.sin(2 * math.pi * b)]
    return torch.tensor(numpy.array(out[:count], dtype=numpy.float32))


class Noise:
    """Stands in for `randn_tensor`: gives the streams that a run asks for, in its order."""

    def __init__(self, seed, order):
        self.seed, self.order = seed, list(order)

    def __call__(self, shape, generator=None, device=None, dtype=None, layout=None):
        stream, turn = self.order.pop(0)
        return normals(self.seed, stream, turn, math.prod(shape)).reshape(tuple(shape))


LATENTS, STEP, POSTERIOR = 0, 1, 2


def with_noise(seed, order, run):
    noise, replaced = Noise(seed, order), []
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("diffusers") and "randn_tensor" in vars(module):
            replaced.append((module, module.randn_tensor))
            module.randn_tensor = noise
    try:
        result = run()
    finally:
        for module, original in replaced:
            module.randn_tensor = original
    assert not noise.order, f"noise that nobody asked for: {noise.order}"
    return result


# --- schedulers ------------------------------------------------------------------------------------------------------------------

SD = dict(num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1,
          clip_sample=False, set_alpha_to_one=False)
METHODS = {
    "euler": (EulerDiscreteScheduler, {}), "euler_a": (EulerAncestralDiscreteScheduler, {}),
    "dpmpp_2m": (DPMSolverMultistepScheduler, {}), "dpmpp_2m_karras": (DPMSolverMultistepScheduler, dict(use_karras_sigmas=True)),
    "ddim": (DDIMScheduler, {}), "lcm": (LCMScheduler, {}), "unipc": (UniPCMultistepScheduler, {}),
}


def accepted(kind, config):
    import inspect
    return {key: value for key, value in config.items() if key in inspect.signature(kind.__init__).parameters}


def scheduler(method, config):
    kind, extra = METHODS[method]
    return kind(**accepted(kind, {**config, **extra}))


def cases():
    for method, steps in itertools.product(METHODS, (1, 4, 20, 30)):
        yield method, steps, dict(SD)
    for method, spacing in itertools.product(METHODS, ("leading", "trailing", "linspace")):
        if method != "lcm":
            yield method, 7, dict(SD, timestep_spacing=spacing)
    for method, prediction in itertools.product(METHODS, ("v_prediction", "sample")):
        if (method, prediction) != ("euler_a", "sample"):
            yield method, 9, dict(SD, prediction_type=prediction)
    for method in METHODS:
        if method != "lcm":
            yield method, 8, dict(SD, rescale_betas_zero_snr=True, timestep_spacing="trailing", prediction_type="v_prediction")
        yield method, 5, {}
    for steps in (6, 18):
        yield "unipc", steps, dict(SD, solver_order=3)
        yield "unipc", steps, dict(SD, solver_order=1)
        yield "unipc", steps, dict(SD, solver_type="bh1", use_karras_sigmas=True, final_sigmas_type="sigma_min")
        yield "unipc", steps, dict(SD, final_sigmas_type="sigma_min")
        yield "dpmpp_2m", steps, dict(SD, final_sigmas_type="sigma_min", lower_order_final=False)
        yield "dpmpp_2m", steps, dict(SD, final_sigmas_type="sigma_min", euler_at_final=True)
        yield "euler", steps, dict(SD, use_karras_sigmas=True)
    yield "euler", 6, dict(SD, final_sigmas_type="sigma_min", beta_schedule="squaredcos_cap_v2")
    yield "ddim", 6, dict(SD, clip_sample=True, clip_sample_range=0.7)
    yield "ddim", 6, dict(SD, set_alpha_to_one=True, beta_schedule="linear")
    yield "lcm", 8, dict(SD, original_inference_steps=100, timestep_scaling=5.0, clip_sample=True)
    yield "dpmpp_2m", 5, dict(SD, num_train_timesteps=100, trained_betas=[0.001 + 0.0001 * i for i in range(100)])


def schedules():
    generator = torch.Generator().manual_seed(1)
    width = 12
    draw = lambda *shape: torch.randn(*shape, generator=generator)
    start, outputs, noise = draw(1, width), draw(31, 1, width), draw(31, 1, width)
    tensors = dict(start=start, outputs=outputs, noise=noise)
    listed = []
    for number, (method, steps, config) in enumerate(cases()):
        s = scheduler(method, config)
        s.set_timesteps(steps)
        x = start * s.init_noise_sigma
        trail, scaled = [], []
        for i, t in enumerate(s.timesteps):
            scaled.append(s.scale_model_input(x, t))
            module = sys.modules[type(s).__module__]
            original = getattr(module, "randn_tensor", None)
            module.randn_tensor = lambda *a, **k: noise[i]
            x = s.step(outputs[i], t, x).prev_sample
            module.randn_tensor = original
            trail.append(x)
        fresh = scheduler(method, config)
        fresh.set_timesteps(steps)
        if hasattr(fresh, "set_begin_index"):
            fresh.set_begin_index(len(fresh.timesteps) // 2)
        middle = fresh.timesteps[len(fresh.timesteps) // 2]
        noised = fresh.add_noise(start, noise[0], middle[None])
        tensors |= {f"{number}.timesteps": s.timesteps.float().clone(), f"{number}.trail": torch.cat(trail), f"{number}.scaled": torch.cat(scaled),
                    f"{number}.noised": noised}
        listed.append(dict(method=method, steps=steps, config=config))
    for name, tensor in tensors.items():
        assert torch.isfinite(tensor).all(), (name, listed[int(name.split(".")[0])])
    save_file(tensors, HERE / "schedules.safetensors", metadata=dict(cases=json.dumps(listed)))


# --- tiny models -----------------------------------------------------------------------------------------------------------------

WORDS = """a photograph of an ancient temple at dusk, highly detailed, cinematic light over the river; it's raining.
the old woman's hands hold a blue lantern while children run through the market in the morning. don't you'll we've i'm they're he'd
masterpiece best quality portrait landscape wide angle close up red green blue gold silver night day sun moon star sea mountain forest
low quality blurry deformed watermark text 0 1 2 3 4 5 6 7 8 9 1920 1080 café naïve señor 東京 мир"""


@functools.cache
def learnt(count=200):
    """Merges of the words above: the most frequent pair each time, of equals the first in the alphabet."""
    normal = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    pattern = r"""'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"""
    split = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    corpus = [list(word[:-1]) + [word[-1] + "</w>"] for word, _ in split.pre_tokenize_str(normal.normalize_str(WORDS))]
    merges = []
    for _ in range(count):
        pairs = collections.Counter(pair for word in corpus for pair in zip(word, word[1:]))
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        for word in corpus:
            at = 0
            while at + 1 < len(word):
                if (word[at], word[at + 1]) == best:
                    word[at:at + 2] = [best[0] + best[1]]
                at += 1
    return merges


def words(folder, pad):
    """A vocabulary of CLIP's kind."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = letters + [letter + "</w>" for letter in letters]
    merges = learnt()
    for a, b in merges:
        if a + b not in tokens:
            tokens.append(a + b)
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True, exist_ok=True)
    vocab = {token: i for i, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(" ".join(m) for m in merges) + "\n")
    end = "<|endoftext|>"
    (folder / "special_tokens_map.json").write_text(json.dumps(dict(bos_token="<|startoftext|>", eos_token=end, unk_token=end, pad_token=pad)))
    (folder / "tokenizer_config.json").write_text(json.dumps(dict(tokenizer_class="CLIPTokenizer", model_max_length=77, pad_token=pad)))
    return CLIPTokenizer(vocab=vocab, merges=merges, pad_token=pad, model_max_length=77), len(tokens)


def lively(module, seed):
    """Weights that show every mistake, rounded to f16 as they are stored."""
    generator = torch.Generator().manual_seed(seed)
    for name, p in sorted(module.named_parameters()):
        noise = torch.randn(p.shape, generator=generator)
        if p.ndim == 1:
            p.copy_((1.0 if name.endswith("weight") else 0.0) + 0.1 * noise)
        else:
            p.copy_(noise * 1.1 / math.sqrt(p[0].numel()) if p.ndim > 1 and "embedding.weight" not in name else 0.5 * noise)
    return module.half().float().eval()


def text(vocab, act, layers, projection, eos):
    config = CLIPTextConfig(vocab_size=vocab, hidden_size=16, intermediate_size=32, num_hidden_layers=layers, num_attention_heads=2,
                            max_position_embeddings=77, hidden_act=act, projection_dim=16, eos_token_id=eos, bos_token_id=vocab - 2,
                            pad_token_id=1)
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(config)


UNET = dict(sample_size=8, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, cross_attention_dim=16,
            down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"))
UNET_2 = dict(UNET, attention_head_dim=(2, 4), use_linear_projection=True, cross_attention_dim=16, layers_per_block=2)
UNET_XL = dict(UNET, block_out_channels=(8, 16, 16), down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
               up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), transformer_layers_per_block=(1, 1, 2),
               attention_head_dim=(2, 4, 4), use_linear_projection=True, cross_attention_dim=32, addition_embed_type="text_time",
               addition_time_embed_dim=4, projection_class_embeddings_input_dim=16 + 24)
VAE = dict(block_out_channels=(4, 4, 8, 8), layers_per_block=1, norm_num_groups=2, latent_channels=4, sample_size=32,
           down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4)


def half(folder):
    """Stores a pipeline's weights as f16, and only what klieg reads of it."""
    for file in folder.rglob("*.safetensors"):
        tensors = {k: (v.half() if v.is_floating_point() else v) for k, v in safetensors.torch.load_file(file).items()}
        save_file(tensors, file)
    for file in folder.rglob("*"):
        if file.is_file() and file.name in ("tokenizer.json", "README.md"):
            file.unlink()


def checkpoints():
    base = HERE / "sd"
    tokenizer, vocab = words(base / "tokenizer", "<|endoftext|>")
    sd = StableDiffusionPipeline(
        vae=lively(AutoencoderKL(**VAE, scaling_factor=0.18215, force_upcast=False), 11), text_encoder=lively(text(vocab, "quick_gelu", 2, False, 2), 12),
        tokenizer=tokenizer, unet=lively(UNet2DConditionModel(**UNET, attention_head_dim=2), 13), scheduler=DDIMScheduler(**SD),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    xl_tokenizer, _ = words(HERE / "sdxl" / "tokenizer_2", "!")
    sdxl = StableDiffusionXLPipeline(
        vae=lively(AutoencoderKL(**VAE, scaling_factor=0.13025), 21), text_encoder=lively(text(vocab, "quick_gelu", 3, False, 2), 22),
        text_encoder_2=lively(text(vocab, "gelu", 3, True, vocab - 1), 23), tokenizer=tokenizer, tokenizer_2=xl_tokenizer,
        unet=lively(UNet2DConditionModel(**UNET_XL), 24),
        scheduler=EulerDiscreteScheduler(**accepted(EulerDiscreteScheduler, SD), timestep_spacing="leading"), add_watermarker=False)
    for pipe, name in ((sd, "sd"), (sdxl, "sdxl")):
        pipe.set_progress_bar_config(disable=True)
        pipe.save_pretrained(HERE / name, safe_serialization=True)
        for part, pad in (("tokenizer", "<|endoftext|>"), ("tokenizer_2", "!")):
            if part == "tokenizer" or name == "sdxl":
                words(HERE / name / part, pad)
        half(HERE / name)
    return sd, sdxl


# --- text ------------------------------------------------------------------------------------------------------------------------

LONG = ", ".join(f"a temple by the river at dusk number {i}" for i in range(14))
PROMPTS = ["", "a temple at dusk", "  It's   RAINING, don't you'll see: 1920x1080 café 東京 🙂 naïve!", LONG, "a <|endoftext|> b", "Señor's--test_case #5"]
WEIGHTED = [[("a ", 1.0), ("temple", 1.1), (" at ", 1.0), ("dusk", 1 / 1.1)], [(LONG, 1.0), (" gold", 1.5)]]
WEIGHTED_AS = ["a (temple) at [dusk]", LONG + "( gold:1.5)"]


def windows(tokenizer, pieces):
    """Windows of 75 tokens with their weights, framed and padded."""
    ids = [(i, w) for text, w in pieces for i in tokenizer(text, add_special_tokens=False).input_ids]
    chunks = [ids[i:i + 75] for i in range(0, len(ids), 75)] or [[]]
    for chunk in chunks:
        row = [tokenizer.bos_token_id] + [i for i, _ in chunk] + [tokenizer.eos_token_id]
        row += [tokenizer.pad_token_id] * (77 - len(row))
        weights = [1.0] + [w for _, w in chunk]
        yield row, weights + [1.0] * (77 - len(weights))


def states(tokenizer, model, pieces, penultimate):
    """What the README says of weights, written again: e + w (z - e)."""
    def run(row):
        out = model(torch.tensor([row]), output_hidden_states=True)
        pooled = getattr(out, "text_embeds", None)
        return (out.hidden_states[-2] if penultimate else out.last_hidden_state)[0], pooled
    empty = run(next(iter(windows(tokenizer, [])))[0])[0]
    all_states, first = [], None
    for row, weights in windows(tokenizer, pieces):
        z, pooled = run(row)
        first = pooled if first is None else first
        all_states.append(empty + torch.tensor(weights)[:, None] * (z - empty))
    return torch.cat(all_states), first


def texts(sd, sdxl):
    tensors, listed = {}, []
    for tokenizer in (sd.tokenizer, sdxl.tokenizer_2):
        listed.append([tokenizer(p, padding="max_length", truncation=True, max_length=77).input_ids for p in PROMPTS])
    for i, pieces in enumerate([[(p, 1.0)] for p in PROMPTS] + WEIGHTED):
        tensors[f"sd.{i}"] = states(sd.tokenizer, sd.text_encoder, pieces, False)[0]
        first, _ = states(sdxl.tokenizer, sdxl.text_encoder, pieces, True)
        second, pooled = states(sdxl.tokenizer_2, sdxl.text_encoder_2, pieces, True)
        tensors[f"sdxl.{i}"] = torch.cat([first, second], 1)
        tensors[f"sdxl.{i}.pooled"] = pooled[0].clone()
    ids = torch.tensor([next(iter(windows(sd.tokenizer, [(PROMPTS[1], 1.0)])))[0]])
    hidden = sd.text_encoder(ids, output_hidden_states=True).hidden_states[-2]
    skip = getattr(sd.text_encoder, "text_model", sd.text_encoder).final_layer_norm(hidden)
    tensors["sd.skip"] = skip[0].clone()
    save_file(tensors, HERE / "texts.safetensors", metadata=dict(prompts=json.dumps(PROMPTS + WEIGHTED_AS), ids=json.dumps(listed)))


# --- networks --------------------------------------------------------------------------------------------------------------------

def probed(unet, *args, **kwargs):
    seen = {}
    def hook(name):
        def keep(module, inputs, output):
            seen[name] = (output[0] if isinstance(output, tuple) else output).clone()
        return keep
    handles = [unet.conv_in.register_forward_hook(hook("conv_in")), unet.mid_block.register_forward_hook(hook("mid_block")),
               unet.conv_out.register_forward_hook(hook("conv_out"))]
    handles += [b.register_forward_hook(hook(f"down_blocks.{i}")) for i, b in enumerate(unet.down_blocks)]
    handles += [b.register_forward_hook(hook(f"up_blocks.{i}")) for i, b in enumerate(unet.up_blocks)]
    unet(*args, **kwargs)
    for handle in handles:
        handle.remove()
    return seen


def unets(sd, sdxl):
    generator = torch.Generator().manual_seed(5)
    draw = lambda *shape: torch.randn(*shape, generator=generator)
    tensors = {}
    two = lively(UNet2DConditionModel(**UNET_2, in_channels=9), 31)
    two_config = {k: v for k, v in two.config.items() if not k.startswith("_")}
    save_file({k: v.half() for k, v in two.state_dict().items()}, HERE / "unet_2.safetensors", metadata=dict(config=json.dumps(two_config)))
    for name, unet, size, context in (("sd", sd.unet, (8, 8), 16), ("odd", sd.unet, (7, 9), 16), ("two", two, (8, 6), 16), ("sdxl", sdxl.unet, (8, 8), 32)):
        x, text, t = draw(2, unet.config.in_channels, *size), draw(2, 77, context), torch.tensor([981.0, 17.5])
        added = {}
        if name == "sdxl":
            pooled, sizes = draw(2, 16), torch.tensor([[64.0, 64, 0, 0, 64, 64], [1024.0, 768, 3, 5, 512, 640]])
            added = dict(added_cond_kwargs=dict(text_embeds=pooled, time_ids=sizes))
            tensors |= {"sdxl.pooled": pooled, "sdxl.sizes": sizes}
        tensors |= {f"{name}.x": x, f"{name}.text": text, f"{name}.t": t}
        tensors |= {f"{name}.{block}": out for block, out in probed(unet, x, t, text, **added).items()}
    save_file(tensors, HERE / "unets.safetensors")


def vaes(sd, sdxl):
    generator = torch.Generator().manual_seed(6)
    draw = lambda *shape: torch.randn(*shape, generator=generator)
    picture, latents, large = draw(1, 3, 32, 48).clamp(-1, 1), draw(2, 4, 4, 3), draw(1, 4, 7, 9)
    tensors = dict(picture=picture, latents=latents, large=large)
    for name, vae in (("sd", sd.vae), ("sdxl", sdxl.vae)):
        posterior = vae.encode(picture).latent_dist
        tensors |= {f"{name}.mean": posterior.mean.clone(), f"{name}.std": posterior.std.clone(),
                    f"{name}.decoded": vae.decode(latents / vae.config.scaling_factor).sample}
    vae = copy.deepcopy(sd.vae)
    vae.enable_tiling()
    tensors["sd.tiled"] = vae.decode(large / vae.config.scaling_factor).sample
    save_file(tensors, HERE / "vaes.safetensors")


# --- adapters --------------------------------------------------------------------------------------------------------------------

def kohya(unet, encoders, seed, rank=2):
    """A LoRA in kohya's names and what it adds to each weight: {layer: delta}."""
    generator = torch.Generator().manual_seed(seed)
    file, deltas = {}, {}
    parts = [("lora_unet_", unet)] + [(f"lora_te{'' if len(encoders) == 1 else i + 1}_", e) for i, e in enumerate(encoders)]
    for prefix, module in parts:
        for name, weight in module.state_dict().items():
            if not name.endswith(".weight") or weight.ndim < 2 or "embedding" in name or "text_projection" in name:
                continue
            layer = name[: -len(".weight")]
            if not any(word in layer for word in ("attn", "ff.net", "proj_in", "conv1", "downsamplers", "mlp.fc1", "q_proj")):
                continue
            out, inside, *kernel = weight.shape
            down = torch.randn(rank, inside, *kernel, generator=generator).half().float() / math.sqrt(inside)
            up = torch.randn(out, rank, *[1] * len(kernel), generator=generator).half().float() * 0.3
            down, up, alpha = down.half().float(), up.half().float(), 1.5
            key = layer if prefix == "lora_unet_" or layer.startswith("text_model") else "text_model." + layer
            flat = prefix + key.replace(".", "_")
            file |= {f"{flat}.lora_down.weight": down.half(), f"{flat}.lora_up.weight": up.half(), f"{flat}.alpha": torch.tensor(alpha)}
            delta = (up.flatten(1) @ down.flatten(1)).reshape(weight.shape) * (alpha / rank)
            deltas.setdefault(prefix, {})[name] = delta
    return file, deltas


def laid_over(module, stack):
    module = copy.deepcopy(module)
    state = module.state_dict()
    for deltas, weight in stack:
        for name, delta in deltas.items():
            state[name] = state[name] + weight * delta
    module.load_state_dict(state)
    return module


def peft_names(unet, seed, rank=3):
    """A LoRA in diffusers' names, for attention only."""
    generator = torch.Generator().manual_seed(seed)
    file = {}
    for name, weight in unet.state_dict().items():
        if name.endswith((".to_q.weight", ".to_v.weight", ".to_out.0.weight")):
            layer = name[: -len(".weight")]
            file[f"unet.{layer}.lora_A.weight"] = (torch.randn(rank, weight.shape[1], generator=generator) * 0.3).half()
            file[f"unet.{layer}.lora_B.weight"] = (torch.randn(weight.shape[0], rank, generator=generator) * 0.3).half()
    return file


def image_adapter(unet, seed, inside=12, tokens=4):
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=generator).half().float()
    width = unet.config.cross_attention_dim
    projection = {"proj.weight": draw(tokens * width, inside) * 0.3, "proj.bias": draw(tokens * width) * 0.1,
                  "norm.weight": 1 + 0.1 * draw(width), "norm.bias": 0.1 * draw(width)}
    layers, number = {}, 1
    for name in unet.attn_processors:
        if name.endswith("attn2.processor"):
            out = unet.state_dict()[name.replace(".processor", ".to_k.weight")].shape[0]
            layers |= {f"{number}.to_k_ip.weight": draw(out, width) * 0.3, f"{number}.to_v_ip.weight": draw(out, width) * 0.3}
            number += 2
    rounded = lambda d: {k: v.half().float().contiguous() for k, v in d.items()}
    return dict(image_proj=rounded(projection), ip_adapter=rounded(layers))


# --- pipelines -------------------------------------------------------------------------------------------------------------------

def runs(sd, sdxl):
    generator = torch.Generator().manual_seed(7)
    picture = torch.rand(1, 3, 64, 48, generator=generator)
    mask = torch.zeros(1, 1, 64, 48)
    mask[:, :, 10:50, 16:40] = 1.0
    control = torch.rand(2, 3, 64, 48, generator=generator)
    tensors = dict(picture=picture * 2 - 1, mask=mask, controls=control)
    size = dict(height=64, width=48)
    prompt, negative = "a (temple) at dusk".replace("(", "").replace(")", ""), "low quality"
    latents = lambda seed, sigma=1.0: normals(seed, LATENTS, 0, 4 * 8 * 6).reshape(1, 4, 8, 6)
    common = dict(prompt=prompt, negative_prompt=negative, num_inference_steps=4, output_type="latent")

    def using(pipe, method):
        pipe = copy.copy(pipe)
        config = {k: v for k, v in SD.items()}
        if "XL" in type(pipe).__name__:
            config["timestep_spacing"] = "leading"
        pipe.scheduler = scheduler(method, config)
        return pipe

    for method in METHODS:
        order = {"euler_a": [(STEP, i) for i in range(4)], "lcm": [(STEP, i) for i in range(3)]}.get(method, [])
        tensors[f"sd.{method}"] = with_noise(3, order, lambda: using(sd, method)(**common, **size, guidance_scale=2.0, latents=latents(3)).images)
    tensors["sd.plain"] = using(sd, "ddim")(**common, **size, guidance_scale=1.0, latents=latents(4)).images
    tensors["sd.rescaled"] = using(sd, "ddim")(**common, **size, guidance_scale=7.5, guidance_rescale=0.7, latents=latents(4)).images
    tensors["sd.picture"] = using(sd, "ddim")(**dict(common, output_type="pt"), **size, guidance_scale=2.0, latents=latents(3)).images * 2 - 1
    tensors["sdxl.euler"] = using(sdxl, "euler")(**common, **size, guidance_scale=2.0, latents=latents(3)).images
    tensors["sdxl.none"] = using(sdxl, "dpmpp_2m_karras")(**dict(common, negative_prompt=None), **size, guidance_scale=2.0, latents=latents(5)).images

    i2i = StableDiffusionImg2ImgPipeline(**sd.components, requires_safety_checker=False)
    fill = StableDiffusionInpaintPipeline(**sd.components, requires_safety_checker=False)
    for pipe in (i2i, fill):
        pipe.set_progress_bar_config(disable=True)
    for method in ("ddim", "euler", "dpmpp_2m"):
        tensors[f"i2i.{method}"] = with_noise(8, [(POSTERIOR, 0), (LATENTS, 0)], lambda: using(i2i, method)(
            **common, image=picture, strength=0.6, guidance_scale=2.0).images)
    for strength in (1.0, 0.5):
        order = [(POSTERIOR, 0), (LATENTS, 0), (POSTERIOR, 1)]
        tensors[f"fill.{strength}"] = with_noise(9, order, lambda: using(fill, "euler")(
            **common, image=picture, mask_image=mask, strength=strength, guidance_scale=2.0, **size).images)
    nine = copy.copy(fill)
    nine.unet = lively(UNet2DConditionModel(**UNET, attention_head_dim=2, in_channels=9), 33)
    save_file({k: v.half() for k, v in nine.unet.state_dict().items()}, HERE / "unet_fill.safetensors")
    tensors["fill.nine"] = with_noise(9, [(LATENTS, 0), (POSTERIOR, 1)], lambda: using(nine, "ddim")(
        **common, image=picture, mask_image=mask, strength=1.0, guidance_scale=2.0, **size).images)

    nets = []
    for i in range(2):
        net = lively(ControlNetModel.from_unet(sd.unet, conditioning_embedding_out_channels=(4, 4, 8, 8)), 41 + i)
        net.save_pretrained(HERE / f"control_{i}", safe_serialization=True)
        half(HERE / f"control_{i}")
        nets.append(net)
    parts = {k: v for k, v in sd.components.items()}
    both = StableDiffusionControlNetPipeline(**parts, controlnet=nets, requires_safety_checker=False)
    both.set_progress_bar_config(disable=True)
    tensors["control"] = using(both, "ddim")(**common, image=[control[:1], control[1:]], guidance_scale=2.0, latents=latents(3),
                                              controlnet_conditioning_scale=[0.8, 0.5], control_guidance_start=[0.0, 0.25],
                                              control_guidance_end=[0.75, 1.0], **size).images

    file, deltas = kohya(sd.unet, [sd.text_encoder], 51)
    save_file(file, HERE / "lora_kohya.safetensors")
    peft = peft_names(sd.unet, 52)
    save_file(peft, HERE / "lora_diffusers.safetensors")
    peft_deltas = {}
    for key in peft:
        if key.endswith("lora_A.weight"):
            layer = key[len("unet."):-len(".lora_A.weight")]
            peft_deltas[layer + ".weight"] = peft[key.replace("lora_A", "lora_B")].float() @ peft[key].float()
    stacked = copy.copy(sd)
    stacked.unet = laid_over(sd.unet, [(deltas["lora_unet_"], 0.7), (peft_deltas, -0.4)])
    stacked.text_encoder = laid_over(sd.text_encoder, [(deltas["lora_te_"], 0.7)])
    tensors["lora.stack"] = using(stacked, "ddim")(**common, **size, guidance_scale=2.0, latents=latents(3)).images
    # The same through diffusers' own loader, of diffusers' names.
    own = copy.deepcopy(sd)
    own.load_lora_weights({k: v.float() for k, v in peft.items()}, adapter_name="one")
    own.set_adapters(["one"], [0.5])
    tensors["lora.diffusers"] = using(own, "ddim")(**common, **size, guidance_scale=2.0, latents=latents(3)).images
    file, deltas = kohya(sdxl.unet, [sdxl.text_encoder, sdxl.text_encoder_2], 53)
    save_file(original_lora(file, sdxl.unet), HERE / "lora_sdxl.safetensors")
    stacked = copy.copy(sdxl)
    stacked.unet = laid_over(sdxl.unet, [(deltas["lora_unet_"], 0.6)])
    stacked.text_encoder = laid_over(sdxl.text_encoder, [(deltas["lora_te1_"], 0.6)])
    stacked.text_encoder_2 = laid_over(sdxl.text_encoder_2, [(deltas["lora_te2_"], 0.6)])
    tensors["lora.sdxl"] = using(stacked, "euler")(**common, **size, guidance_scale=2.0, latents=latents(3)).images

    ip = image_adapter(sd.unet, 61)
    save_file({f"{group}.{k}": v.half() for group, d in ip.items() for k, v in d.items()}, HERE / "ip_adapter.safetensors")
    unet = copy.deepcopy(sd.unet)
    unet._load_ip_adapter_weights([ip])
    seen = copy.copy(sd)
    seen.unet = unet
    seen.set_ip_adapter_scale(0.6)
    embedding = torch.randn(1, 1, 12, generator=generator)
    tensors["ip.embedding"] = embedding[:, 0].clone()
    pair = torch.cat([torch.zeros_like(embedding), embedding])
    tensors["ip"] = using(seen, "ddim")(**common, **size, guidance_scale=2.0, latents=latents(3), ip_adapter_image_embeds=[pair]).images
    save_file({k: v.contiguous() for k, v in tensors.items()}, HERE / "runs.safetensors")


# --- one file, in the authors' layout --------------------------------------------------------------------------------------------

RESNET = [("norm1", "in_layers.0"), ("conv1", "in_layers.2"), ("time_emb_proj", "emb_layers.1"), ("norm2", "out_layers.0"),
          ("conv2", "out_layers.3"), ("conv_shortcut", "skip_connection")]


def original_unet(unet):
    """Diffusers' names to the authors', found by walking the blocks as the authors' code builds them."""
    names = {}
    def module(new, old):
        names.update({f"{new}.{k}": f"{old}.{k}" for k in ("weight", "bias")})
    def resnet(new, old):
        for a, b in RESNET:
            module(f"{new}.{a}", f"{old}.{b}")
    for a, b in (("conv_in", "input_blocks.0.0"), ("conv_norm_out", "out.0"), ("conv_out", "out.2"), ("time_embedding.linear_1", "time_embed.0"),
                 ("time_embedding.linear_2", "time_embed.2"), ("add_embedding.linear_1", "label_emb.0.0"), ("add_embedding.linear_2", "label_emb.0.2")):
        module(a, b)
    prefixes = {"mid_block.attentions.0.": "middle_block.1."}
    resnet("mid_block.resnets.0", "middle_block.0")
    resnet("mid_block.resnets.1", "middle_block.2")
    at = 1
    for i, block in enumerate(unet.down_blocks):
        for j in range(len(block.resnets)):
            resnet(f"down_blocks.{i}.resnets.{j}", f"input_blocks.{at}.0")
            prefixes[f"down_blocks.{i}.attentions.{j}."] = f"input_blocks.{at}.1."
            at += 1
        if block.downsamplers:
            module(f"down_blocks.{i}.downsamplers.0.conv", f"input_blocks.{at}.0.op")
            at += 1
    at = 0
    for i, block in enumerate(unet.up_blocks):
        for j in range(len(block.resnets)):
            resnet(f"up_blocks.{i}.resnets.{j}", f"output_blocks.{at}.0")
            prefixes[f"up_blocks.{i}.attentions.{j}."] = f"output_blocks.{at}.1."
            at += 1
        if block.upsamplers:
            module(f"up_blocks.{i}.upsamplers.0.conv", f"output_blocks.{at - 1}.{2 if hasattr(block, 'attentions') else 1}.conv")
    def rename(name):
        for new, old in prefixes.items():
            if name.startswith(new):
                return old + name[len(new):]
        return names[name]
    return rename


def original_lora(file, unet):
    """kohya's SDXL LoRAs have the authors' names, flat."""
    rename = original_unet(unet)
    flat = {k[: -len(".weight")].replace(".", "_"): rename(k)[: -len(".weight")].replace(".", "_") for k in unet.state_dict() if k.endswith(".weight")}
    out = {}
    for key, value in file.items():
        if key.startswith("lora_unet_"):
            layer, leaf = key[len("lora_unet_"):].split(".", 1)
            key = f"lora_unet_{flat[layer]}.{leaf}"
        out[key] = value
    return out


def original_vae(vae):
    blocks = len(vae.config.block_out_channels)
    def rename(name):
        for i in range(blocks):
            name = name.replace(f"encoder.down_blocks.{i}.resnets.", f"encoder.down.{i}.block.").replace(f"encoder.down_blocks.{i}.downsamplers.0.", f"encoder.down.{i}.downsample.")
            name = name.replace(f"decoder.up_blocks.{i}.resnets.", f"decoder.up.{blocks - 1 - i}.block.").replace(f"decoder.up_blocks.{i}.upsamplers.0.", f"decoder.up.{blocks - 1 - i}.upsample.")
        for a, b in (("mid_block.resnets.0", "mid.block_1"), ("mid_block.resnets.1", "mid.block_2"), ("mid_block.attentions.0", "mid.attn_1"),
                     ("conv_norm_out", "norm_out"), ("conv_shortcut", "nin_shortcut"), ("group_norm", "norm"), ("to_q", "q"), ("to_k", "k"),
                     ("to_v", "v"), ("to_out.0", "proj_out")):
            name = name.replace(a, b)
        return name
    out = {}
    for name, value in vae.state_dict().items():
        new = rename(name)
        out[new] = value[:, :, None, None] if "attn_1" in new and value.ndim == 2 else value
    return out


def hf_text(model):
    return {k if k.startswith(("text_model.", "text_projection")) else f"text_model.{k}": v for k, v in model.state_dict().items()}


def open_clip(model):
    state, out = hf_text(model), {}
    for name, value in state.items():
        if name == "text_projection.weight":
            out["text_projection"] = value.T.contiguous()
            continue
        name = name.removeprefix("text_model.")
        for a, b in (("embeddings.token_embedding.weight", "token_embedding.weight"), ("embeddings.position_embedding.weight", "positional_embedding"),
                     ("final_layer_norm", "ln_final"), ("encoder.layers", "transformer.resblocks"), ("layer_norm", "ln_"),
                     ("self_attn.out_proj", "attn.out_proj"), ("mlp.fc1", "mlp.c_fc"), ("mlp.fc2", "mlp.c_proj")):
            name = name.replace(a, b)
        if "self_attn.q_proj" in name:
            parts = [state["text_model." + "encoder.layers." + name.split(".")[2] + f".self_attn.{p}_proj.{name.split('.')[-1]}"] for p in "qkv"]
            out[name.replace("self_attn.q_proj.", "attn.in_proj_")] = torch.cat(parts)
        elif "self_attn" not in name:
            out[name] = value
    return out


def single_files(sd, sdxl):
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint
    for name, pipe in (("sd", sd), ("sdxl", sdxl)):
        rename = original_unet(pipe.unet)
        unet = {f"model.diffusion_model.{rename(k)}": v for k, v in pipe.unet.state_dict().items()}
        vae = {f"first_stage_model.{k}": v for k, v in original_vae(pipe.vae).items()}
        # diffusers' own conversion must bring back what we began with.
        back = convert_ldm_unet_checkpoint(dict(unet), dict(pipe.unet.config))
        assert back.keys() == pipe.unet.state_dict().keys(), sorted(back.keys() ^ pipe.unet.state_dict().keys())[:5]
        assert all(torch.equal(v, pipe.unet.state_dict()[k]) for k, v in back.items())
        back = convert_ldm_vae_checkpoint(dict(vae), dict(pipe.vae.config))
        assert back.keys() == pipe.vae.state_dict().keys(), sorted(back.keys() ^ pipe.vae.state_dict().keys())[:5]
        text = {f"cond_stage_model.transformer.{k}": v for k, v in hf_text(pipe.text_encoder).items()}
        if name == "sdxl":
            text = {f"conditioner.embedders.0.transformer.{k}": v for k, v in hf_text(pipe.text_encoder).items()}
            text |= {f"conditioner.embedders.1.model.{k}": v for k, v in open_clip(pipe.text_encoder_2).items()}
        everything = unet | vae | text | {"alphas_cumprod": torch.zeros(4)}
        save_file({k: v.half().contiguous() for k, v in everything.items()}, HERE / f"{name}.safetensors")


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir(parents=True)
    schedules()
    sd, sdxl = checkpoints()
    texts(sd, sdxl)
    unets(sd, sdxl)
    vaes(sd, sdxl)
    runs(sd, sdxl)
    single_files(sd, sdxl)
    for file in sorted(HERE.rglob("*")):
        if file.is_file():
            print(f"{file.stat().st_size:9,}  {file.relative_to(HERE)}")
    print(f"{sum(f.stat().st_size for f in HERE.rglob('*') if f.is_file()):9,}  altogether")


main()
