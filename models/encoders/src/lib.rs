//! Text and pictures to vectors and classes: BERT and its kin, DeBERTa, CLIP, SigLIP, ViT, by the layer names of transformers.
//!
//! Sequences are never padded: a [`Parcel`] holds whole sequences one after the other, and what one comes to does not depend on
//! its neighbours. [`Embedder`] opens a model's folder and gives vectors.

mod bert;
mod block;
mod clip;
mod deberta;
mod embedder;
mod error;
mod folder;
mod heads;
mod parcel;
mod patches;
mod pixels;
mod pooling;
mod siglip;
mod tokens;
mod vit;

pub use bert::{Bert, BertConfig};
pub use block::{Block, BlockConfig, Names, Norms, Stack};
pub use clip::{Clip, ClipConfig, TextConfig, TextTower, VisionConfig, VisionTower};
pub use deberta::{Deberta, DebertaConfig};
pub use embedder::{Embedder, Outline, Vector};
pub use error::Error;
pub use folder::Folder;
pub use heads::{Classifier, Scores, TokenScores};
pub use parcel::{Parcel, parcels};
pub use patches::Patches;
pub use pixels::{Filter, Preprocess, decode, resize};
pub use pooling::{Pooling, pool, unit};
pub use siglip::{Siglip, SiglipConfig};
pub use tokens::{Tokens, Words};
pub use vit::{Vit, VitConfig};
