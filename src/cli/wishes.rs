//! What kinds of jobs may be asked for on the command line: flags that become parameters. Which of them a kind takes, and within
//! which bounds, the kind says when it plans.

use super::Stop;
use serde_json::{Map, Value, json};

/// Every flag is the parameter of its name.
#[derive(clap::Args, Default)]
#[command(next_help_heading = "What is asked for; every kind of job takes some of these and names what it does not")]
pub struct Wishes {
    /// What is to be seen or heard, in words (image, audio, text, script).
    #[arg(long, value_name = "WORDS", allow_hyphen_values = true)]
    prompt: Option<String>,
    /// What is not to be seen (image).
    #[arg(long, value_name = "WORDS", allow_hyphen_values = true)]
    negative: Option<String>,
    /// What is to be said (audio) or looked at (moderation).
    #[arg(long, value_name = "WORDS", allow_hyphen_values = true)]
    text: Option<String>,
    /// Width and height in pixels.
    #[arg(long, value_name = "WxH", value_parser = super::film_args::size)]
    size: Option<(u32, u32)>,
    /// How many.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// The same number gives the same bytes.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Samples a pixel, where a renderer makes the picture.
    #[arg(long, value_name = "N")]
    samples: Option<u32>,
    /// Denoising steps, where a model makes the picture.
    #[arg(long, value_name = "N")]
    steps: Option<u32>,
    /// How those are taken.
    #[arg(long, value_name = "NAME")]
    scheduler: Option<String>,
    /// Which model makes it, as `klieg models ls` names it.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// The file format of what comes out: png, webp, avif, exr; wav, flac, opus, mp3; …
    #[arg(long, value_name = "NAME")]
    format: Option<String>,
    /// Who speaks (audio).
    #[arg(long, value_name = "NAME")]
    voice: Option<String>,
    /// Of what is said or heard: en, ta, ja, …
    #[arg(long, value_name = "TAG")]
    language: Option<String>,
    /// How long (audio: music).
    #[arg(long, value_name = "S")]
    seconds: Option<f64>,
    /// A parameter of the job as NAME=VALUE, the value JSON or else a word: quality=standard, seed=7, size=[640,360]. Of a template: one of
    /// its own parameters, as `klieg openjd submit` takes them.
    #[arg(long = "set", short = 's', value_name = "NAME=VALUE")]
    pub set: Vec<String>,
}

impl Wishes {
    /// As a job's parameters; what `--set` says goes before a flag.
    pub fn parameters(&self) -> Result<Map<String, Value>, Stop> {
        let mut params = self.flags();
        for pair in &self.set {
            let parts = pair.split_once('=').filter(|(name, _)| !name.is_empty());
            let (name, value) =
                parts.ok_or_else(|| Stop::bad(format!("--set {pair}: give NAME=VALUE, such as quality=standard")))?;
            params.insert(name.into(), serde_json::from_str(value).unwrap_or_else(|_| value.into()));
        }
        Ok(params)
    }

    /// Those that have a flag of their own.
    pub fn flags(&self) -> Map<String, Value> {
        let flags = json!({
            "prompt": self.prompt, "negative": self.negative, "text": self.text, "size": self.size, "count": self.count,
            "seed": self.seed, "samples": self.samples, "steps": self.steps, "scheduler": self.scheduler, "model": self.model,
            "format": self.format, "voice": self.voice, "language": self.language, "seconds": self.seconds,
        });
        let Value::Object(flags) = flags else { return Map::new() };
        flags.into_iter().filter(|(_, value)| !value.is_null()).collect()
    }

    /// What people know the job by, where no file gives it a name: its first words.
    pub fn label(&self) -> Option<String> {
        const CHARS: usize = 60;
        let words = self.prompt.as_ref().or(self.text.as_ref())?.split_whitespace().collect::<Vec<_>>().join(" ");
        let short: String = words.chars().take(CHARS).collect();
        Some(if short.len() < words.len() { format!("{}…", short.trim_end()) } else { short }).filter(|label| !label.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_json_or_words() {
        let set = ["quality=standard", "seed=7", "size=[640,360]", "file=\"7\""].map(str::to_owned).to_vec();
        let params = Wishes { set, ..Wishes::default() }.parameters().unwrap();
        assert_eq!(Value::from(params), json!({"quality": "standard", "seed": 7, "size": [640, 360], "file": "7"}));
        let wrong = |set: &str| Wishes { set: vec![set.into()], ..Wishes::default() }.parameters().is_err();
        assert!(wrong("quality") && wrong("=1"));
    }

    #[test]
    fn flags_are_parameters_and_set_goes_before_them() {
        let wishes = Wishes { prompt: Some("a temple".into()), seed: Some(3), set: vec!["seed=4".into()], ..Wishes::default() };
        assert_eq!(Value::from(wishes.parameters().unwrap()), json!({"prompt": "a temple", "seed": 4}));
    }
}
