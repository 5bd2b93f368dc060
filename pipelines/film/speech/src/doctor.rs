//! What this machine can speak.

use crate::{espeak, flite, program};

/// A synthesiser and whether this machine has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Availability {
    /// `flite` or `klieg-speech-helper`.
    pub program: &'static str,
    /// Where it was found.
    pub path: Option<std::path::PathBuf>,
    /// BCP 47 languages (or espeak-ng's names) that it speaks here; empty when missing.
    pub languages: Vec<String>,
    /// Why it cannot be used, though it was found.
    pub trouble: Option<String>,
    /// How to get it; `None` when it works.
    pub install: Option<&'static str>,
}

/// What can speak here: English first, then everything else.
pub fn available() -> Vec<Availability> {
    vec![english(), others()]
}

fn english() -> Availability {
    let path = flite::find();
    let found = path.is_some();
    Availability {
        program: "flite",
        path,
        languages: if found { vec!["en".into()] } else { Vec::new() },
        trouble: None,
        install: (!found).then_some(flite::INSTALL),
    }
}

fn others() -> Availability {
    let path = espeak::find();
    let asked = path.as_deref().map(|helper| program::run(helper, &["--voices".into()], b""));
    let (languages, trouble) = match asked {
        None => (Vec::new(), None),
        Some(Err(error)) => (Vec::new(), Some(error.to_string())),
        Some(Ok(list)) => match serde_json::from_str::<Vec<String>>(&list) {
            Ok(languages) => (languages, None),
            Err(error) => (Vec::new(), Some(format!("its list of voices cannot be read: {error}"))),
        },
    };
    let install = languages.is_empty().then_some(espeak::INSTALL);
    Availability { program: espeak::PROGRAM, path, languages, trouble, install }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_says_how_to_get_it() {
        for a in available() {
            assert_eq!(a.languages.is_empty(), a.install.is_some(), "{a:?}");
        }
    }
}
