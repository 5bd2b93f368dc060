"""Names and shapes of the tensors that transformers and diffusers save, for tiny configurations of every family:
models/golden/names/names.json. The registry's tables are held to them."""

import json
import os
import pathlib
import tempfile

import diffusers
import torch
import transformers as t

HERE = pathlib.Path(__file__).parent
ENCODER = dict(hidden_size=8, num_attention_heads=2, num_hidden_layers=2, intermediate_size=12, vocab_size=20, max_position_embeddings=16)
DECODER = dict(hidden_size=8, num_attention_heads=4, num_key_value_heads=2, num_hidden_layers=2, intermediate_size=12, vocab_size=20)
TOWER = dict(hidden_size=8, num_attention_heads=2, num_hidden_layers=2, intermediate_size=12)
TEXT = dict(TOWER, vocab_size=20, max_position_embeddings=7)
PICTURE = dict(TOWER, image_size=8, patch_size=4)
DEBERTA = dict(ENCODER, relative_attention=True, position_buckets=4, pos_att_type=["p2c", "c2p"], norm_rel_ebd="layer_norm",
               share_att_key=True, position_biased_input=False, type_vocab_size=0)
UNET = dict(block_out_channels=(8, 16), layers_per_block=2, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), cross_attention_dim=12, attention_head_dim=4, norm_num_groups=4)
XL = dict(UNET, block_out_channels=(8, 16, 24), down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
          up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), transformer_layers_per_block=(1, 2, 3),
          use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=8, projection_class_embeddings_input_dim=60)
T5 = dict(d_model=8, d_ff=12, num_heads=2, d_kv=3, vocab_size=20, num_layers=2, relative_attention_num_buckets=4)


def models():
    yield "bert", t.BertModel(t.BertConfig(**ENCODER))
    yield "bert-classifier", t.BertForSequenceClassification(t.BertConfig(**ENCODER, num_labels=3))
    yield "bert-tokens", t.BertForTokenClassification(t.BertConfig(**ENCODER, num_labels=5))
    yield "xlm-roberta", t.XLMRobertaModel(t.XLMRobertaConfig(**ENCODER))
    yield "xlm-roberta-classifier", t.XLMRobertaForSequenceClassification(t.XLMRobertaConfig(**ENCODER, num_labels=3))
    yield "deberta", t.DebertaV2Model(t.DebertaV2Config(**DEBERTA))
    yield "deberta-classifier", t.DebertaV2ForSequenceClassification(t.DebertaV2Config(**DEBERTA, num_labels=3))
    yield "deberta-own-keys", t.DebertaV2Model(t.DebertaV2Config(**dict(DEBERTA, share_att_key=False, conv_kernel_size=3, type_vocab_size=2)))
    clip = t.CLIPConfig(text_config=TEXT, vision_config=PICTURE, projection_dim=6)
    yield "clip", t.CLIPModel(clip)
    yield "clip-text", t.CLIPTextModel(t.CLIPTextConfig(**TEXT, projection_dim=6))
    yield "clip-text-projected", t.CLIPTextModelWithProjection(t.CLIPTextConfig(**TEXT, projection_dim=6))
    yield "clip-vision-projected", t.CLIPVisionModelWithProjection(t.CLIPVisionConfig(**PICTURE, projection_dim=6))
    yield "siglip", t.SiglipModel(t.SiglipConfig(text_config=TEXT, vision_config=PICTURE))
    yield "vit", t.ViTModel(t.ViTConfig(**PICTURE))
    yield "vit-classifier", t.ViTForImageClassification(t.ViTConfig(**PICTURE, num_labels=3))
    yield "whisper", t.WhisperForConditionalGeneration(t.WhisperConfig(
        d_model=8, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=12,
        decoder_ffn_dim=12, num_mel_bins=5, vocab_size=20, max_source_positions=10, max_target_positions=9, pad_token_id=0))
    yield "llama", t.LlamaForCausalLM(t.LlamaConfig(**DECODER))
    yield "llama-biased-tied", t.LlamaForCausalLM(t.LlamaConfig(**DECODER, attention_bias=True, mlp_bias=True, tie_word_embeddings=True, head_dim=6))
    yield "qwen2", t.Qwen2ForCausalLM(t.Qwen2Config(**DECODER))
    yield "mistral", t.MistralForCausalLM(t.MistralConfig(**DECODER))
    yield "t5", t.T5ForConditionalGeneration(t.T5Config(**T5))
    yield "t5-gated", t.T5ForConditionalGeneration(t.T5Config(**T5, feed_forward_proj="gated-gelu", tie_word_embeddings=False, num_decoder_layers=1))
    yield "t5-encoder", t.T5EncoderModel(t.T5Config(**T5))
    yield "musicgen", t.MusicgenForConditionalGeneration(t.MusicgenConfig(
        text_encoder=dict(T5, model_type="t5"), audio_encoder=dict(model_type="encodec", num_filters=2, hidden_size=4, codebook_dim=4, codebook_size=16,
                                                                   upsampling_ratios=[2, 2], num_lstm_layers=1),
        decoder=dict(hidden_size=8, num_attention_heads=2, num_hidden_layers=2, ffn_dim=12, num_codebooks=2, vocab_size=16)))
    yield "unet", diffusers.UNet2DConditionModel(**UNET)
    yield "unet-linear", diffusers.UNet2DConditionModel(**UNET, use_linear_projection=True, time_cond_proj_dim=5)
    yield "unet-xl", diffusers.UNet2DConditionModel(**XL)
    yield "vae", diffusers.AutoencoderKL(block_out_channels=(8, 16), layers_per_block=2, latent_channels=4, norm_num_groups=4,
                                         down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2)
    yield "controlnet", diffusers.ControlNetModel(
        **{k: v for k, v in UNET.items() if k != "up_block_types"}, conditioning_embedding_out_channels=(4, 8, 12))


def saved(model):
    """What lies on the disk, which is what klieg reads."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder, safe_serialization=True)
        (weights,) = [name for name in os.listdir(folder) if name.endswith(".safetensors")]
        with open(os.path.join(folder, weights), "rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        with open(os.path.join(folder, "config.json")) as file:
            config = json.load(file)
    header.pop("__metadata__", None)
    return {"config": config, "tensors": {name: entry["shape"] for name, entry in sorted(header.items())}}


torch.manual_seed(0)
goldens = {name: saved(model) for name, model in models()}
(HERE / "names").mkdir(exist_ok=True)
(HERE / "names" / "names.json").write_text(json.dumps(goldens, separators=(",", ":"), sort_keys=True).replace('},"', '},\n"') + "\n")
print(f"{len(goldens)} models, {sum(len(g['tensors']) for g in goldens.values())} tensors")
