//! From a brief to written music: which style plays, and what every style shares.

use crate::brief::CueBrief;
use crate::piece::Piece;
use crate::styles;
use crate::theme::Theme;
use klieg_film_words::story::{Mood, Occasion, Period, Place, Region};

/// Writes the cue. Pure: the same brief gives the same notes.
pub fn compose(brief: &CueBrief) -> Piece {
    let theme = Theme::new(brief.film_seed);
    let style = style_of(brief);
    style(brief, &theme)
}

fn style_of(b: &CueBrief) -> fn(&CueBrief, &Theme) -> Piece {
    if b.place == Place::Spaceship || b.culture.region() == Region::ScienceFiction {
        return styles::space::write;
    }
    if b.place == Place::Hospital {
        return styles::western::hospital;
    }
    match b.culture.region() {
        Region::SouthIndian => styles::carnatic::write,
        Region::NorthIndian if dances(b) => styles::bhangra::write,
        Region::NorthIndian => styles::hindustani::write,
        Region::Japanese => styles::japanese::write,
        Region::Chinese => styles::chinese::write,
        Region::Korean => styles::korean::write,
        Region::MiddleEastern => styles::maqam::write,
        Region::African => styles::african::write,
        Region::Fantasy => styles::fantasy::write,
        Region::Western if b.period == Period::Noir || matches!(b.place, Place::Bar) => styles::jazz::write,
        Region::Western if matches!(b.period, Period::Medieval | Period::Ancient) => styles::fantasy::write,
        Region::Western | Region::ScienceFiction => styles::western::write,
    }
}

/// Punjabi fields and festivals in good spirits dance bhangra.
fn dances(b: &CueBrief) -> bool {
    let glad = matches!(b.mood, Mood::Happy | Mood::Proud | Mood::Playful | Mood::Neutral | Mood::Surprised);
    let out = matches!(b.place, Place::Field | Place::Village | Place::Market | Place::Courtyard)
        || matches!(b.occasion, Occasion::Festival | Occasion::Wedding);
    b.culture == klieg_film_words::story::Culture::Punjabi && glad && out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::play;
    use klieg_film_words::story::{Culture, TimeOfDay};

    fn brief(culture: Culture, mood: Mood, seconds: f32, last: bool) -> CueBrief {
        let (period, place, time) = (Period::Modern, Place::House, TimeOfDay::Morning);
        CueBrief { culture, period, mood, place, time, occasion: Occasion::Everyday, seconds, film_seed: 11, seed: 5, last }
    }

    /// Every style, by ways that lead to it.
    fn everything(seconds: f32, last: bool) -> Vec<CueBrief> {
        let mut all = Vec::new();
        for &culture in Culture::ALL {
            for &mood in Mood::ALL {
                all.push(brief(culture, mood, seconds, last));
            }
        }
        all.push(CueBrief { period: Period::Noir, ..brief(Culture::American, Mood::Tense, seconds, last) });
        all.push(CueBrief { place: Place::Hospital, ..brief(Culture::American, Mood::Sad, seconds, last) });
        all.push(CueBrief { place: Place::Field, ..brief(Culture::Punjabi, Mood::Happy, seconds, last) });
        all.push(CueBrief { occasion: Occasion::Wedding, ..brief(Culture::Tamil, Mood::Happy, seconds, last) });
        all
    }

    #[test]
    fn every_cue_starts_on_picture_and_stays_within_it() {
        for seconds in [3.0, 9.5, 40.0] {
            for b in everything(seconds, false) {
                let piece = compose(&b);
                let notes: Vec<_> = piece.parts.iter().flat_map(|p| &p.notes).collect();
                let first = notes.iter().map(|n| n.at).fold(f32::MAX, f32::min);
                assert!(first < 0.05, "{:?} {:?} {seconds}: starts at {first}", b.culture, b.mood);
                assert!(
                    notes.iter().all(|n| n.at < seconds && n.seconds > 0.0 && n.velocity <= 1.0 && (0.0..120.0).contains(&n.key))
                );
                assert!(piece.parts.len() <= 15, "channels");
            }
        }
    }

    #[test]
    fn no_cue_goes_quiet_for_long_and_none_repeats_itself_within_a_minute() {
        for b in everything(60.0, false) {
            let piece = compose(&b);
            let mut times: Vec<f32> = piece.parts.iter().flat_map(|p| p.notes.iter().map(|n| n.at)).collect();
            times.sort_by(f32::total_cmp);
            let gap = times.windows(2).map(|w| w[1] - w[0]).fold(0.0, f32::max);
            assert!(gap < 7.0, "{:?} {:?}: {gap} s without a note", b.culture, b.mood);
            let keys = |from: f32| -> Vec<i32> {
                let inside = piece.parts.iter().flat_map(|p| &p.notes).filter(|n| n.at >= from && n.at < from + 20.0);
                inside.map(|n| (n.key * 10.0) as i32).collect()
            };
            assert!(keys(0.0) != keys(20.0), "{:?} {:?} loops", b.culture, b.mood);
        }
    }

    #[test]
    fn cadences_come_to_rest_on_the_tonic() {
        let tanpura = |piece: &Piece| piece.parts[0].notes.iter().map(|n| n.key).fold(f32::MAX, f32::min);
        let piece = compose(&CueBrief { occasion: Occasion::Wedding, ..brief(Culture::Tamil, Mood::Happy, 20.0, true) });
        let melody = piece.parts.iter().filter(|p| p.instrument == crate::Instrument::Program(111)).flat_map(|p| &p.notes);
        let end = melody.max_by(|a, b| a.at.total_cmp(&b.at)).unwrap();
        assert_eq!((end.key - tanpura(&piece)).rem_euclid(12.0).round() as i32 % 12, 0);
    }

    #[test]
    fn cultures_do_not_share_their_music() {
        let wedding = compose(&CueBrief { occasion: Occasion::Wedding, ..brief(Culture::Tamil, Mood::Happy, 12.0, false) });
        let garden = compose(&brief(Culture::Japanese, Mood::Tender, 12.0, false));
        let programs = |p: &Piece| p.parts.iter().map(|p| p.instrument).collect::<Vec<_>>();
        assert!(
            programs(&wedding).contains(&crate::Instrument::Tanpura)
                && programs(&wedding).contains(&crate::Instrument::Program(111))
        );
        assert!(
            programs(&garden).contains(&crate::Instrument::Program(107))
                && programs(&garden).contains(&crate::Instrument::Program(77))
        );
        let density = |p: &Piece| p.parts.iter().map(|p| p.notes.len()).sum::<usize>();
        assert!(density(&garden) * 3 < density(&wedding), "the garden leaves room");
    }

    #[test]
    fn it_plays_without_a_font_exactly_its_length_and_again_the_same() {
        for b in [brief(Culture::Tamil, Mood::Tender, 4.0, true), brief(Culture::European, Mood::Happy, 4.0, false)] {
            let piece = compose(&b);
            let sound = play(&piece, None);
            assert_eq!(sound.samples.len(), 4 * 48_000);
            let peak = sound.samples.iter().flatten().fold(0.0f32, |p, s| p.max(s.abs()));
            assert!((0.1..=0.9).contains(&peak), "{peak}");
            assert!(sound == play(&piece, None));
        }
    }

    #[test]
    fn it_plays_on_the_sound_font() {
        let Ok(font) = crate::sound_font() else {
            eprintln!("skipped: no sound font (apt install fluid-soundfont-gm)");
            return;
        };
        let piece = compose(&brief(Culture::Japanese, Mood::Tender, 5.0, true));
        let sound = play(&piece, Some(&font));
        assert!(sound == play(&piece, Some(&font)));
        assert!(sound != play(&piece, None), "the font is heard");
    }
}
