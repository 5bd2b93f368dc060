//! Phones to mouth shapes (Rhubarb Lip Sync's nine), for flite's radio phone set and the IPA of espeak-ng.

use klieg_film_words::sound::MouthShape::{self, A, B, C, D, E, F, G, H, X};

/// What the mouth does for a phone: one shape, or two for a diphthong; and whether it is a vowel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Articulation {
    pub first: MouthShape,
    pub then: Option<MouthShape>,
    pub vowel: bool,
}

const fn closed(first: MouthShape) -> Articulation {
    Articulation { first, then: None, vowel: false }
}
const fn open(first: MouthShape) -> Articulation {
    Articulation { first, then: None, vowel: true }
}
const fn glide(first: MouthShape, then: MouthShape) -> Articulation {
    Articulation { first, then: Some(then), vowel: true }
}

/// For a phone of flite's US English ("radio") set; `pau` and the unknown rest.
pub fn of_flite(phone: &str) -> Articulation {
    match phone {
        "m" | "p" | "b" => closed(A),
        "f" | "v" => closed(G),
        "l" | "th" | "dh" => closed(H),
        "w" => closed(F),
        "r" | "sh" | "zh" | "ch" | "jh" => closed(E),
        "hh" => closed(C),
        "d" | "t" | "k" | "g" | "n" | "ng" | "s" | "z" | "y" | "dx" => closed(B),
        "aa" => open(D),
        "ae" | "eh" | "ah" => open(C),
        "ax" | "ih" | "ix" => open(B),
        "iy" => open(B),
        "ao" | "er" | "axr" => open(E),
        "uh" | "uw" => open(F),
        "ow" => glide(E, F),
        "aw" => glide(D, F),
        "ay" => glide(D, B),
        "ey" => glide(C, B),
        "oy" => glide(E, B),
        _ => closed(X),
    }
}

/// For an IPA symbol as espeak-ng gives it (one to three letters with diacritics); an empty one is a pause.
pub fn of_ipa(symbol: &str) -> Articulation {
    let mut shapes = symbol.chars().filter_map(ipa_letter);
    let Some((first, vowel)) = shapes.next() else { return closed(if symbol.is_empty() { X } else { B }) };
    // Of an affricate (tɕ, pf) the first closure is what is seen; of a diphthong both ends are.
    match shapes.next() {
        Some((then, true)) if vowel && then != first => glide(first, then),
        _ => Articulation { first, then: None, vowel },
    }
}

fn ipa_letter(c: char) -> Option<(MouthShape, bool)> {
    Some(match c {
        'm' | 'p' | 'b' | 'ɓ' | 'ʙ' | 'ɱ' => (A, false),
        'f' | 'v' | 'ʋ' => (G, false),
        'l' | 'ɭ' | 'ɫ' | 'ɬ' | 'ʎ' | 'θ' | 'ð' | 'ɺ' => (H, false),
        'w' | 'ɥ' | 'ɸ' | 'β' | 'ʍ' => (F, false),
        'ʃ' | 'ʒ' | 'ɹ' | 'ɻ' | 'ʂ' | 'ʐ' => (E, false),
        'h' | 'ɦ' | 'ħ' | 'ʕ' => (C, false),
        'a' | 'ɑ' | 'ä' => (D, true),
        'ɐ' | 'ʌ' | 'æ' | 'ɛ' | 'e' => (C, true),
        'i' | 'ɪ' | 'ɨ' | 'ə' | 'ɯ' | 'ᵻ' => (B, true),
        'ɔ' | 'ɒ' | 'ɜ' | 'ɝ' | 'ɚ' | 'ɞ' | 'œ' | 'o' | 'ɵ' | 'ɤ' => (E, true),
        'u' | 'ʊ' | 'y' | 'ʏ' | 'ø' | 'ʉ' => (F, true),
        c if c.is_alphabetic() && !matches!(c, 'ʰ' | 'ʲ' | 'ʷ' | 'ː' | 'ˈ' | 'ˌ') => (B, false),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lips_close_and_teeth_touch() {
        for p in ["m", "p", "b"] {
            assert_eq!((of_flite(p).first, of_ipa(p).first), (A, A), "{p}");
        }
        assert_eq!((of_flite("v").first, of_ipa("f").first), (G, G));
        assert_eq!(of_ipa("tɕ"), closed(B));
    }

    #[test]
    fn diphthongs_move() {
        assert_eq!(of_flite("ay"), glide(D, B));
        assert_eq!(of_ipa("aɪ"), glide(D, B));
        assert_eq!(of_ipa("əʊ"), glide(B, F));
        assert_eq!(of_ipa("aː"), open(D));
    }

    #[test]
    fn pauses_rest() {
        assert_eq!((of_flite("pau").first, of_ipa("").first), (X, X));
    }
}
