//! Casting: characters to designs, so that nobody is taken for another.

use crate::design::{Beard, Cloth, Design, Fabric, Hair, HairStyle, Kind, Motif, Ornament, Piece, Traits};
use crate::named;
use crate::wardrobe::{self, Tone};
use klieg_film_words::story::{Age, Build, Character, Culture, Garment, Gender, Occasion, Period, Region};
use klieg_film_words::{between, mix, pick, seed_of, unit};
use klieg_kernels::scene::{Rgb, srgb};

/// What a design is made for.
struct Brief<'a> {
    name: &'a str,
    age: Age,
    gender: Gender,
    build: Build,
    culture: Culture,
    period: Period,
    occasion: Occasion,
    seed: u64,
    /// Alternatives tried before.
    attempt: u64,
}

/// Designs for a whole cast, in order. No two people share both hair and main colour, as far as the script's own words allow.
pub fn casting(cast: &[Character]) -> Vec<Design> {
    let mut out: Vec<Design> = Vec::with_capacity(cast.len());
    for c in cast {
        let made = (0..24).map(|attempt| character(c, attempt));
        let best = made.map(|d| (clashes(&d, &out), d)).reduce(|a, b| if b.0 < a.0 { b } else { a });
        out.extend(best.map(|(_, d)| d));
    }
    out
}

/// How much a design could be taken for one of `others`: 10 for each with the same hair and colour, 1 for each with one of them.
fn clashes(design: &Design, others: &[Design]) -> u32 {
    others
        .iter()
        .map(|o| {
            let colour = distance(main_colour(design), main_colour(o)) < 0.12;
            let hair = design.hair.style == o.hair.style
                && design.hair.jasmine == o.hair.jasmine
                && distance(design.hair.colour, o.hair.colour) < 0.2;
            match (colour, hair) {
                (true, true) => 10,
                (false, false) => 0,
                _ => 1,
            }
        })
        .sum()
}

fn distance(a: Rgb, b: Rgb) -> f32 {
    a.iter().zip(b).map(|(x, y)| (x.sqrt() - y.sqrt()).abs()).sum::<f32>() / 1.5
}

/// The colour one remembers of someone: of the outermost large garment.
pub(crate) fn main_colour(design: &Design) -> Rgb {
    let large = |k: Kind| crate::cut::top(k).is_some() && k != Kind::Blouse;
    let over = [Kind::Saree, Kind::Lehenga, Kind::Chima].iter().find_map(|k| design.pieces.iter().find(|p| p.kind == *k));
    over.or_else(|| design.pieces.iter().rev().find(|p| large(p.kind)))
        .or_else(|| design.pieces.first())
        .map_or(design.skin, |p| p.cloth.colour)
}

fn character(c: &Character, attempt: u64) -> Design {
    let seed = seed_of(&["cast", &c.name]) ^ c.seed;
    let brief = Brief {
        name: &c.name,
        age: c.age,
        gender: c.gender,
        build: c.build,
        culture: c.culture,
        period: c.period,
        occasion: c.occasion,
        seed,
        attempt,
    };
    let mut design = person(&brief);
    if c.culture == Culture::Punjabi && c.gender == Gender::Male && c.age > Age::Teen {
        let second = wardrobe::palette(c.culture.region(), c.gender, c.period);
        let colour = srgb(second[(mix(seed ^ attempt) % second.len() as u64) as usize].1);
        design.pieces.push(Piece {
            kind: Kind::Turban,
            cloth: Cloth { colour, second: colour, fabric: Fabric::Cotton, motif: Motif::Plain },
        });
        design.beard = Beard::Full;
    }
    named::wear(&mut design, &c.dress);
    let named = |word: &str| c.name.to_lowercase().contains(word) || c.dress.iter().any(|g| g.name.contains(word));
    if named("bride") || named("groom") {
        marry(&mut design, named("bride"));
    }
    if named("priest") || named("pandit") || named("iyer") {
        priest(&mut design);
    }
    let also =
        |name: &str, colour: &str| Garment { name: name.to_owned(), colour: Some(colour.to_owned()), material: None, line: c.line };
    if named("doctor") || named("dr.") || named("dr ") {
        named::wear(&mut design, &[also("lab coat", "white"), also("stethoscope", "")]);
    }
    if named("nurse") {
        let suit = if c.gender == Gender::Male { also("scrubs", "teal") } else { also("nurse", "white") };
        named::wear(&mut design, &[suit]);
    }
    design
}

/// A couple at their wedding wear more.
fn marry(design: &mut Design, bride: bool) {
    let region = design.culture.region();
    if !matches!(region, Region::SouthIndian | Region::NorthIndian) {
        return;
    }
    let more: &[Ornament] = if bride {
        &[
            Ornament::Tikka,
            Ornament::TempleNecklace,
            Ornament::Jhumka,
            Ornament::Bangles,
            Ornament::Bindi,
            Ornament::NoseStud,
            Ornament::WaistChain,
        ]
    } else {
        &[Ornament::Vibhuti]
    };
    for o in more {
        if !design.ornaments.contains(o) {
            design.ornaments.push(*o);
        }
    }
    design.hair.jasmine |= bride && region == Region::SouthIndian;
    if design.occasion == Occasion::Wedding && !design.wears(Kind::Garland) {
        let cloth = Cloth { colour: srgb("#E39A2E"), second: srgb("#DDD6C4"), fabric: Fabric::Cotton, motif: Motif::Plain };
        design.pieces.push(Piece { kind: Kind::Garland, cloth });
    }
    if !bride && region == Region::SouthIndian {
        bare_shoulders(design);
    }
}

fn priest(design: &mut Design) {
    if design.culture.region() == Region::SouthIndian {
        bare_shoulders(design);
        for o in [Ornament::SacredThread, Ornament::Vibhuti, Ornament::Beads] {
            if !design.ornaments.contains(&o) {
                design.ornaments.push(o);
            }
        }
        design.hair.style = HairStyle::TopKnot;
    }
}

/// Veshti and angavastram over the bare chest.
fn bare_shoulders(design: &mut Design) {
    design.pieces.retain(|p| !matches!(p.kind, Kind::Shirt | Kind::ShortShirt | Kind::Sandals | Kind::Shoes | Kind::Trousers));
    let cloth = Cloth { colour: srgb("#DDD8CC"), second: srgb("#A8742A"), fabric: Fabric::Silk, motif: Motif::Plain };
    for kind in [Kind::Veshti, Kind::Angavastram] {
        if !design.wears(kind) {
            design.pieces.push(Piece { kind, cloth });
        }
    }
}

impl Design {
    /// A background figure.
    pub fn extra(culture: Culture, period: Period, occasion: Occasion, seed: u64) -> Design {
        let seed = mix(seed ^ 0x6578_7472_6173);
        let gender = if unit(seed, 1) < 0.5 { Gender::Female } else { Gender::Male };
        let age = *pick(seed, 2, &[Age::Young, Age::Young, Age::Middle, Age::Middle, Age::Old, Age::Child]);
        let build = *pick(seed, 3, &[Build::Thin, Build::Medium, Build::Medium, Build::Round, Build::Broad]);
        person(&Brief { name: "extra", age, gender, build, culture, period, occasion, seed, attempt: mix(seed) % 24 })
    }
}

fn person(b: &Brief) -> Design {
    let region = b.culture.region();
    let seed = b.seed;
    let choice = mix(seed ^ mix(b.attempt));
    let row = wardrobe::row(region, b.gender, b.period, b.occasion, b.age, choice % 60);
    let palette = wardrobe::palette(region, b.gender, b.period);
    let (main, second) = palette[((mix(seed) + b.attempt) % palette.len() as u64) as usize];
    let (first, last) = wardrobe::skins(region);
    let tone = first + (unit(seed, 10) * (last - first + 1) as f32) as usize;
    let skin = shade(srgb(wardrobe::SKINS[tone.min(last)]), between(seed, 11, 0.93, 1.07));
    let traits = traits(b, region);
    let (height, head) = stature(b);
    let old = b.age == Age::Old;
    let female = b.gender == Gender::Female;
    let mut ornaments = row.ornaments.to_vec();
    if matches!(b.age, Age::Infant | Age::Child) {
        ornaments.retain(|o| !matches!(o, Ornament::TempleNecklace | Ornament::NoseStud | Ornament::Glasses));
    }
    if old && unit(seed, 30) < 0.35 && !ornaments.contains(&Ornament::Glasses) {
        ornaments.push(Ornament::Glasses);
    }
    let make = if female && b.age > Age::Child { 0.7 } else { 0.15 };
    Design {
        name: b.name.to_owned(),
        seed,
        culture: b.culture,
        period: b.period,
        occasion: b.occasion,
        gender: b.gender,
        age: b.age,
        build: b.build,
        height,
        head,
        skin,
        iris: srgb(pick::<&str>(seed, 12, wardrobe::irises(region))),
        lips: [skin[0] * (0.92 - 0.1 * make), skin[1] * (0.76 - 0.5 * make), (0.4 * skin[1] + 0.6 * skin[2]) * (0.76 - 0.4 * make)],
        hair: hair(b, row, region, choice),
        beard: beard(b, region),
        face: traits,
        pieces: row
            .items
            .iter()
            .map(|(kind, tone, fabric, motif)| Piece { kind: *kind, cloth: cloth(*tone, *fabric, *motif, main, second) })
            .collect(),
        ornaments,
    }
}

fn cloth(tone: Tone, fabric: Fabric, motif: Motif, main: &str, second: &str) -> Cloth {
    let (colour, second) = match tone {
        Tone::Main => (srgb(main), srgb(second)),
        Tone::Second => (srgb(second), srgb(main)),
        Tone::Fixed(hex) => {
            let c = srgb(hex);
            let pale = c.iter().sum::<f32>() > 1.2;
            (c, if pale { srgb("#A8742A") } else { c.map(|v| (v * 0.4).max(0.02)) })
        }
    };
    Cloth { colour, second, fabric, motif }
}

fn shade(c: Rgb, k: f32) -> Rgb {
    c.map(|v| (v * k).clamp(0.02, 0.8))
}

fn traits(b: &Brief, region: Region) -> Traits {
    let t = |n: u64| between(b.seed, 40 + n, -1.0, 1.0);
    let female = b.gender == Gender::Female && b.age > Age::Child;
    let east = matches!(region, Region::Chinese | Region::Japanese | Region::Korean);
    let indian = matches!(region, Region::SouthIndian | Region::NorthIndian);
    let old = f32::from(b.age == Age::Old);
    Traits {
        nose_length: t(0) * 0.8 + 0.5 * old - if east { 0.5 } else { 0.0 } - if b.age <= Age::Child { 1.2 } else { 0.0 },
        nose_width: t(1) * 0.7 + if matches!(region, Region::African | Region::SouthIndian) { 0.35 } else { 0.0 } + 0.3 * old
            - if female { 0.4 } else { 0.0 },
        cheeks: t(2),
        jaw: t(3),
        eyes: t(4) * 0.8,
        mouth: t(5) * 0.8,
        brows: t(6),
        ears: t(7) + 0.8 * old,
        kajal: if female && (indian || region == Region::MiddleEastern) { 1.0 } else { 0.0 },
        hooded: if east { 0.6 } else { 0.2 * (t(8) + 1.0) },
    }
}

fn stature(b: &Brief) -> (f32, f32) {
    let (height, heads) = match (b.age, b.gender) {
        (Age::Infant, _) => (0.72, 3.0),
        (Age::Child, _) => (1.14, 4.0),
        (Age::Teen, Gender::Female) => (1.5, 4.7),
        (Age::Teen, _) => (1.54, 4.7),
        (Age::Old, Gender::Female) => (1.5, 4.5),
        (Age::Old, _) => (1.6, 4.65),
        (_, Gender::Female) => (1.6, 4.75),
        (_, Gender::Male) => (1.72, 4.9),
        (_, Gender::Neutral) => (1.66, 4.85),
    };
    let build = match b.build {
        Build::Thin => 1.025,
        Build::Medium => 1.0,
        Build::Round => 0.965,
        Build::Broad => 1.03,
    };
    let height = height * build * between(b.seed, 20, 0.97, 1.03);
    (height, height / (heads * between(b.seed, 21, 0.98, 1.02)))
}

fn hair(b: &Brief, row: &wardrobe::Row, region: Region, choice: u64) -> Hair {
    let options = if row.hair.is_empty() { &[HairStyle::SidePart][..] } else { row.hair };
    let style = *pick(choice, 1, options);
    let young = srgb(pick::<&str>(b.seed, 13, wardrobe::hair_colours(region)));
    let colour = match b.age {
        Age::Old => srgb(pick::<&str>(b.seed, 14, &["#8F8C88", "#A8A5A0", "#BDBAB5", "#77746F"])),
        Age::Middle if unit(b.seed, 15) < 0.35 => young.map(|c| c * 0.6 + 0.06),
        _ => young,
    };
    let style = match b.age {
        Age::Old if b.gender == Gender::Male && unit(b.seed, 16) < 0.5 && style != HairStyle::TopKnot => {
            *pick(choice, 2, &[HairStyle::Tonsure, HairStyle::Bald, HairStyle::Slicked])
        }
        Age::Old
            if b.gender == Gender::Female
                && matches!(style, HairStyle::Long | HairStyle::Plait | HairStyle::Ponytail | HairStyle::HimeCut) =>
        {
            HairStyle::Bun
        }
        Age::Infant => HairStyle::Crop,
        _ => style,
    };
    let festive = matches!(b.occasion, Occasion::Wedding | Occasion::Ritual | Occasion::Festival);
    let jasmine = region == Region::SouthIndian && b.gender == Gender::Female && festive && b.age < Age::Old;
    Hair { style, colour, jasmine }
}

fn beard(b: &Brief, region: Region) -> Beard {
    if b.gender != Gender::Male || b.age <= Age::Teen {
        return Beard::None;
    }
    let u = unit(b.seed, 17);
    let often = match region {
        Region::MiddleEastern => [0.1, 0.2, 0.35],
        Region::SouthIndian | Region::NorthIndian => [0.35, 0.75, 0.85],
        Region::Japanese | Region::Korean | Region::Chinese => [0.75, 0.85, 0.9],
        _ => [0.55, 0.72, 0.8],
    };
    match u {
        u if u < often[0] => Beard::None,
        u if u < often[1] => Beard::Moustache,
        u if u < often[2] => Beard::Stubble,
        _ if b.age == Age::Old => Beard::Long,
        u if u < 0.93 => Beard::Full,
        _ => Beard::Goatee,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(name: &str, seed: u64) -> Character {
        Character {
            name: name.to_owned(),
            age: Age::Young,
            gender: Gender::Female,
            build: Build::Medium,
            culture: Culture::Tamil,
            period: Period::Modern,
            occasion: Occasion::Wedding,
            language: "ta".to_owned(),
            dress: Vec::new(),
            line: 1,
            seed,
        }
    }

    fn dressed_in(words: &[(&str, &str)]) -> Design {
        let dress = words
            .iter()
            .map(|(name, colour)| Garment { name: (*name).to_owned(), colour: Some((*colour).to_owned()), material: None, line: 1 })
            .collect();
        let american = Character {
            culture: Culture::American,
            occasion: Occasion::Everyday,
            gender: Gender::Male,
            dress,
            ..guest("FRANK", 3)
        };
        casting(&[american]).remove(0)
    }

    #[test]
    fn the_same_cast_gets_the_same_designs() {
        let cast: Vec<Character> = ["LAKSHMI", "MEENA", "RADHA"].iter().map(|n| guest(n, 1)).collect();
        assert_eq!(casting(&cast), casting(&cast));
    }

    #[test]
    fn nobody_shares_hair_and_colour() {
        for seed in 0..20 {
            let cast: Vec<Character> = ["LAKSHMI", "MEENA", "RADHA", "PRIYA", "KAMALA"].iter().map(|n| guest(n, seed)).collect();
            let designs = casting(&cast);
            for (i, d) in designs.iter().enumerate() {
                assert!(clashes(d, &designs[..i]) < 10, "seed {seed}: {} is taken for another", d.name);
            }
        }
    }

    #[test]
    fn the_scripts_words_are_worn() {
        let d = dressed_in(&[("trench coat", ""), ("fedora", "grey"), ("white beard", "white"), ("glasses", "")]);
        assert!(d.wears(Kind::TrenchCoat) && d.wears(Kind::Belt) && d.wears(Kind::Fedora));
        assert!(!d.wears(Kind::SuitJacket), "one coat at a time");
        assert_eq!(d.beard, Beard::Full);
        assert_eq!(Some(d.hair.colour), named::colour("white"));
        assert!(d.has(Ornament::Glasses));
        let saree = casting(&[Character {
            dress: vec![Garment { name: "silk saree".into(), colour: Some("red".into()), material: Some("silk".into()), line: 2 }],
            ..guest("L", 1)
        }])
        .remove(0);
        assert_eq!(Some(main_colour(&saree)), named::colour("red"));
    }

    #[test]
    fn a_wedding_gives_the_couple_garlands() {
        let couple = |word: &str| Garment { name: word.to_owned(), colour: None, material: None, line: 1 };
        let bride = casting(&[Character { dress: vec![couple("bride")], ..guest("LAKSHMI", 1) }]).remove(0);
        assert!(bride.wears(Kind::Garland) && bride.hair.jasmine && bride.has(Ornament::Tikka));
        let groom = casting(&[Character { gender: Gender::Male, dress: vec![couple("groom")], ..guest("KUMARAN", 1) }]).remove(0);
        assert!(groom.wears(Kind::Garland) && groom.wears(Kind::Veshti) && groom.wears(Kind::Angavastram));
        assert!(!casting(&[guest("MEENA", 1)])[0].wears(Kind::Garland));
    }

    #[test]
    fn a_design_survives_serialisation() {
        for culture in Culture::ALL {
            let d = Design::extra(*culture, Period::Modern, Occasion::Wedding, 5);
            let text = serde_json::to_string(&d).expect("a design is plain data");
            assert_eq!(serde_json::from_str::<Design>(&text).expect("its own text"), d);
        }
    }
}
