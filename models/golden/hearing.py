"""Goldens of klieg-hearing: a tiny seeded Whisper by transformers, its spectrogram, activations, and whole transcriptions with times.
Run `python models/golden/hearing.py`; writes models/golden/hearing/."""

import json, pathlib, shutil, wave
import numpy as np, torch, transformers
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import GenerationConfig, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

torch.set_num_threads(1)
HERE = pathlib.Path(__file__).parent / "hearing"
LETTERS = sorted(pre_tokenizers.ByteLevel.alphabet())
WORDS = ["Ġthe", "Ġbell", "Ġrings", "Ġrain", "ing", "Ġtea", "Ġ\"", "?\"", "Ġtemple", "Ġnow"]
POSITIONS = 100
SPECIALS = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|de|>", "<|ja|>", "<|translate|>", "<|transcribe|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
TIMES = [f"<|{at * 0.02:.2f}|>" for at in range(POSITIONS + 1)]


def numpy(tensor):
    return np.ascontiguousarray(tensor.detach().float().numpy())


def tokenizer():
    vocabulary = {word: at for at, word in enumerate(LETTERS + WORDS)}
    bpe = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    bpe.pre_tokenizer, bpe.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    bpe.add_special_tokens([AddedToken(word, special=True) for word in SPECIALS + TIMES])
    HERE.mkdir(parents=True, exist_ok=True)
    (HERE / "model").mkdir(exist_ok=True)
    bpe.save(str(HERE / "model" / "tokenizer.json"))
    return bpe


def sound():
    """5.3 seconds: tones that glide, with noise, and a pause of 0.6 seconds."""
    at = np.arange(int(5.3 * 16000)) / 16000
    random = np.random.default_rng(3)
    x = 0.3 * np.sin(2 * np.pi * (220 * at + 90 * at**2)) * (0.6 + 0.4 * np.sin(7 * at)) + 0.2 * np.sin(2 * np.pi * 1500 * at * (1 + 0.02 * np.sin(at)))
    x = x * np.where((at > 2.2) & (at < 2.8), 0.0005, 1.0) + 0.01 * random.standard_normal(len(at))
    samples = np.round(np.clip(x, -1, 1) * 32767).astype(np.int16)
    with wave.open(str(HERE / "sound.wav"), "wb") as out:
        out.setnchannels(1); out.setsampwidth(2); out.setframerate(16000); out.writeframes(samples.tobytes())
    return samples.astype(np.float32) / 32768


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    bpe = tokenizer()
    ids = {word: bpe.token_to_id(word) for word in SPECIALS}
    vocabulary = bpe.get_vocab_size(with_added_tokens=True)
    torch.manual_seed(7)
    eot = ids["<|endoftext|>"]
    config = WhisperConfig(vocab_size=vocabulary, num_mel_bins=80, d_model=32, encoder_layers=2, encoder_attention_heads=4, encoder_ffn_dim=64,
                           decoder_layers=2, decoder_attention_heads=4, decoder_ffn_dim=64, max_source_positions=POSITIONS, max_target_positions=64,
                           init_std=0.25, pad_token_id=eot, bos_token_id=eot, eos_token_id=eot, decoder_start_token_id=ids["<|startoftranscript|>"],
                           suppress_tokens=None, begin_suppress_tokens=None)
    model = WhisperForConditionalGeneration._from_config(config, attn_implementation="eager").float().eval()
    for key, p in model.named_parameters():
        if "norm" in key and key.endswith("weight"):
            torch.nn.init.normal_(p, mean=1.0, std=0.1)
        elif key.endswith("bias"):
            torch.nn.init.normal_(p, std=0.1)
    with torch.no_grad():
        # Tied to what is written, so that texts are of some length and end.
        model.model.decoder.embed_tokens.weight *= 0.6
    model.generation_config = GenerationConfig(
        decoder_start_token_id=ids["<|startoftranscript|>"], eos_token_id=eot, pad_token_id=eot, bos_token_id=eot, max_length=64,
        no_timestamps_token_id=ids["<|notimestamps|>"], is_multilingual=True, return_timestamps=False,
        lang_to_id={name: ids[name] for name in ["<|en|>", "<|de|>", "<|ja|>"]},
        task_to_id={"translate": ids["<|translate|>"], "transcribe": ids["<|transcribe|>"]},
        suppress_tokens=[ids["<|startoftranscript|>"], ids["<|en|>"], ids["<|de|>"], ids["<|ja|>"], ids["<|translate|>"], ids["<|transcribe|>"], ids["<|startofprev|>"], ids["<|nospeech|>"], 5, 9],
        begin_suppress_tokens=[eot, 220], max_initial_timestamp_index=20, prev_sot_token_id=ids["<|startofprev|>"],
        alignment_heads=[[0, 1], [1, 0], [1, 3]])
    tensors = {k: numpy(v) for k, v in model.state_dict().items() if k != "proj_out.weight"}
    save_file(tensors, HERE / "model" / "model.safetensors")
    (HERE / "model" / "config.json").write_text(config.to_json_string(use_diff=False))
    (HERE / "model" / "generation_config.json").write_text(model.generation_config.to_json_string(use_diff=False))
    samples = sound()
    extractor = WhisperFeatureExtractor(feature_size=80)
    mel = extractor(samples, sampling_rate=16000, padding="longest", truncation=False, return_tensors="pt", return_attention_mask=True)
    features = mel.input_features
    captured = []
    hooks = [layer.register_forward_hook(lambda _, __, o: captured.append(o[0] if isinstance(o, tuple) else o)) for layer in model.model.encoder.layers]
    written = torch.tensor([[ids["<|startoftranscript|>"], ids["<|en|>"], ids["<|transcribe|>"], *range(40, 60)]])
    with torch.no_grad():
        encoded = model.model.encoder(features[:, :, : 2 * POSITIONS]).last_hidden_state
        [hook.remove() for hook in hooks]
        logits = model(input_features=features[:, :, : 2 * POSITIONS], decoder_input_ids=written).logits
    out = {"mel": numpy(features[0]), "encoded": numpy(encoded[0]), "written": written[0].numpy().astype(np.uint32), "logits": numpy(logits[0])}
    out |= {f"block.{at}": numpy(x[0]) for at, x in enumerate(captured)}
    save_file(out, HERE / "golden.safetensors")
    cases = []
    for name, span, language, task in [("long", slice(None), "en", "transcribe"), ("short", slice(0, 24000), "de", "translate"), ("heard", slice(0, 70000), None, "transcribe")]:
        part = samples[span]
        short = len(part) < 2 * POSITIONS * 160
        if short:
            part = np.pad(part, (0, 2 * POSITIONS * 160 - len(part)))
        given = extractor(part, sampling_rate=16000, padding="longest", truncation=False, return_tensors="pt", return_attention_mask=True)
        mask = given.attention_mask.clone()
        if short:
            mask[:, len(samples[span]) // 160:] = 0
        with torch.no_grad():
            result = model.generate(given.input_features, attention_mask=None if short else mask, return_timestamps=True,
                                    return_segments=True, language=language, task=task, temperature=0.0, condition_on_prev_tokens=False)
            timed = model.generate(given.input_features, attention_mask=mask, return_timestamps=True, return_token_timestamps=True,
                                   return_segments=True, language=language, task=task, temperature=0.0, condition_on_prev_tokens=False)
        segments = [dict(start=round(float(s["start"]), 2), end=round(float(s["end"]), 2), tokens=s["tokens"].tolist(),
                         times=[round(float(t), 2) for t in w["token_timestamps"]], text=bpe.decode(s["tokens"].tolist()))
                    for s, w in zip(result["segments"][0], timed["segments"][0])]
        assert [s["tokens"] for s in segments] == [s["tokens"].tolist() for s in timed["segments"][0]]
        cases.append(dict(name=name, samples=len(samples[span]), language=language, task=task, segments=segments))
    (HERE / "transcripts.json").write_text(json.dumps(cases, indent=0))
    print("transformers", transformers.__version__, "torch", torch.__version__, [len(c["segments"]) for c in cases])


main()
