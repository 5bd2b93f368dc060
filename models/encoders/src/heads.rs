//! Classes of whole texts and of tokens.

use crate::{Bert, BertConfig, Deberta, DebertaConfig, Error, Folder, Parcel, bert};
use candle_core::Tensor;
use candle_nn::VarBuilder;
use klieg_nn::{Activation, Linear};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What all classifiers' `config.json` say.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Labels {
    #[serde(default)]
    pub architectures: Vec<String>,
    /// Class → name; two of no name if it is missing, as transformers has it.
    #[serde(default)]
    pub id2label: BTreeMap<String, String>,
    #[serde(default)]
    pub problem_type: Option<String>,
    #[serde(default)]
    pub model_type: String,
}

impl Labels {
    /// Names by class, without gaps.
    pub(crate) fn names(&self) -> Result<Vec<String>, Error> {
        if self.id2label.is_empty() {
            return Ok(vec!["LABEL_0".into(), "LABEL_1".into()]);
        }
        let name = |i: usize| self.id2label.get(&i.to_string()).cloned();
        (0..self.id2label.len())
            .map(|i| name(i).ok_or_else(|| Error::config("config.json", format!("id2label has no class {i}"))))
            .collect()
    }
}

/// Logits of a text, one a class.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    pub logits: Vec<f32>,
}

impl Scores {
    /// They are exclusive: softmax.
    pub fn shares(&self) -> Vec<f32> {
        let peak = self.logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let all: Vec<f32> = self.logits.iter().map(|x| (x - peak).exp()).collect();
        let sum: f32 = all.iter().sum();
        all.iter().map(|x| x / sum).collect()
    }

    /// Each is its own question (`multi_label_classification`): sigmoid.
    pub fn each(&self) -> Vec<f32> {
        self.logits.iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect()
    }
}

/// Logits of each token of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenScores(pub Vec<Scores>);

enum Body {
    Bert(Box<Bert>),
    Deberta(Box<Deberta>),
}

enum Head {
    /// A dense layer over the first token, its activation, a linear layer.
    First {
        dense: Linear,
        activation: Activation,
        out: Linear,
    },
    Each(Linear),
}

/// A model with a head that tells classes.
pub struct Classifier {
    body: Body,
    head: Head,
    labels: Vec<String>,
    several: bool,
}

impl Classifier {
    /// `*ForSequenceClassification` and `*ForTokenClassification` of BERT, RoBERTa, XLM-R and DeBERTa-v2.
    pub fn load(folder: &Folder, vb: &VarBuilder<'_>) -> Result<Self, Error> {
        let labels: Labels = folder.json("config.json")?;
        let names = labels.names()?;
        let (body, width) = match labels.model_type.as_str() {
            "deberta-v2" => {
                let config: DebertaConfig = folder.json("config.json")?;
                (Body::Deberta(Box::new(Deberta::load(&config, vb)?)), config.hidden_size)
            }
            "bert" | "roberta" | "xlm-roberta" => {
                let config: BertConfig = folder.json("config.json")?;
                (Body::Bert(Box::new(Bert::load(&config, vb)?)), config.hidden_size)
            }
            other => return Err(Error::config("config.json", format!("model_type {other:?} is no text classifier here"))),
        };
        let tokens = labels.architectures.iter().any(|name| name.ends_with("ForTokenClassification"));
        let head = head(&labels, tokens, width, names.len(), folder, vb)?;
        let several = labels.problem_type.as_deref() == Some("multi_label_classification");
        Ok(Self { body, head, labels: names, several })
    }

    /// Names of the classes.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Whether each class is its own question (`Scores::each`), as the config says.
    pub fn several(&self) -> bool {
        self.several
    }

    /// Tokens to states, without the head.
    pub fn states(&self, parcel: &Parcel, seen: &mut dyn FnMut(&Tensor)) -> Result<Tensor, Error> {
        match &self.body {
            Body::Bert(bert) => bert.forward(parcel, seen),
            Body::Deberta(deberta) => deberta.forward(parcel, seen),
        }
    }

    /// Classes of each text.
    pub fn texts(&self, parcel: &Parcel) -> Result<Vec<Scores>, Error> {
        let Head::First { dense, activation, out } = &self.head else {
            return Err(Error::Unable("classify texts: the model classifies tokens".into()));
        };
        let states = self.states(parcel, &mut |_| ())?;
        let first = states.index_select(&Tensor::new(parcel.firsts(), states.device())?, 0)?;
        let logits = out.forward(&dense.forward_with(&first, *activation)?)?;
        Ok(rows(&logits)?.into_iter().map(|logits| Scores { logits }).collect())
    }

    /// Classes of each token of each text.
    pub fn tokens(&self, parcel: &Parcel) -> Result<Vec<TokenScores>, Error> {
        let Head::Each(out) = &self.head else {
            return Err(Error::Unable("classify tokens: the model classifies texts".into()));
        };
        let logits = rows(&out.forward(&self.states(parcel, &mut |_| ())?)?)?;
        let scores: Vec<Scores> = logits.into_iter().map(|logits| Scores { logits }).collect();
        Ok(parcel.bounds.windows(2).map(|w| TokenScores(scores[w[0]..w[1]].to_vec())).collect())
    }
}

fn head(labels: &Labels, tokens: bool, width: usize, classes: usize, folder: &Folder, vb: &VarBuilder<'_>) -> Result<Head, Error> {
    let square = |vb: &VarBuilder<'_>| Linear::load(width, width, vb);
    let out = |vb: &VarBuilder<'_>| Linear::load(width, classes, vb);
    if tokens {
        return Ok(Head::Each(out(&vb.pp("classifier"))?));
    }
    Ok(match labels.model_type.as_str() {
        "deberta-v2" => {
            let config: DebertaConfig = folder.json("config.json")?;
            let activation = bert::activation(&config.pooler_hidden_act)?;
            Head::First { dense: square(&vb.pp("pooler.dense"))?, activation, out: out(&vb.pp("classifier"))? }
        }
        "bert" => {
            let dense = square(&vb.pp("bert.pooler.dense"))?;
            Head::First { dense, activation: Activation::Tanh, out: out(&vb.pp("classifier"))? }
        }
        _ => {
            let dense = square(&vb.pp("classifier.dense"))?;
            Head::First { dense, activation: Activation::Tanh, out: out(&vb.pp("classifier.out_proj"))? }
        }
    })
}

/// A matrix as rows of f32.
pub(crate) fn rows(x: &Tensor) -> Result<Vec<Vec<f32>>, Error> {
    Ok(x.to_dtype(candle_core::DType::F32)?.to_vec2()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_add_up_or_stand_alone() {
        let scores = Scores { logits: vec![0.0, 0.0, 200.0] };
        assert_eq!(scores.shares(), [0.0, 0.0, 1.0]);
        assert_eq!(scores.each(), [0.5, 0.5, 1.0]);
    }

    #[test]
    fn classes_without_a_name_are_refused() {
        let labels = |json: &str| serde_json::from_str::<Labels>(json).map(|labels| labels.names());
        assert!(matches!(labels(r#"{"id2label": {"0": "a", "2": "b"}}"#), Ok(Err(Error::Config { .. }))));
        assert!(matches!(labels(r#"{"id2label": {"1": "b", "0": "a"}}"#), Ok(Ok(names)) if names == ["a", "b"]));
    }
}
