"""Goldens of klieg-generation: tiny seeded LLaMA, Qwen2, Mistral and T5 by transformers, GGUF files by the `gguf` package, logits
filters and chat templates. Run `python models/golden/generation.py`; writes models/golden/generation/."""

import datetime, json, pathlib, shutil
import numpy as np, torch, gguf, transformers
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, MistralConfig, Qwen2Config, T5Config, AutoModelForCausalLM, T5ForConditionalGeneration
from transformers.generation import logits_process as lp
from transformers.utils import chat_template_utils

torch.set_num_threads(1)
HERE = pathlib.Path(__file__).parent / "generation"
CORPUS = """INT. KITCHEN - DAY
ANNA stands at the table. The kettle sings. Outside, rain on the temple roof, and a bell.
{"name": "Anna", "age": 34, "tags": ["tea", "rain"], "true": false, "null": null}
The light falls slowly; nobody speaks. Später, im Café: «Où est le thé?» 雨の音。
""" * 4
CHAT = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def tokenizer(folder):
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    bpe.train_from_iterator([CORPUS], trainer)
    folder.mkdir(parents=True, exist_ok=True)
    bpe.save(str(folder / "tokenizer.json"))
    words = {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "chat_template": CHAT}
    (folder / "tokenizer_config.json").write_text(json.dumps(words, indent=1))
    return bpe


def numpy(tensor):
    return np.ascontiguousarray(tensor.detach().float().numpy())


def prompt(seed, count, vocabulary=320):
    return torch.randint(3, vocabulary, (1, count), generator=torch.Generator().manual_seed(seed))


def run(model, ids):
    """Logits of every position, each block's output, and 64 tokens by greedy choice, whatever would end a text."""
    with torch.no_grad():
        out = model(ids, output_hidden_states=True, use_cache=False)
        greedy = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=64, do_sample=False, eos_token_id=-1, pad_token_id=0)
    blocks = {}
    captured = []
    hooks = [layer.register_forward_hook(lambda _, __, o: captured.append(o[0] if isinstance(o, tuple) else o)) for layer in model.model.layers]
    with torch.no_grad():
        model(ids, use_cache=False)
    [hook.remove() for hook in hooks]
    for at, x in enumerate(captured):
        blocks[f"block.{at}"] = numpy(x.reshape(-1, x.shape[-1]))
    return {"prompt": ids[0].numpy().astype(np.uint32), "logits": numpy(out.logits[0]),
            "greedy": greedy[0, ids.shape[1]:].numpy().astype(np.uint32), **blocks}


SIZE = dict(vocab_size=320, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
            max_position_embeddings=256, initializer_range=0.3, bos_token_id=0, eos_token_id=0, pad_token_id=None)
LLAMA3 = dict(rope_type="llama3", rope_theta=10000.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)


def save(model, folder):
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: numpy(t) for name, t in model.state_dict().items() if not (name == "lm_head.weight" and model.config.tie_word_embeddings)}
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(model.config.to_json_string(use_diff=False))
    for name in ["tokenizer.json", "tokenizer_config.json"]:
        shutil.copy(HERE / name, folder / name)


def decoders_of_all_kinds():
    cases = {
        "llama": LlamaConfig(**SIZE, rope_parameters=LLAMA3),
        "qwen2": Qwen2Config(**SIZE, tie_word_embeddings=True, use_sliding_window=False),
        "mistral": MistralConfig(**SIZE, sliding_window=12, head_dim=16),
    }
    for seed, (name, config) in enumerate(cases.items()):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
        for key, p in model.named_parameters():
            if key.endswith("bias"):
                torch.nn.init.normal_(p, std=0.2)
            if "norm" in key:
                torch.nn.init.normal_(p, mean=1.0, std=0.1)
        save(model, HERE / name)
        save_file(run(model, prompt(10 + seed, 40)), HERE / f"{name}.safetensors")
        if name == "llama":
            scaled(model)
        if name in ("llama", "qwen2"):
            write_gguf(model, name)


def writer():
    """A model with room for a whole script, for jobs."""
    torch.manual_seed(9)
    config = LlamaConfig(**(SIZE | dict(hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_key_value_heads=1, max_position_embeddings=4096)), tie_word_embeddings=True)
    save(AutoModelForCausalLM.from_config(config).float().eval(), HERE / "writer")


def scaled(model):
    """The same weights under the other scalings of positions; for `dynamic` longer than it was trained for."""
    for kind, rope in {
        "default": dict(rope_type="default", rope_theta=10000.0),
        "linear": dict(rope_type="linear", rope_theta=10000.0, factor=3.0),
        "dynamic": dict(rope_type="dynamic", rope_theta=10000.0, factor=2.0, original_max_position_embeddings=32),
    }.items():
        size = SIZE | (dict(max_position_embeddings=32) if kind == "dynamic" else {})
        other = AutoModelForCausalLM.from_config(LlamaConfig(**size, rope_parameters=rope), attn_implementation="eager").float().eval()
        other.load_state_dict(model.state_dict())
        ids = prompt(20, 48)
        with torch.no_grad():
            logits = other(ids, use_cache=False).logits[0]
        save_file({"prompt": ids[0].numpy().astype(np.uint32), "logits": numpy(logits[-8:])}, HERE / f"llama-{kind}.safetensors")
        (HERE / f"llama-{kind}.json").write_text(other.config.to_json_string(use_diff=False))


def turned(w, heads):
    """As llama.cpp's converter lays queries and keys out."""
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


PARTS = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
         "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
         "post_attention_layernorm": "ffn_norm"}


def gguf_name(name):
    stem, suffix = name.rsplit(".", 1)
    fixed = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    if stem in fixed:
        return f"{fixed[stem]}.{suffix}"
    _, _, layer, part = stem.split(".", 3)
    return f"blk.{layer}.{PARTS[part]}.{suffix}"


def write_gguf(model, arch):
    """F32 and Q8_0; the reference of the quantised one computes with what its blocks stand for."""
    config = model.config
    for kind in ["f32", "q8_0"]:
        if kind == "f32" and arch == "qwen2":
            continue
        # Plain positions: scaled ones are a matter of the safetensors form.
        plain = type(config)(**(SIZE | dict(tie_word_embeddings=config.tie_word_embeddings)), rope_parameters=dict(rope_type="default", rope_theta=10000.0))
        reference = AutoModelForCausalLM.from_config(plain, attn_implementation="eager").float().eval()
        state = {k: v.clone() for k, v in model.state_dict().items()}
        path = HERE / f"{arch}-{kind}.gguf"
        writer = gguf.GGUFWriter(path, arch)
        writer.add_context_length(256); writer.add_embedding_length(32); writer.add_block_count(2)
        writer.add_feed_forward_length(64); writer.add_head_count(4); writer.add_head_count_kv(2)
        writer.add_layer_norm_rms_eps(config.rms_norm_eps); writer.add_rope_freq_base(10000.0); writer.add_eos_token_id(0)
        for name, tensor in state.items():
            if name == "lm_head.weight" and config.tie_word_embeddings:
                continue
            w = tensor.numpy()
            quantise = kind == "q8_0" and w.ndim == 2
            if quantise:
                q = gguf.quants.quantize(w, gguf.GGMLQuantizationType.Q8_0)
                state[name] = torch.from_numpy(gguf.quants.dequantize(q, gguf.GGMLQuantizationType.Q8_0))
            heads = {"q_proj": 4, "k_proj": 2}.get(name.split(".")[-2]) if arch == "llama" else None
            if heads:
                w = np.ascontiguousarray(turned(w, heads))
            if quantise:
                writer.add_tensor(gguf_name(name), gguf.quants.quantize(w, gguf.GGMLQuantizationType.Q8_0), raw_dtype=gguf.GGMLQuantizationType.Q8_0)
            else:
                writer.add_tensor(gguf_name(name), w)
        writer.write_header_to_file(); writer.write_kv_data_to_file(); writer.write_tensors_to_file(); writer.close()
        if config.tie_word_embeddings:
            state["lm_head.weight"] = state["model.embed_tokens.weight"]
        reference.load_state_dict(state)
        save_file(run(reference, prompt(30, 40)), HERE / f"{arch}-{kind}.safetensors")


def t5():
    for name, feed, tied in [("t5", "relu", True), ("t5-v1_1", "gated-gelu", False)]:
        torch.manual_seed(5)
        config = T5Config(vocab_size=96, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_decoder_layers=3, num_heads=4, feed_forward_proj=feed,
                          relative_attention_num_buckets=8, relative_attention_max_distance=20, tie_word_embeddings=tied, initializer_factor=1.0,
                          decoder_start_token_id=0, eos_token_id=1, pad_token_id=0)
        model = T5ForConditionalGeneration(config).float().eval()
        for key, p in model.named_parameters():
            torch.nn.init.normal_(p, mean=1.0 if "norm" in key else 0.0, std=0.1 if "norm" in key else 0.2)
        if tied:
            model.tie_weights()
        else:
            model.lm_head.weight = torch.nn.Parameter(torch.randn(96, 32) * 0.2)
        folder = HERE / name
        folder.mkdir(parents=True, exist_ok=True)
        dropped = {"encoder.embed_tokens.weight", "decoder.embed_tokens.weight"} | ({"lm_head.weight"} if tied else set())
        save_file({k: numpy(v) for k, v in model.state_dict().items() if k not in dropped}, folder / "model.safetensors")
        (folder / "config.json").write_text(config.to_json_string(use_diff=False))
        ids, out = prompt(40, 30, 96), prompt(41, 26, 96)
        captured = []
        hooks = [block.register_forward_hook(lambda _, __, o: captured.append(o[0] if isinstance(o, tuple) else o)) for block in model.encoder.block]
        with torch.no_grad():
            encoded = model.encoder(ids).last_hidden_state
            [hook.remove() for hook in hooks]
            logits = model(input_ids=ids, decoder_input_ids=out, use_cache=False).logits
            greedy = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=24, do_sample=False, use_cache=False)
        blocks = {f"block.{at}": numpy(x[0]) for at, x in enumerate(captured)}
        written = [int(t) for t in greedy[0, 1:] if t != 1]
        save_file({"input": ids[0].numpy().astype(np.uint32), "decoder": out[0].numpy().astype(np.uint32), "encoded": numpy(encoded[0]),
                   "logits": numpy(logits[0]), "greedy": np.array(written, dtype=np.uint32), **blocks}, HERE / f"{name}.safetensors")


def filters():
    """What transformers' processors and warpers make of logits, in the order in which `generate` applies them."""
    cases, generator = [], torch.Generator().manual_seed(6)
    settings = [dict(), dict(temperature=0.7), dict(top_k=7), dict(top_p=0.8), dict(min_p=0.1), dict(repetition_penalty=1.3),
                dict(repetition_penalty=0.8, temperature=1.6, top_p=0.5), dict(temperature=0.4, top_k=12, top_p=0.9, min_p=0.02),
                dict(temperature=2.5, min_p=0.3), dict(top_p=0.01), dict(top_k=1)]
    for setting in settings:
        for spread in [0.5, 3.0]:
            logits = torch.randn(1, 48, generator=generator) * spread
            ids = torch.randint(0, 48, (1, 9), generator=generator)
            out = logits.clone()
            if "repetition_penalty" in setting:
                out = lp.RepetitionPenaltyLogitsProcessor(setting["repetition_penalty"])(ids, out)
            if "temperature" in setting:
                out = lp.TemperatureLogitsWarper(setting["temperature"])(ids, out)
            if "top_k" in setting:
                out = lp.TopKLogitsWarper(setting["top_k"])(ids, out)
            if "top_p" in setting:
                out = lp.TopPLogitsWarper(setting["top_p"])(ids, out)
            if "min_p" in setting:
                out = lp.MinPLogitsWarper(setting["min_p"])(ids, out)
            expected = [None if x == float("-inf") else x for x in out[0].tolist()]
            cases.append(dict(sampling=setting, tokens=ids[0].tolist(), logits=logits[0].tolist(), expected=expected))
    (HERE / "filters.json").write_text(json.dumps(cases))


TEMPLATES = {
    "chatml": CHAT,
    "instructions": (
        "{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] %}{% set messages = messages[1:] %}{% else %}{% set system = '' %}{% endif %}\n"
        "{{ bos_token }}{% for message in messages %}\n"
        "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate') }}{% endif %}\n"
        "{% if message['role'] == 'user' %}{{ '[INST] ' + (system + '\\n\\n' if loop.first and system else '') + message['content'].strip() + ' [/INST]' }}"
        "{% elif message['role'] == 'assistant' %}{{ ' ' + message['content'] | trim + eos_token }}{% endif %}{% endfor %}"),
    "headers": (
        "{{- bos_token }}\n{%- set ns = namespace(count=0) %}\n{%- for message in messages %}\n    {%- set ns.count = ns.count + 1 %}\n"
        "    {{- '<|start|>' ~ message.role ~ '<|end|>\\n\\n' ~ message.content | trim ~ '<|eot|>' }}\n{%- endfor %}\n"
        "{%- if add_generation_prompt %}\n    {{- '<|start|>assistant<|end|>\\n\\n' }}\n{%- endif %}\n{{- ns.count }}"),
    "date": "Today is {{ strftime_now('%d %B %Y') }} ({{ strftime_now('%Y-%m-%d') }}).\n{% for m in messages %}{{ m.content }}\n{% endfor %}",
    "thinking": (
        "{% macro turn(role, text) %}<{{ role }}>{{ text }}</{{ role }}>{% endmacro %}\n"
        "{%- for m in messages -%}\n{%- if m.role == 'assistant' and '</think>' in m.content -%}\n"
        "{{ turn('assistant', m.content.split('</think>')[-1].lstrip('\\n')) }}\n{%- elif m.content.startswith('/skip') -%}{%- continue -%}\n"
        "{%- else -%}\n{{ turn(m.role | upper, m.content.replace('\\t', ' ').strip()) }}\n{%- endif -%}\n"
        "{%- if loop.last and m.role != 'user' %}{% break %}{% endif -%}\n{%- endfor -%}"),
    "json": (
        "{%- set tools = [{'name': 'weather', 'parameters': {'type': 'object', 'properties': {'city': {'type': 'string'}}}}, {'name': 'naïve \"x\" <tag>', 'n': 1.5, 'empty': [], 'none': none, 'yes': true}] %}\n"
        "{%- for tool in tools %}{{ tool | tojson }}\n{{ tool | tojson(indent=2) }}\n{% endfor %}\n"
        "{%- for key, value in tools[0].items() %}{{ key }}={{ value is string }};{% endfor %}{{ messages | length }} {{ messages[0]['content'].title() }} {{ messages[-1]['role'] | capitalize }}\n\n"),
    "generation": (
        "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}\n"
        "{% endfor %}{% if not add_generation_prompt is defined %}never{% endif %}{{ 'a' if messages is iterable and messages is not string else 'b' }}"),
    "refusing": "{% if messages|selectattr('role', 'equalto', 'system')|list|length > 0 %}{{ raise_exception('System role not supported') }}{% endif %}{{ messages|map(attribute='role')|join(',') }}",
}
TALKS = [
    [{"role": "user", "content": "  Who rings the bell? "}],
    [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Où?\tHere"}, {"role": "assistant", "content": "<think>hm</think>\n\nBy the temple. "}, {"role": "user", "content": "/skip Thanks — 雨"}],
]


def templates():
    class Fixed(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 11, 22)
    chat_template_utils.datetime = Fixed
    cases = []
    for name, template in TEMPLATES.items():
        for messages in TALKS:
            for add in [False, True]:
                try:
                    compiled = chat_template_utils._compile_jinja_template(template)
                    expected = dict(prompt=compiled.render(messages=messages, bos_token="<s>", eos_token="</s>", add_generation_prompt=add))
                except Exception as error:
                    expected = dict(error=str(error))
                cases.append(dict(name=name, template=template, messages=messages, add_generation_prompt=add, **expected))
    (HERE / "templates.json").write_text(json.dumps(cases, indent=0, ensure_ascii=False))


def tokens(bpe):
    texts = ["INT. KITCHEN - DAY", "the kettle sings", "Café «thé» 雨の音。", '{"name": "Anna"}', "\n\n  two  blanks", "🎬 unknown 𝄞"]
    (HERE / "tokens.json").write_text(json.dumps([dict(text=t, tokens=bpe.encode(t).ids, decoded=bpe.decode(bpe.encode(t).ids)) for t in texts], ensure_ascii=False))


if __name__ == "__main__":
    shutil.rmtree(HERE, ignore_errors=True)
    bpe = tokenizer(HERE)
    decoders_of_all_kinds()
    writer()
    t5()
    filters()
    templates()
    tokens(bpe)
    print("transformers", transformers.__version__, "torch", torch.__version__)
