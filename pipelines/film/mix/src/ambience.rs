//! What a place sounds like when nobody does anything: layers by place, culture, hour and weather over a room tone that is always
//! there.

use crate::beds::{self, Bed};
use crate::effect::{Effect, effect};
use crate::voices::{Crowd, murmur};
use crate::wildlife::{birds, insects};
use klieg_film_dsp::filter::Biquad;
use klieg_film_dsp::gain;
use klieg_film_words::sound::Stereo;
use klieg_film_words::story::{Culture, Place, Region, TimeOfDay, Weather};
use klieg_film_words::{between, mix, pick, seed_of};
use serde::{Deserialize, Serialize};

/// A scene's air, ordered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AmbienceBrief {
    pub place: Place,
    pub culture: Culture,
    pub time: TimeOfDay,
    pub weather: Weather,
    pub interior: bool,
    /// People in the background.
    pub extras: u32,
    /// Sounds that the script names; those that go on are heard here ("rain", "crowd"), single ones are effects.
    pub sounds: Vec<String>,
    pub seconds: f32,
    pub seed: u64,
}

/// The place for its whole length, at −23 dB RMS.
pub fn ambience(brief: &AmbienceBrief) -> Stereo {
    let mut layers = Layers { brief, sum: vec![[0.0; 2]; klieg_film_dsp::samples(brief.seconds)], count: 0 };
    layers.tone();
    layers.weather();
    layers.place();
    layers.people();
    layers.named();
    let mut samples = layers.sum;
    Biquad::high_pass(35.0, 0.7).stereo(&mut samples);
    let level = gain(-23.0) / beds::rms(&samples).max(1e-6);
    for s in &mut samples {
        *s = [s[0] * level, s[1] * level];
    }
    Stereo { samples }
}

struct Layers<'a> {
    brief: &'a AmbienceBrief,
    sum: Bed,
    count: u64,
}

impl Layers<'_> {
    /// A seed of its own for every layer.
    fn seed(&mut self) -> u64 {
        self.count += 1;
        mix(self.brief.seed ^ (self.count << 32))
    }

    /// A texture, at `db` relative to the others.
    fn bed(&mut self, bed: &Bed, db: f32) {
        let level = 0.1 * gain(db) / beds::rms(bed).max(1e-6);
        self.add(bed, level);
    }

    /// Separate sounds, by their peak.
    fn sparse(&mut self, bed: &Bed, db: f32) {
        let peak = bed.iter().flatten().fold(0.0f32, |p, s| p.max(s.abs()));
        if peak > 1e-6 {
            self.add(bed, 0.4 * gain(db) / peak);
        }
    }

    fn add(&mut self, bed: &Bed, level: f32) {
        for (s, x) in self.sum.iter_mut().zip(bed) {
            *s = [s[0] + x[0] * level, s[1] + x[1] * level];
        }
    }

    /// `kind` again and again, about every `gap` seconds, from all sides.
    fn now_and_then(&mut self, kinds: &[Effect], gap: f32, db: f32) {
        let (seed, seconds) = (self.seed(), self.brief.seconds);
        let mut bed: Bed = vec![[0.0; 2]; self.sum.len()];
        let mut t = between(seed, 0, 0.1, 0.7) * gap;
        let mut n = 1;
        while t < seconds {
            let sound = effect(*pick(seed, n, kinds), mix(seed ^ n));
            let mono: Vec<f32> = sound.samples.iter().map(|s| s[0]).collect();
            beds::place(&mut bed, &mono, t, between(seed, 300 + n, -0.8, 0.8), between(seed, 600 + n, 0.45, 1.0));
            t += gap * between(seed, 900 + n, 0.55, 1.6);
            n += 1;
        }
        self.sparse(&bed, db);
    }

    /// What comes through walls and windows.
    fn through_walls(&mut self, mut bed: Bed, db: f32) {
        Biquad::low_pass(520.0, 0.6).stereo(&mut bed);
        self.bed(&bed, db);
    }

    fn tone(&mut self) {
        let (seed, seconds) = (self.seed(), self.brief.seconds);
        let hz = if self.brief.interior { 170.0 } else { 300.0 };
        let air = beds::air(seed, seconds, hz);
        self.bed(&air, if self.brief.interior { -14.0 } else { -12.0 });
    }

    fn weather(&mut self) {
        let (seed, seconds) = (self.seed(), self.brief.seconds);
        let bed = match self.brief.weather {
            Weather::Rain => Some((beds::rain(seed, seconds, 0.55), -2.0)),
            Weather::Storm => Some((beds::join(beds::rain(seed, seconds, 1.0), &beds::wind(seed ^ 1, seconds, 0.9), 1.5), 2.0)),
            Weather::Wind => Some((beds::wind(seed, seconds, 0.8), -2.0)),
            Weather::Snow => Some((beds::wind(seed, seconds, 0.3), -10.0)),
            Weather::Clear | Weather::Cloudy | Weather::Fog => None,
        };
        match bed {
            Some((bed, db)) if self.brief.interior => self.through_walls(bed, db - 9.0),
            Some((bed, db)) => self.bed(&bed, db),
            None => {}
        }
        if self.brief.weather == Weather::Storm {
            self.now_and_then(&[Effect::Thunder], 14.0, if self.brief.interior { -10.0 } else { 0.0 });
        }
    }

    fn place(&mut self) {
        use Place::*;
        match self.brief.place {
            Temple => self.temple(),
            House | Bedroom | TeaHouse | Kitchen | Palace => self.home(),
            Street | Station | Car => self.traffic_places(),
            Market | Village | Courtyard | Shop => self.village(),
            Office | School | Hospital | Spaceship => self.institutions(),
            Cafe | Bar => self.taverns(),
            Forest | Garden | Field | Beach | Mountain | Desert => self.nature(),
        }
    }

    fn region(&self) -> Region {
        self.brief.culture.region()
    }

    fn wet(&self) -> bool {
        matches!(self.brief.weather, Weather::Rain | Weather::Storm)
    }

    fn wildlife(&mut self, db: f32) {
        if self.wet() {
            return;
        }
        let b = self.brief;
        let seed = self.seed();
        let mut song = birds(seed, b.seconds, b.culture.region(), b.time);
        if b.interior {
            Biquad::low_pass(2200.0, 0.7).stereo(&mut song);
        }
        self.sparse(&song, db - if b.interior { 8.0 } else { 0.0 });
        let night = matches!(b.time, TimeOfDay::Night | TimeOfDay::Evening);
        let hot = matches!(b.culture.region(), Region::Japanese | Region::SouthIndian | Region::Chinese)
            && b.time == TimeOfDay::Afternoon;
        if night || hot {
            let bed = insects(seed ^ 1, b.seconds, hot);
            self.bed(&bed, db - if b.interior { 16.0 } else { 9.0 });
        }
    }

    fn temple(&mut self) {
        let (seed, seconds) = (self.seed(), self.brief.seconds);
        self.wildlife(-7.0);
        match self.region() {
            Region::SouthIndian | Region::NorthIndian => {
                self.bed(&beds::flames(seed, seconds, 7.0), -13.0);
                self.now_and_then(&[Effect::Bell, Effect::HandBell, Effect::HandBell], 4.2, -4.0);
                self.now_and_then(&[Effect::Anklet], 5.0, -16.0);
            }
            Region::Western => self.now_and_then(&[Effect::Bell], 6.0, -8.0),
            _ => {
                self.bed(&beds::wind(seed, seconds, 0.25), -16.0);
                self.now_and_then(&[Effect::Gong], 9.0, -8.0);
            }
        }
    }

    fn home(&mut self) {
        let (seed, seconds) = (self.seed(), self.brief.seconds);
        self.wildlife(-9.0);
        match self.brief.place {
            Place::Kitchen => {
                self.bed(&beds::hum(seed, seconds, &[50.0, 100.0, 150.0], 320.0), -13.0);
                self.bed(&beds::stream(seed ^ 2, seconds), -22.0);
                self.now_and_then(&[Effect::Cup, Effect::Cup, Effect::Glass], 3.4, -12.0);
            }
            Place::TeaHouse => {
                self.bed(&beds::stream(seed, seconds), -17.0);
                self.now_and_then(&[Effect::Bamboo], 11.0, -8.0);
            }
            Place::Palace => self.bed(&beds::stream(seed, seconds), -15.0),
            _ => self.ticking(),
        }
    }

    /// A clock that keeps time.
    fn ticking(&mut self) {
        let seed = self.seed();
        let mut bed: Bed = vec![[0.0; 2]; self.sum.len()];
        for second in 0..self.brief.seconds.ceil() as u64 {
            let tick: Vec<f32> = effect(Effect::Clock, seed ^ (second % 2)).samples.iter().map(|s| s[0]).collect();
            beds::place(&mut bed, &tick, second as f32 + 0.4, 0.35, 1.0);
        }
        self.sparse(&bed, -19.0);
    }

    fn traffic_places(&mut self) {
        let (seed, seconds, wet) = (self.seed(), self.brief.seconds, self.wet());
        let india = matches!(self.region(), Region::SouthIndian | Region::NorthIndian);
        let night = matches!(self.brief.time, TimeOfDay::Night | TimeOfDay::Dawn);
        match self.brief.place {
            Place::Street => {
                self.bed(&beds::traffic(seed, seconds, if night { 7.0 } else { 3.2 }, wet), -4.0);
                self.now_and_then(&[Effect::Horn], if india { 3.0 } else { 13.0 }, if india { -12.0 } else { -20.0 });
                if night {
                    self.now_and_then(&[Effect::Siren, Effect::Dog], 17.0, -20.0);
                }
            }
            Place::Station => {
                self.bed(&beds::traffic(seed, seconds, 9.0, false), -9.0);
                self.bed(&beds::hum(seed ^ 1, seconds, &[50.0, 75.0], 240.0), -12.0);
                self.now_and_then(&[Effect::TrainWhistle, Effect::HandBell], 9.0, -10.0);
            }
            _ => {
                self.bed(&beds::hum(seed, seconds, &[42.0, 63.0, 84.0, 126.0, 168.0], 180.0), -4.0);
                self.bed(&beds::air(seed ^ 1, seconds, 520.0), -8.0);
            }
        }
    }

    fn village(&mut self) {
        let (seed, seconds) = (self.seed(), self.brief.seconds);
        self.wildlife(-5.0);
        match self.brief.place {
            Place::Market => {
                let crowd = Crowd { voices: 10, hz: 175.0, spirit: 0.8 };
                self.bed(&murmur(seed, seconds, &crowd), -3.0);
                self.now_and_then(&[Effect::Coin, Effect::Thud, Effect::HandBell, Effect::Cup], 2.2, -13.0);
            }
            Place::Village => {
                let morning = matches!(self.brief.time, TimeOfDay::Dawn | TimeOfDay::Morning);
                self.now_and_then(
                    if morning { &[Effect::Rooster, Effect::Dog] } else { &[Effect::Dog, Effect::HandBell] },
                    7.0,
                    -13.0,
                );
            }
            Place::Courtyard => self.bed(&beds::stream(seed, seconds), -19.0),
            _ => {
                self.bed(&beds::hum(seed, seconds, &[50.0, 100.0], 300.0), -12.0);
                self.now_and_then(&[Effect::Coin, Effect::Paper, Effect::HandBell], 6.0, -15.0);
            }
        }
    }

    fn institutions(&mut self) {
        let (seed, seconds) = (self.seed(), self.brief.seconds);
        match self.brief.place {
            Place::Spaceship => {
                self.bed(&beds::hum(seed, seconds, &[36.0, 54.0, 55.2, 108.0, 219.0, 440.0], 260.0), 0.0);
                self.now_and_then(&[Effect::Beep], 3.3, -17.0);
            }
            Place::Hospital => {
                self.bed(&beds::hum(seed, seconds, &[50.0, 100.0, 200.0], 420.0), -8.0);
                self.monitor();
            }
            Place::School => {
                let crowd = Crowd { voices: 7, hz: 290.0, spirit: 0.6 };
                self.through_walls(murmur(seed, seconds, &crowd), -10.0);
                self.now_and_then(&[Effect::Pencil, Effect::Paper], 3.0, -17.0);
            }
            _ => {
                self.bed(&beds::hum(seed, seconds, &[50.0, 100.0, 120.0], 380.0), -10.0);
                self.now_and_then(&[Effect::Paper, Effect::Pencil, Effect::Clock, Effect::Clock], 2.0, -17.0);
                self.now_and_then(&[Effect::Phone], 19.0, -25.0);
            }
        }
    }

    /// A heart monitor at 66 a minute.
    fn monitor(&mut self) {
        let beep: Vec<f32> = effect(Effect::Beep, 1).samples.iter().map(|s| s[0]).collect();
        let mut bed: Bed = vec![[0.0; 2]; self.sum.len()];
        for n in 0..(self.brief.seconds / 0.91) as u32 + 1 {
            beds::place(&mut bed, &beep, 0.5 + n as f32 * 0.91, -0.45, 1.0);
        }
        self.sparse(&bed, -15.0);
    }

    fn taverns(&mut self) {
        let (seed, seconds) = (self.seed(), self.brief.seconds);
        let bar = self.brief.place == Place::Bar;
        let crowd = Crowd { voices: 8, hz: 150.0, spirit: if bar { 0.5 } else { 0.35 } };
        let mut talk = murmur(seed, seconds, &crowd);
        Biquad::low_pass(2400.0, 0.6).stereo(&mut talk);
        self.bed(&talk, -5.0);
        self.now_and_then(
            if bar { &[Effect::Glass, Effect::Glass, Effect::Thud] } else { &[Effect::Cup, Effect::Cup, Effect::Glass] },
            2.4,
            -13.0,
        );
        if self.brief.time == TimeOfDay::Night {
            let street = beds::traffic(seed ^ 5, seconds, 8.0, self.wet());
            self.through_walls(street, -14.0);
        }
    }

    fn nature(&mut self) {
        let (seed, seconds) = (self.seed(), self.brief.seconds);
        match self.brief.place {
            Place::Beach => {
                self.bed(&beds::surf(seed, seconds), 0.0);
                self.wildlife(-16.0);
            }
            Place::Mountain | Place::Desert => {
                self.bed(&beds::wind(seed, seconds, if self.brief.place == Place::Desert { 0.45 } else { 0.6 }), -3.0);
                self.wildlife(-18.0);
            }
            Place::Garden => {
                self.wildlife(-4.0);
                self.bed(&beds::stream(seed, seconds), -11.0);
                self.bed(&beds::wind(seed ^ 1, seconds, 0.15), -17.0);
                if self.region() == Region::Japanese {
                    self.now_and_then(&[Effect::Bamboo], 10.0, -6.0);
                }
            }
            _ => {
                self.wildlife(-3.0);
                self.bed(&beds::wind(seed, seconds, 0.3), -10.0);
                self.now_and_then(&[Effect::Leaves], 5.0, -18.0);
            }
        }
    }

    /// Guests, crowds, passers-by.
    fn people(&mut self) {
        if self.brief.extras == 0 {
            return;
        }
        let seed = self.seed();
        let crowd = Crowd { voices: self.brief.extras.clamp(3, 10), hz: 165.0, spirit: 0.35 };
        let bed = murmur(seed, self.brief.seconds, &crowd);
        self.bed(&bed, -9.0 + (self.brief.extras as f32 / 6.0).min(5.0));
    }

    /// Sounds of the script that go on.
    fn named(&mut self) {
        let seconds = self.brief.seconds;
        for name in &self.brief.sounds {
            let seed = mix(seed_of(&[name]) ^ self.brief.seed);
            let has = |words: &[&str]| words.iter().any(|w| name.to_lowercase().contains(w));
            if has(&["rain", "drizzle", "downpour"]) && !self.wet() {
                self.bed(&beds::rain(seed, seconds, 0.5), -5.0);
            } else if has(&["wind", "gust", "breeze"]) {
                self.bed(&beds::wind(seed, seconds, 0.6), -7.0);
            } else if has(&["surf", "ocean", "sea waves", "waves break", "waves crash"]) {
                self.bed(&beds::surf(seed, seconds), -6.0);
            } else if has(&["stream", "river", "fountain", "waterfall", "brook", "running water"]) {
                self.bed(&beds::stream(seed, seconds), -9.0);
            } else if has(&["fire", "flame", "crackl"]) {
                self.bed(&beds::flames(seed, seconds, 12.0), -8.0);
            } else if has(&["crowd", "murmur", "chatter", "laughter", "chant", "voices", "cheer"]) {
                self.bed(&murmur(seed, seconds, &Crowd { voices: 9, hz: 165.0, spirit: 0.6 }), -6.0);
            } else if has(&["bird", "song of", "cuckoo"]) {
                self.sparse(&birds(seed, seconds, self.region(), TimeOfDay::Morning), -5.0);
            } else if has(&["cricket", "cicada", "insect"]) {
                self.bed(&insects(seed, seconds, name.to_lowercase().contains("cicada")), -12.0);
            } else if has(&["traffic"]) {
                self.bed(&beds::traffic(seed, seconds, 3.5, self.wet()), -7.0);
            } else if has(&["hum", "engine", "machine", "fan"]) {
                self.bed(&beds::hum(seed, seconds, &[50.0, 75.0, 100.0], 260.0), -8.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brief(place: Place, culture: Culture, time: TimeOfDay, weather: Weather) -> AmbienceBrief {
        AmbienceBrief { place, culture, time, weather, interior: false, extras: 0, sounds: Vec::new(), seconds: 4.0, seed: 9 }
    }

    #[test]
    fn every_place_has_air_all_the_time() {
        for &place in Place::ALL {
            for interior in [false, true] {
                let b = AmbienceBrief { interior, ..brief(place, Culture::Tamil, TimeOfDay::Morning, Weather::Clear) };
                let sound = ambience(&b);
                assert_eq!(sound.samples.len(), 192_000);
                for part in sound.samples.chunks(24_000) {
                    let level = beds::rms(&part.to_vec());
                    assert!(level > 0.002, "{place:?} interior {interior}: {level}");
                }
                assert!(sound.samples.iter().flatten().all(|s| s.abs() < 1.5), "{place:?}");
            }
        }
    }

    #[test]
    fn rain_is_heard_and_named_sounds_too() {
        let high = |b: &AmbienceBrief| {
            let mut s = ambience(b).samples;
            Biquad::high_pass(2500.0, 0.7).stereo(&mut s);
            beds::rms(&s)
        };
        let dry = brief(Place::Street, Culture::American, TimeOfDay::Night, Weather::Clear);
        let wet = AmbienceBrief { weather: Weather::Rain, ..dry.clone() };
        let named = AmbienceBrief { sounds: vec!["rain".into()], ..dry.clone() };
        assert!(high(&wet) > 2.0 * high(&dry) && high(&named) > 1.5 * high(&dry));
        assert!(ambience(&dry) == ambience(&dry));
    }
}
