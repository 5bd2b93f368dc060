//! What the script says that someone wears: words to garments, hair and jewellery.

use crate::design::{Beard, Cloth, Design, Fabric, HairStyle, Kind, Motif, Ornament, Piece};
use klieg_film_words::story::{Garment, Gender};
use klieg_kernels::scene::{Rgb, srgb};

use Kind::*;

/// What a word puts on.
enum Effect {
    /// Replaces all but head, ornaments: the outfit with the named colour on its first piece.
    Outfit(&'static [Kind]),
    /// Worn over what is there already.
    Over(&'static [Kind]),
    /// Replaces what covers the same part.
    Swap(Kind),
    Hair(HairStyle),
    Beard(Beard),
    Ornaments(&'static [Ornament]),
    HairColour,
    Jasmine,
}

/// Words to effects; the first whose words all occur wins, so longer phrases stand first.
const WORDS: &[(&str, Effect)] = &[
    ("saree", Effect::Outfit(&[Saree, Blouse])),
    ("sari", Effect::Outfit(&[Saree, Blouse])),
    ("veshti", Effect::Swap(Veshti)),
    ("dhoti", Effect::Swap(Veshti)),
    ("lungi", Effect::Swap(Veshti)),
    ("mundu", Effect::Swap(Veshti)),
    ("angavastram", Effect::Over(&[Angavastram])),
    ("lehenga", Effect::Outfit(&[Lehenga, Blouse, Dupatta])),
    ("salwar", Effect::Outfit(&[Kameez, Salwar, Dupatta])),
    ("kameez", Effect::Outfit(&[Kameez, Salwar, Dupatta])),
    ("dupatta", Effect::Over(&[Dupatta])),
    ("kurta", Effect::Outfit(&[Kurta, Salwar, Sandals])),
    ("sherwani", Effect::Outfit(&[Sherwani, Salwar, Shoes])),
    ("nehru", Effect::Over(&[Waistcoat])),
    ("qipao", Effect::Outfit(&[Qipao, Heels])),
    ("cheongsam", Effect::Outfit(&[Qipao, Heels])),
    ("hanfu", Effect::Outfit(&[Hanfu, Sash, Shoes])),
    ("changshan", Effect::Outfit(&[Changshan, Trousers, Shoes])),
    ("kimono", Effect::Outfit(&[Kimono, Obi, Zori])),
    ("yukata", Effect::Outfit(&[Kimono, Obi, Zori])),
    ("obi", Effect::Swap(Obi)),
    ("haori", Effect::Over(&[Haori])),
    ("hakama", Effect::Swap(Hakama)),
    ("hanbok", Effect::Outfit(&[Chima, Jeogori])),
    ("trench", Effect::Over(&[TrenchCoat, Belt])),
    ("overcoat", Effect::Over(&[Overcoat])),
    ("raincoat", Effect::Over(&[TrenchCoat, Belt])),
    ("lab coat", Effect::Over(&[LabCoat])),
    ("white coat", Effect::Over(&[LabCoat])),
    ("doctor's coat", Effect::Over(&[LabCoat])),
    ("tuxedo", Effect::Outfit(&[SuitJacket, Shirt, BowTie, Trousers, Shoes])),
    ("tailcoat", Effect::Over(&[Tailcoat])),
    ("waistcoat", Effect::Over(&[Waistcoat])),
    ("vest", Effect::Over(&[Waistcoat])),
    ("cardigan", Effect::Over(&[Cardigan])),
    ("sweater", Effect::Over(&[Cardigan])),
    ("leather jacket", Effect::Over(&[Jacket])),
    ("jacket", Effect::Over(&[Jacket])),
    ("space suit", Effect::Outfit(&[SpaceSuit, Boots])),
    ("spacesuit", Effect::Outfit(&[SpaceSuit, Boots])),
    ("flight suit", Effect::Outfit(&[SpaceSuit, Boots])),
    ("jumpsuit", Effect::Outfit(&[SpaceSuit, Boots])),
    ("suit", Effect::Outfit(&[SuitJacket, Shirt, Tie, Trousers, Shoes])),
    ("scrubs", Effect::Outfit(&[Scrubs, Shoes])),
    ("nurse", Effect::Outfit(&[Dress, Apron, NurseCap, Shoes])),
    ("school uniform", Effect::Outfit(&[SailorTop, Skirt, Shoes])),
    ("uniform", Effect::Outfit(&[Jacket, Trousers, Belt, Shoes])),
    ("wedding dress", Effect::Outfit(&[Gown, Heels])),
    ("gown", Effect::Outfit(&[Gown, Heels])),
    ("dress", Effect::Outfit(&[Dress, Heels])),
    ("abaya", Effect::Outfit(&[Abaya, Headscarf, Shoes])),
    ("kaftan", Effect::Outfit(&[Kaftan, Sash, Shoes])),
    ("thobe", Effect::Outfit(&[Thobe, Sandals])),
    ("dashiki", Effect::Outfit(&[Dashiki, Trousers, Sandals])),
    ("agbada", Effect::Outfit(&[Agbada, Trousers, Shoes])),
    ("robe", Effect::Outfit(&[Thobe, Sash, Sandals])),
    ("tunic", Effect::Outfit(&[Tunic, Trousers, Boots])),
    ("cloak", Effect::Over(&[Cloak])),
    ("cape", Effect::Over(&[Cloak])),
    ("armour", Effect::Over(&[Armour])),
    ("armor", Effect::Over(&[Armour])),
    ("coat", Effect::Over(&[Overcoat])),
    ("apron", Effect::Over(&[Apron])),
    ("shawl", Effect::Over(&[Shawl])),
    ("headscarf", Effect::Swap(Headscarf)),
    ("hijab", Effect::Swap(Headscarf)),
    ("veil", Effect::Swap(Headscarf)),
    ("scarf", Effect::Over(&[Scarf])),
    ("garland", Effect::Over(&[Garland])),
    ("stethoscope", Effect::Over(&[Stethoscope])),
    ("gloves", Effect::Over(&[LongGloves])),
    ("glove", Effect::Over(&[LongGloves])),
    ("bow tie", Effect::Over(&[BowTie])),
    ("tie", Effect::Over(&[Tie])),
    ("belt", Effect::Over(&[Belt])),
    ("sash", Effect::Over(&[Sash])),
    ("t-shirt", Effect::Swap(TShirt)),
    ("blouse", Effect::Swap(Blouse)),
    ("shirt", Effect::Swap(Shirt)),
    ("jeans", Effect::Swap(Jeans)),
    ("trousers", Effect::Swap(Trousers)),
    ("pants", Effect::Swap(Trousers)),
    ("skirt", Effect::Swap(Skirt)),
    ("straw hat", Effect::Swap(StrawHat)),
    ("fedora", Effect::Swap(Fedora)),
    ("bowler", Effect::Swap(Bowler)),
    ("hat", Effect::Swap(Fedora)),
    ("cap", Effect::Swap(Cap)),
    ("hood", Effect::Swap(Hood)),
    ("turban", Effect::Swap(Turban)),
    ("dastar", Effect::Swap(Turban)),
    ("headwrap", Effect::Swap(Headwrap)),
    ("keffiyeh", Effect::Swap(Keffiyeh)),
    ("boots", Effect::Swap(Boots)),
    ("heels", Effect::Swap(Heels)),
    ("sneakers", Effect::Swap(Sneakers)),
    ("sandals", Effect::Swap(Sandals)),
    ("shoes", Effect::Swap(Shoes)),
    ("long beard", Effect::Beard(Beard::Long)),
    ("goatee", Effect::Beard(Beard::Goatee)),
    ("stubble", Effect::Beard(Beard::Stubble)),
    ("unshaven", Effect::Beard(Beard::Stubble)),
    ("beard", Effect::Beard(Beard::Full)),
    ("moustache", Effect::Beard(Beard::Moustache)),
    ("mustache", Effect::Beard(Beard::Moustache)),
    ("bald", Effect::Hair(HairStyle::Bald)),
    ("high bun", Effect::Hair(HairStyle::HighBun)),
    ("bun", Effect::Hair(HairStyle::Bun)),
    ("pigtails", Effect::Hair(HairStyle::TwinPlaits)),
    ("plaits", Effect::Hair(HairStyle::TwinPlaits)),
    ("braids", Effect::Hair(HairStyle::TwinPlaits)),
    ("plait", Effect::Hair(HairStyle::Plait)),
    ("braid", Effect::Hair(HairStyle::Plait)),
    ("ponytail", Effect::Hair(HairStyle::Ponytail)),
    ("topknot", Effect::Hair(HairStyle::TopKnot)),
    ("top-knot", Effect::Hair(HairStyle::TopKnot)),
    ("bob", Effect::Hair(HairStyle::Bob)),
    ("afro", Effect::Hair(HairStyle::Afro)),
    ("curl", Effect::Hair(HairStyle::Curly)),
    ("long hair", Effect::Hair(HairStyle::Long)),
    ("short hair", Effect::Hair(HairStyle::Crop)),
    ("hair", Effect::HairColour),
    ("jasmine", Effect::Jasmine),
    ("bangle", Effect::Ornaments(&[Ornament::Bangles])),
    ("earring", Effect::Ornaments(&[Ornament::Jhumka])),
    ("jhumka", Effect::Ornaments(&[Ornament::Jhumka])),
    ("pearl", Effect::Ornaments(&[Ornament::Pearls])),
    ("necklace", Effect::Ornaments(&[Ornament::Necklace])),
    ("jewel", Effect::Ornaments(&[Ornament::TempleNecklace, Ornament::Jhumka, Ornament::Tikka])),
    ("tikka", Effect::Ornaments(&[Ornament::Tikka])),
    ("nose ring", Effect::Ornaments(&[Ornament::NoseStud])),
    ("nose stud", Effect::Ornaments(&[Ornament::NoseStud])),
    ("bindi", Effect::Ornaments(&[Ornament::Bindi])),
    ("pottu", Effect::Ornaments(&[Ornament::Bindi])),
    ("vibhuti", Effect::Ornaments(&[Ornament::Vibhuti])),
    ("naamam", Effect::Ornaments(&[Ornament::Naamam])),
    ("sacred thread", Effect::Ornaments(&[Ornament::SacredThread])),
    ("glasses", Effect::Ornaments(&[Ornament::Glasses])),
    ("spectacles", Effect::Ornaments(&[Ornament::Glasses])),
    ("bead", Effect::Ornaments(&[Ornament::Beads])),
    ("flower", Effect::Ornaments(&[Ornament::Flower])),
    (
        "bride",
        Effect::Ornaments(&[
            Ornament::Bindi,
            Ornament::Bangles,
            Ornament::Jhumka,
            Ornament::TempleNecklace,
            Ornament::Tikka,
            Ornament::NoseStud,
            Ornament::WaistChain,
        ]),
    ),
];

/// Colour words, as dyes look.
const COLOURS: &[(&str, &str)] = &[
    ("scarlet", "#B5231F"),
    ("crimson", "#8E1B2B"),
    ("vermilion", "#C8342B"),
    ("maroon", "#5E1A22"),
    ("burgundy", "#5E1F2B"),
    ("red", "#B0232A"),
    ("orange", "#D9742B"),
    ("saffron", "#DB8A22"),
    ("marigold", "#E8892B"),
    ("turmeric", "#E3A72F"),
    ("mustard", "#C9A227"),
    ("golden", "#C99A3A"),
    ("gold", "#C99A3A"),
    ("yellow", "#DBB53C"),
    ("olive", "#6A6B3A"),
    ("emerald", "#2E7A55"),
    ("jade", "#5B8C6E"),
    ("green", "#3F7A45"),
    ("teal", "#2B7A78"),
    ("turquoise", "#3FA09A"),
    ("indigo", "#2E4068"),
    ("navy", "#27324A"),
    ("sky", "#8DB8CF"),
    ("blue", "#35609A"),
    ("violet", "#5F4690"),
    ("purple", "#6A3A80"),
    ("lavender", "#A797C4"),
    ("lilac", "#A797C4"),
    ("magenta", "#B83A6B"),
    ("pink", "#D98C9E"),
    ("rose", "#C4707F"),
    ("peach", "#E2AF92"),
    ("silver", "#A9ACB0"),
    ("grey", "#77787A"),
    ("gray", "#77787A"),
    ("white", "#DDD9CF"),
    ("cream", "#D9CBA8"),
    ("ivory", "#D9D0B8"),
    ("beige", "#C4AE88"),
    ("khaki", "#A8926A"),
    ("tan", "#B08D5C"),
    ("brown", "#6A4630"),
    ("chestnut", "#6A3A24"),
    ("auburn", "#7A3A20"),
    ("blond", "#C4A265"),
    ("black", "#262426"),
    ("charcoal", "#3A3B3E"),
];

/// A colour word's dye, if it is one.
pub(crate) fn colour(word: &str) -> Option<Rgb> {
    let word = word.to_lowercase();
    COLOURS.iter().find(|(name, _)| word.contains(name)).map(|(_, hex)| srgb(hex))
}

fn fabric(word: &str) -> Option<Fabric> {
    let word = word.to_lowercase();
    [
        ("silk", Fabric::Silk),
        ("satin", Fabric::Silk),
        ("cotton", Fabric::Cotton),
        ("linen", Fabric::Cotton),
        ("wool", Fabric::Wool),
        ("leather", Fabric::Leather),
        ("denim", Fabric::Denim),
        ("felt", Fabric::Felt),
    ]
    .iter()
    .find(|(name, _)| word.contains(name))
    .map(|(_, f)| *f)
}

/// Puts on what the script names.
pub(crate) fn wear(design: &mut Design, dress: &[Garment]) {
    for garment in dress {
        let name = garment.name.to_lowercase();
        let phrase = format!("{} {}", garment.material.as_deref().unwrap_or_default(), name).to_lowercase();
        let said = garment.colour.as_deref().and_then(colour).or_else(|| colour(&name).filter(|_| name.contains(' ')));
        let hit = WORDS.iter().find(|(word, _)| has_word(&phrase, word));
        if let Some((_, effect)) = hit {
            apply(design, effect, said, garment.material.as_deref().and_then(fabric).or_else(|| fabric(&name)));
        }
    }
}

/// Whether `word` begins somewhere in `text` at a word's start.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| !text[..at].chars().next_back().is_some_and(char::is_alphanumeric))
}

fn apply(design: &mut Design, effect: &Effect, said: Option<Rgb>, fabric: Option<Fabric>) {
    match effect {
        Effect::Outfit(kinds) => outfit(design, kinds, said, fabric),
        Effect::Over(kinds) => {
            if matches!(kinds[0], TrenchCoat | Overcoat | LabCoat) {
                design.pieces.retain(|p| !matches!(p.kind, SuitJacket | Waistcoat | Jacket | Belt));
            }
            for (i, kind) in kinds.iter().enumerate() {
                design.pieces.retain(|p| p.kind != *kind);
                let cloth = cloth_for(design, *kind, said.filter(|_| i == 0 || *kind == Belt), fabric);
                insert(design, Piece { kind: *kind, cloth });
            }
        }
        Effect::Swap(kind) => swap(design, *kind, said, fabric),
        Effect::Hair(style) => {
            design.hair.style = *style;
            if let Some(c) = said {
                design.hair.colour = c;
            }
        }
        Effect::Beard(beard) => {
            design.beard = *beard;
            if let Some(c) = said {
                design.hair.colour = c;
            }
        }
        Effect::Ornaments(list) => {
            for o in *list {
                if !design.ornaments.contains(o) {
                    design.ornaments.push(*o);
                }
            }
        }
        Effect::HairColour => {
            if let Some(c) = said {
                design.hair.colour = c;
            }
        }
        Effect::Jasmine => {
            design.hair.jasmine = true;
            if !matches!(design.hair.style, HairStyle::Bun | HairStyle::Plait | HairStyle::HighBun) {
                design.hair.style = HairStyle::Plait;
            }
        }
    }
}

/// The part of the body a piece covers; pieces of one part replace each other.
#[derive(PartialEq, Clone, Copy)]
enum Part {
    Head,
    Feet,
    Legs,
    Top,
    Over,
}

fn part(kind: Kind) -> Part {
    match kind {
        Fedora | Bowler | Cap | StrawHat | NurseCap | Turban | Headwrap | Headscarf | Keffiyeh | Hood => Part::Head,
        Sandals | Shoes | Heels | Boots | Zori | Sneakers => Part::Feet,
        Trousers | Jeans | Salwar | Skirt | Lehenga | Chima | Hakama | Saree | Veshti => Part::Legs,
        Waistcoat | Jacket | SuitJacket | Tailcoat | TrenchCoat | Overcoat | LabCoat | Cardigan | Haori | Pallu | Angavastram
        | Dupatta | Shawl | Scarf | Garland | Cloak | Apron | Obi | Sash | Belt | Tie | BowTie | Stethoscope | LongGloves
        | Armour => Part::Over,
        _ => Part::Top,
    }
}

fn outfit(design: &mut Design, kinds: &[Kind], said: Option<Rgb>, fabric: Option<Fabric>) {
    let same = design.pieces.iter().find(|p| p.kind == kinds[0]).copied();
    let feet = kinds.iter().any(|k| part(*k) == Part::Feet);
    let hat = kinds.iter().any(|k| part(*k) == Part::Head);
    design.pieces.retain(|p| match part(p.kind) {
        Part::Head => !hat,
        Part::Feet => !feet && !matches!(kinds[0], Saree),
        _ => matches!(p.kind, Garland | Stethoscope | LongGloves),
    });
    for (i, kind) in kinds.iter().enumerate() {
        if kinds[0] == Chima && design.gender == Gender::Male && *kind == Chima {
            continue;
        }
        let said = said.filter(|_| i == 0 || (matches!(kind, Trousers) && kinds[0] == SuitJacket));
        let mut cloth = cloth_for(design, *kind, said, fabric.filter(|_| i == 0));
        if let Some(known) = same.filter(|_| i == 0) {
            cloth.motif = known.cloth.motif;
            cloth.second = if said.is_some() { contrast(cloth.colour, known.cloth.second) } else { known.cloth.second };
        }
        if *kind == Saree {
            cloth.motif = if cloth.fabric == Fabric::Silk { Motif::Buti } else { Motif::Plain };
        }
        insert(design, Piece { kind: *kind, cloth });
    }
    if let Some(saree) = design.pieces.iter().find(|p| p.kind == Saree).map(|p| p.cloth) {
        for p in design.pieces.iter_mut().filter(|p| p.kind == Blouse) {
            p.cloth.colour = saree.second;
            p.cloth.second = [0.5, 0.33, 0.09];
        }
    }
}

/// Keeps the second colour apart from the first.
fn contrast(colour: Rgb, second: Rgb) -> Rgb {
    let apart: f32 = colour.iter().zip(second).map(|(a, b)| (a - b).abs()).sum();
    if apart > 0.25 { second } else { srgb("#2F6B3A") }
}

fn swap(design: &mut Design, kind: Kind, said: Option<Rgb>, fabric: Option<Fabric>) {
    let known = design.pieces.iter().find(|p| p.kind == kind).copied();
    let mut cloth = cloth_for(design, kind, said, fabric);
    if let Some(known) = known {
        cloth = Cloth { colour: said.unwrap_or(known.cloth.colour), fabric: fabric.unwrap_or(known.cloth.fabric), ..known.cloth };
    }
    if kind == Veshti && said.is_none() && known.is_none() {
        cloth.colour = srgb("#DDD8CC");
        cloth.second = [0.5, 0.33, 0.09];
    }
    let this = part(kind);
    if this == Part::Top {
        design.pieces.retain(|p| part(p.kind) != Part::Top || p.kind == kind);
    }
    design.pieces.retain(|p| part(p.kind) != this || this == Part::Top);
    design.pieces.retain(|p| p.kind != kind);
    insert(design, Piece { kind, cloth });
    let bare_legs = !design.pieces.iter().any(|p| part(p.kind) == Part::Legs);
    if this == Part::Top && bare_legs {
        let cloth = Cloth { colour: srgb("#4A4642"), second: [0.1; 3], fabric: Fabric::Cotton, motif: Motif::Plain };
        insert(design, Piece { kind: Trousers, cloth });
    }
}

/// Cloth for a piece that the table doesn't dye: the named colour, or what such a thing usually is.
fn cloth_for(design: &Design, kind: Kind, said: Option<Rgb>, named: Option<Fabric>) -> Cloth {
    let (main, second) = design.pieces.first().map_or(([0.3, 0.1, 0.1], [0.4, 0.3, 0.1]), |p| (p.cloth.colour, p.cloth.second));
    let (usual, fabric, motif) = match kind {
        TrenchCoat => (srgb("#A8895C"), Fabric::Cotton, Motif::Plain),
        Belt if design.wears(TrenchCoat) => (
            design.pieces.iter().find(|p| p.kind == TrenchCoat).map_or(srgb("#9A7C52"), |p| p.cloth.colour.map(|c| c * 0.85)),
            Fabric::Cotton,
            Motif::Plain,
        ),
        Belt | Shoes | Boots | Sandals => (srgb("#4A3324"), Fabric::Leather, Motif::Plain),
        Heels => (srgb("#2A2426"), Fabric::Leather, Motif::Plain),
        Zori => (srgb("#B08D5C"), Fabric::Straw, Motif::Plain),
        Overcoat => (srgb("#4A4A4E"), Fabric::Wool, Motif::Plain),
        LabCoat | Apron | NurseCap => (srgb("#DDDAD2"), Fabric::Cotton, Motif::Plain),
        Shirt => (srgb("#D8D4C8"), Fabric::Cotton, Motif::Plain),
        Fedora | Bowler => (srgb("#54483C"), Fabric::Felt, Motif::Plain),
        StrawHat => (srgb("#C4A25E"), Fabric::Straw, Motif::Plain),
        Jeans => (srgb("#3C5573"), Fabric::Denim, Motif::Plain),
        Trousers | Skirt => (srgb("#45423F"), Fabric::Wool, Motif::Plain),
        Salwar => (srgb("#D9D2C0"), Fabric::Cotton, Motif::Plain),
        SuitJacket => (srgb("#3E434C"), Fabric::Wool, Motif::Plain),
        Tie | BowTie => (srgb("#6A2A2E"), Fabric::Silk, Motif::Plain),
        Jacket => (srgb("#5A4436"), Fabric::Leather, Motif::Plain),
        Garland => (srgb("#E39A2E"), Fabric::Cotton, Motif::Plain),
        Angavastram => (srgb("#DDD8CC"), Fabric::Silk, Motif::Plain),
        LongGloves => (srgb("#232024"), Fabric::Silk, Motif::Plain),
        Armour => (srgb("#8A8C90"), Fabric::Metal, Motif::Plain),
        Scrubs => (srgb("#4F8A86"), Fabric::Cotton, Motif::Plain),
        Sneakers => (srgb("#CFCAC0"), Fabric::Cotton, Motif::Plain),
        Kimono => (
            main,
            if design.gender == Gender::Male { Fabric::Cotton } else { Fabric::Silk },
            if design.gender == Gender::Female { Motif::Floral } else { Motif::Plain },
        ),
        Obi | Sash | Dupatta | Headscarf | Turban | Blouse => (second, Fabric::Silk, Motif::Plain),
        Saree | Lehenga => (main, Fabric::Cotton, Motif::Plain),
        Gown | Qipao | Dress => (main, Fabric::Silk, Motif::Plain),
        Chima | Jeogori => (main, Fabric::Silk, Motif::Plain),
        Keffiyeh => (srgb("#D8D2C6"), Fabric::Cotton, Motif::Checks),
        Cloak => (second, Fabric::Wool, Motif::Plain),
        _ => (main, Fabric::Cotton, Motif::Plain),
    };
    let trim = match kind {
        Fedora => srgb("#241E1C"),
        Garland => srgb("#DDD6C4"),
        Angavastram | Dupatta | Sherwani => [0.5, 0.33, 0.09],
        Shoes | Boots | Sandals | Heels | Sneakers | Zori => [0.09, 0.07, 0.06],
        NurseCap => srgb("#9E2B25"),
        Kimono | Gown | Saree | Lehenga => lighter(said.unwrap_or(main), second),
        _ => second,
    };
    Cloth { colour: said.unwrap_or(usual), second: trim, fabric: named.unwrap_or(fabric), motif }
}

/// A second colour that stands out on `colour`: `second`, or a paler or deeper shade.
fn lighter(colour: Rgb, second: Rgb) -> Rgb {
    let apart: f32 = colour.iter().zip(second).map(|(a, b)| (a - b).abs()).sum();
    if apart > 0.2 {
        second
    } else if colour.iter().sum::<f32>() < 0.9 {
        colour.map(|c| (c * 0.6 + 0.3).min(0.75))
    } else {
        colour.map(|c| c * 0.4)
    }
}

/// Layers from the inside out.
fn insert(design: &mut Design, piece: Piece) {
    design.pieces.push(piece);
    let layer = |k: Kind| match part(k) {
        Part::Top => 0,
        Part::Over => match k {
            Waistcoat => 1,
            Cardigan | Jacket | SuitJacket | LabCoat | Haori | Tailcoat => 2,
            TrenchCoat | Overcoat => 3,
            _ => 4,
        },
        Part::Legs => 5,
        _ => 6,
    };
    design.pieces.sort_by_key(|p| layer(p.kind));
}
