//! Which tensors a model has: for each family, what its configuration asks for, name by name.

mod clip;
mod config;
mod diffusers;
mod encoders;
mod language;
mod sheet;
mod single;
mod speech;
#[cfg(test)]
mod tests;
mod vision;

pub use config::Config;
pub use sheet::Sheet;
pub use single::recognise;

use crate::{Family, formats::table::Refusal};

/// The family that a `config.json` of transformers or diffusers is of.
pub fn of_config(config: &Config) -> Result<Family, Refusal> {
    let class = config.word("_class_name").unwrap_or_default();
    let kind = config.word("model_type").unwrap_or_default();
    Ok(match (class, kind) {
        ("ControlNetModel", _) => Family::ControlNet,
        (_, "bert") => Family::Bert,
        (_, "xlm-roberta" | "roberta") => Family::XlmRoberta,
        (_, "deberta-v2") => Family::Deberta,
        (_, "clip" | "clip_text_model" | "clip_vision_model") => Family::Clip,
        (_, "siglip") => Family::Siglip,
        (_, "vit") => Family::Vit,
        (_, "whisper") => Family::Whisper,
        (_, "llama") => Family::Llama,
        (_, "qwen2") => Family::Qwen2,
        (_, "mistral") => Family::Mistral,
        (_, "t5" | "mt5") => Family::T5,
        (_, "musicgen") => Family::MusicGen,
        (_, "parler_tts") => Family::ParlerTts,
        _ => {
            let what = format!("{} says _class_name {class:?} and model_type {kind:?}", config.path());
            return Err(Refusal::Family { what });
        }
    })
}

/// What a component's configuration asks for, in the names that transformers and diffusers save.
pub fn sheet(config: &Config) -> Result<Sheet, Refusal> {
    let class = config.word("_class_name").unwrap_or_default();
    match class {
        "UNet2DConditionModel" => return diffusers::unet(config),
        "AutoencoderKL" => return diffusers::vae(config),
        "ControlNetModel" => return diffusers::controlnet(config),
        _ => {}
    }
    match of_config(config)? {
        Family::Bert => encoders::bert(config),
        Family::XlmRoberta => encoders::roberta(config),
        Family::Deberta => encoders::deberta(config),
        Family::Clip => clip::clip(config),
        Family::Siglip => clip::siglip(config),
        Family::Vit => vision::vit(config),
        Family::Whisper => speech::whisper(config),
        Family::Llama | Family::Qwen2 | Family::Mistral => language::decoder(config),
        Family::T5 => language::t5(config),
        Family::MusicGen => speech::musicgen(config),
        Family::ParlerTts => speech::parler(config),
        other => Err(Refusal::Other(format!("{} is of the family {other}, whose tensors come in another form", config.path()))),
    }
}

pub use language::gguf;
