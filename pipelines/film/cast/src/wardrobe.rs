//! The dress table: what people of a culture wear, by gender, period, occasion and age; palettes of cloth, skin and hair.
//!
//! A culture is rows here, not code. The row that says most about a person wins; among equals the seed chooses.

use crate::design::{Fabric, HairStyle, Kind, Motif, Ornament};
use klieg_film_words::story::{Age, Gender, Occasion, Period, Region};

/// Which colour of a person's palette a piece takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Tone {
    /// The signature colour, with the contrast as its second.
    Main,
    /// The contrast, with the signature colour as its second.
    Second,
    /// A named colour (hex), with gold as its second.
    Fixed(&'static str),
}

/// A piece of an outfit.
pub(crate) type Item = (Kind, Tone, Fabric, Motif);

/// One way to dress.
pub(crate) struct Row {
    pub region: Region,
    /// `Neutral` rows dress anyone.
    pub gender: Gender,
    /// Empty: any.
    pub periods: &'static [Period],
    pub occasions: &'static [Occasion],
    pub ages: &'static [Age],
    pub items: &'static [Item],
    pub ornaments: &'static [Ornament],
    pub hair: &'static [HairStyle],
}

const WHITE: Tone = Tone::Fixed("#DDD8CC");
const CREAM: Tone = Tone::Fixed("#D9CBA8");
const BLACK: Tone = Tone::Fixed("#2A2829");
const GREY: Tone = Tone::Fixed("#6B6C70");
const BROWN: Tone = Tone::Fixed("#5A4030");
const TAN: Tone = Tone::Fixed("#B08D5C");
const NAVY: Tone = Tone::Fixed("#27324A");
const DENIM: Tone = Tone::Fixed("#3C5573");

use Fabric::*;
use HairStyle::*;
use Kind::*;
use Motif::{Buti, Checks, Floral, Plain, Stripes, Wax};
use Ornament::*;
use Tone::{Main, Second};

const ANY: Row = Row {
    region: Region::Western,
    gender: Gender::Neutral,
    periods: &[],
    occasions: &[],
    ages: &[],
    items: &[],
    ornaments: &[],
    hair: &[],
};
const F: Gender = Gender::Female;
const M: Gender = Gender::Male;
const YOUTH: &[Age] = &[Age::Infant, Age::Child];
const PAST: &[Period] = &[Period::Ancient, Period::Medieval];
const OLD_TIMES: &[Period] = &[Period::Ancient, Period::Medieval, Period::Victorian];
const FESTIVE: &[Occasion] = &[Occasion::Wedding, Occasion::Festival];
const BEST: &[Occasion] = &[Occasion::Wedding, Occasion::Ritual, Occasion::Festival, Occasion::Formal];

pub(crate) const ROWS: &[Row] = &[
    // South Indian
    Row {
        region: Region::SouthIndian,
        gender: F,
        items: &[(Blouse, Second, Silk, Plain), (Saree, Main, Cotton, Plain)],
        ornaments: &[Bindi, Bangles, Studs, Necklace],
        hair: &[Bun, Plait],
        ..ANY
    },
    Row {
        region: Region::SouthIndian,
        gender: F,
        occasions: BEST,
        items: &[(Blouse, Second, Silk, Plain), (Saree, Main, Silk, Buti)],
        ornaments: &[Bindi, Bangles, Jhumka, TempleNecklace, NoseStud],
        hair: &[Plait, Bun],
        ..ANY
    },
    Row {
        region: Region::SouthIndian,
        gender: F,
        ages: YOUTH,
        items: &[(Blouse, Second, Silk, Plain), (Lehenga, Main, Silk, Buti)],
        ornaments: &[Bindi, Bangles, Jhumka],
        hair: &[TwinPlaits, Plait],
        ..ANY
    },
    Row {
        region: Region::SouthIndian,
        gender: M,
        items: &[(ShortShirt, Main, Cotton, Plain), (Veshti, WHITE, Cotton, Plain), (Sandals, BROWN, Leather, Plain)],
        hair: &[SidePart, Slicked, Crop],
        ..ANY
    },
    Row {
        region: Region::SouthIndian,
        gender: M,
        occasions: &[Occasion::Work],
        items: &[(Shirt, Main, Cotton, Plain), (Trousers, GREY, Cotton, Plain), (Shoes, BROWN, Leather, Plain)],
        hair: &[SidePart, Slicked, Crop],
        ..ANY
    },
    Row {
        region: Region::SouthIndian,
        gender: M,
        occasions: BEST,
        items: &[(Shirt, CREAM, Silk, Plain), (Veshti, WHITE, Silk, Plain), (Angavastram, WHITE, Silk, Plain)],
        ornaments: &[Vibhuti],
        hair: &[SidePart, Slicked],
        ..ANY
    },
    Row {
        region: Region::SouthIndian,
        gender: M,
        periods: PAST,
        items: &[(Veshti, WHITE, Cotton, Plain), (Angavastram, Main, Silk, Plain)],
        ornaments: &[Vibhuti, Necklace, Studs],
        hair: &[TopKnot, Long],
        ..ANY
    },
    Row {
        region: Region::SouthIndian,
        gender: M,
        ages: YOUTH,
        items: &[(ShortShirt, Main, Cotton, Checks), (Trousers, BROWN, Cotton, Plain), (Sandals, BROWN, Leather, Plain)],
        hair: &[SidePart, Tousled, Crop],
        ..ANY
    },
    // North Indian
    Row {
        region: Region::NorthIndian,
        gender: F,
        items: &[
            (Kameez, Main, Cotton, Floral),
            (Salwar, Second, Cotton, Plain),
            (Dupatta, Second, Cotton, Plain),
            (Sandals, BROWN, Leather, Plain),
        ],
        ornaments: &[Bindi, Bangles, Studs],
        hair: &[Plait, Bun, Long],
        ..ANY
    },
    Row {
        region: Region::NorthIndian,
        gender: F,
        occasions: FESTIVE,
        items: &[(Blouse, Second, Silk, Buti), (Lehenga, Main, Silk, Buti), (Dupatta, Second, Silk, Plain)],
        ornaments: &[Bindi, Bangles, Jhumka, TempleNecklace, Tikka],
        hair: &[Bun, Plait],
        ..ANY
    },
    Row {
        region: Region::NorthIndian,
        gender: F,
        occasions: &[Occasion::Ritual, Occasion::Formal],
        items: &[(Blouse, Second, Silk, Plain), (Saree, Main, Silk, Buti)],
        ornaments: &[Bindi, Bangles, Jhumka, Necklace],
        hair: &[Bun],
        ..ANY
    },
    Row {
        region: Region::NorthIndian,
        gender: M,
        items: &[(Kurta, Main, Cotton, Plain), (Salwar, WHITE, Cotton, Plain), (Sandals, BROWN, Leather, Plain)],
        hair: &[SidePart, Crop, Tousled],
        ..ANY
    },
    Row {
        region: Region::NorthIndian,
        gender: M,
        items: &[
            (Kurta, WHITE, Cotton, Plain),
            (Waistcoat, Main, Wool, Plain),
            (Salwar, WHITE, Cotton, Plain),
            (Shoes, BROWN, Leather, Plain),
        ],
        hair: &[SidePart, Slicked],
        ..ANY
    },
    Row {
        region: Region::NorthIndian,
        gender: M,
        occasions: FESTIVE,
        items: &[(Sherwani, Main, Silk, Buti), (Salwar, CREAM, Silk, Plain), (Shoes, TAN, Leather, Plain)],
        hair: &[SidePart, Slicked],
        ..ANY
    },
    // Chinese
    Row {
        region: Region::Chinese,
        gender: F,
        items: &[(Qipao, Main, Silk, Floral), (Heels, Second, Leather, Plain)],
        ornaments: &[Studs],
        hair: &[Bun, Bob],
        ..ANY
    },
    Row {
        region: Region::Chinese,
        gender: F,
        periods: PAST,
        items: &[(Hanfu, Main, Silk, Floral), (Sash, Second, Silk, Plain), (Shoes, BLACK, Cotton, Plain)],
        ornaments: &[Kanzashi, Studs],
        hair: &[HighBun, Long],
        ..ANY
    },
    Row {
        region: Region::Chinese,
        gender: F,
        periods: &[Period::Modern],
        occasions: &[Occasion::Everyday, Occasion::Work],
        items: &[(Shirt, Main, Cotton, Plain), (Skirt, Second, Wool, Plain), (Shoes, BLACK, Leather, Plain)],
        hair: &[Bob, Ponytail, Long],
        ..ANY
    },
    Row {
        region: Region::Chinese,
        gender: M,
        items: &[(Changshan, Main, Silk, Plain), (Trousers, BLACK, Cotton, Plain), (Shoes, BLACK, Cotton, Plain)],
        hair: &[Slicked, Crop],
        ..ANY
    },
    Row {
        region: Region::Chinese,
        gender: M,
        periods: PAST,
        items: &[(Hanfu, Main, Silk, Plain), (Sash, Second, Silk, Plain), (Shoes, BLACK, Cotton, Plain)],
        hair: &[TopKnot],
        ..ANY
    },
    Row {
        region: Region::Chinese,
        gender: M,
        periods: &[Period::Modern],
        occasions: &[Occasion::Everyday, Occasion::Work],
        items: &[(Jacket, Main, Cotton, Plain), (Trousers, NAVY, Cotton, Plain), (Shoes, BLACK, Leather, Plain)],
        hair: &[Crop, SidePart, Tousled],
        ..ANY
    },
    // Japanese
    Row {
        region: Region::Japanese,
        gender: F,
        items: &[(Kimono, Main, Silk, Floral), (Obi, Second, Silk, Plain), (Zori, TAN, Straw, Plain)],
        ornaments: &[Kanzashi],
        hair: &[Bun, HimeCut, HighBun],
        ..ANY
    },
    Row {
        region: Region::Japanese,
        gender: F,
        periods: &[Period::Modern],
        occasions: &[Occasion::Work],
        items: &[
            (Shirt, WHITE, Cotton, Plain),
            (SuitJacket, Main, Wool, Plain),
            (Skirt, Main, Wool, Plain),
            (Shoes, BLACK, Leather, Plain),
        ],
        hair: &[Bob, Ponytail],
        ..ANY
    },
    Row {
        region: Region::Japanese,
        gender: F,
        periods: &[Period::Modern],
        ages: &[Age::Teen],
        items: &[(SailorTop, WHITE, Cotton, Plain), (Skirt, NAVY, Wool, Plain), (Shoes, BROWN, Leather, Plain)],
        hair: &[Bob, TwinPlaits, HimeCut],
        ..ANY
    },
    Row {
        region: Region::Japanese,
        gender: F,
        ages: YOUTH,
        items: &[(Kimono, Main, Cotton, Floral), (Obi, Second, Silk, Plain), (Zori, TAN, Straw, Plain)],
        ornaments: &[Flower],
        hair: &[HimeCut, Bob],
        ..ANY
    },
    Row {
        region: Region::Japanese,
        gender: M,
        items: &[(Kimono, Main, Cotton, Plain), (Obi, Second, Silk, Plain), (Zori, TAN, Straw, Plain)],
        hair: &[Crop, SidePart],
        ..ANY
    },
    Row {
        region: Region::Japanese,
        gender: M,
        ages: &[Age::Old],
        items: &[(Kimono, Main, Cotton, Plain), (Obi, Second, Silk, Plain), (Zori, TAN, Straw, Plain)],
        hair: &[Tonsure, Crop],
        ..ANY
    },
    Row {
        region: Region::Japanese,
        gender: M,
        occasions: BEST,
        items: &[(Kimono, Second, Silk, Plain), (Obi, CREAM, Silk, Plain), (Haori, Main, Silk, Plain), (Zori, TAN, Straw, Plain)],
        hair: &[Crop, SidePart],
        ..ANY
    },
    Row {
        region: Region::Japanese,
        gender: M,
        periods: PAST,
        items: &[(Kimono, Main, Cotton, Plain), (Hakama, Second, Cotton, Plain), (Zori, TAN, Straw, Plain)],
        hair: &[Chonmage, TopKnot],
        ..ANY
    },
    Row {
        region: Region::Japanese,
        gender: M,
        periods: &[Period::Modern],
        occasions: &[Occasion::Work],
        items: SUIT,
        hair: &[SidePart, Crop],
        ..ANY
    },
    // Korean
    Row {
        region: Region::Korean,
        gender: F,
        items: &[(Jeogori, Second, Silk, Plain), (Chima, Main, Silk, Plain)],
        hair: &[Bun, Plait],
        ..ANY
    },
    Row {
        region: Region::Korean,
        gender: M,
        items: &[(Jeogori, Main, Silk, Plain), (Salwar, Second, Silk, Plain), (Shoes, BLACK, Cotton, Plain)],
        hair: &[Crop, TopKnot],
        ..ANY
    },
    Row {
        region: Region::Korean,
        gender: M,
        periods: &[Period::Modern],
        occasions: &[Occasion::Everyday, Occasion::Work],
        items: SUIT,
        hair: &[SidePart, Crop],
        ..ANY
    },
    Row {
        region: Region::Korean,
        gender: F,
        periods: &[Period::Modern],
        occasions: &[Occasion::Everyday, Occasion::Work],
        items: &[(Cardigan, Main, Wool, Plain), (Skirt, Second, Wool, Plain), (Shoes, BLACK, Leather, Plain)],
        hair: &[Bob, Long, Ponytail],
        ..ANY
    },
    // Western
    Row {
        region: Region::Western,
        gender: F,
        items: &[(Dress, Main, Cotton, Floral), (Shoes, BROWN, Leather, Plain)],
        ornaments: &[Studs],
        hair: &[Wavy, Bob, Ponytail, Long],
        ..ANY
    },
    Row {
        region: Region::Western,
        gender: F,
        periods: &[Period::Modern],
        items: &[(Shirt, Main, Cotton, Plain), (Jeans, DENIM, Denim, Plain), (Sneakers, WHITE, Cotton, Plain)],
        ornaments: &[Studs],
        hair: &[Ponytail, Long, Bob, Curly],
        ..ANY
    },
    Row {
        region: Region::Western,
        gender: F,
        periods: &[Period::Modern],
        occasions: &[Occasion::Work],
        items: &[
            (Shirt, WHITE, Cotton, Plain),
            (SuitJacket, Main, Wool, Plain),
            (Trousers, Main, Wool, Plain),
            (Heels, BLACK, Leather, Plain),
        ],
        ornaments: &[Studs],
        hair: &[Bun, Bob, Ponytail],
        ..ANY
    },
    Row {
        region: Region::Western,
        gender: F,
        periods: &[Period::Noir],
        items: &[(Dress, Main, Silk, Plain), (Belt, Second, Leather, Plain), (Heels, BLACK, Leather, Plain)],
        ornaments: &[Pearls, Studs],
        hair: &[Wavy],
        ..ANY
    },
    Row {
        region: Region::Western,
        gender: F,
        periods: OLD_TIMES,
        items: &[(Gown, Main, Silk, Plain), (Shoes, BROWN, Leather, Plain)],
        ornaments: &[Necklace],
        hair: &[Bun, HighBun],
        ..ANY
    },
    Row {
        region: Region::Western,
        gender: F,
        occasions: BEST,
        items: &[(Gown, Main, Silk, Plain), (Heels, BLACK, Leather, Plain)],
        ornaments: &[Pearls, Studs],
        hair: &[Bun, Wavy],
        ..ANY
    },
    Row {
        region: Region::Western,
        gender: F,
        ages: &[Age::Old],
        items: &[(Dress, Second, Cotton, Floral), (Cardigan, Main, Wool, Plain), (Shoes, BROWN, Leather, Plain)],
        ornaments: &[Glasses, Pearls],
        hair: &[Bun, Curly],
        ..ANY
    },
    Row {
        region: Region::Western,
        gender: M,
        items: &[
            (Shirt, Main, Cotton, Plain),
            (Jeans, DENIM, Denim, Plain),
            (Belt, BROWN, Leather, Plain),
            (Shoes, BROWN, Leather, Plain),
        ],
        hair: &[SidePart, Tousled, Crop, Curly],
        ..ANY
    },
    Row { region: Region::Western, gender: M, periods: &[Period::Noir], items: SUIT_HAT, hair: &[Slicked, SidePart], ..ANY },
    Row { region: Region::Western, gender: M, occasions: BEST, items: SUIT, hair: &[Slicked, SidePart], ..ANY },
    Row { region: Region::Western, gender: M, occasions: &[Occasion::Work], items: SUIT, hair: &[Slicked, SidePart], ..ANY },
    Row {
        region: Region::Western,
        gender: M,
        periods: OLD_TIMES,
        items: &[
            (Shirt, WHITE, Cotton, Plain),
            (Waistcoat, Main, Silk, Plain),
            (BowTie, Second, Silk, Plain),
            (Tailcoat, BLACK, Wool, Plain),
            (Trousers, GREY, Wool, Plain),
            (Boots, BLACK, Leather, Plain),
        ],
        hair: &[SidePart, Tousled],
        ..ANY
    },
    Row {
        region: Region::Western,
        gender: M,
        ages: &[Age::Old],
        items: &[
            (Shirt, WHITE, Cotton, Plain),
            (Cardigan, Main, Wool, Plain),
            (Trousers, BROWN, Wool, Plain),
            (Shoes, BROWN, Leather, Plain),
        ],
        ornaments: &[Glasses],
        hair: &[Tonsure, SidePart, Bald],
        ..ANY
    },
    Row {
        region: Region::Western,
        gender: Gender::Neutral,
        ages: YOUTH,
        items: &[(TShirt, Main, Cotton, Stripes), (Jeans, DENIM, Denim, Plain), (Sneakers, Second, Cotton, Plain)],
        hair: &[Tousled, Bob, Curly],
        ..ANY
    },
    // Middle Eastern
    Row {
        region: Region::MiddleEastern,
        gender: F,
        items: &[(Abaya, Main, Cotton, Plain), (Headscarf, Second, Cotton, Plain), (Shoes, BROWN, Leather, Plain)],
        hair: &[Bun],
        ..ANY
    },
    Row {
        region: Region::MiddleEastern,
        gender: F,
        occasions: BEST,
        items: &[
            (Kaftan, Main, Silk, Buti),
            (Sash, Second, Silk, Plain),
            (Headscarf, Second, Silk, Plain),
            (Shoes, TAN, Leather, Plain),
        ],
        ornaments: &[Necklace, Bangles],
        hair: &[Long],
        ..ANY
    },
    Row {
        region: Region::MiddleEastern,
        gender: M,
        items: &[(Thobe, WHITE, Cotton, Plain), (Keffiyeh, Main, Cotton, Checks), (Sandals, BROWN, Leather, Plain)],
        hair: &[Crop],
        ..ANY
    },
    Row {
        region: Region::MiddleEastern,
        gender: M,
        items: &[
            (Thobe, CREAM, Cotton, Plain),
            (Waistcoat, Main, Wool, Plain),
            (Turban, Second, Cotton, Plain),
            (Sandals, BROWN, Leather, Plain),
        ],
        hair: &[Crop],
        ..ANY
    },
    // African
    Row {
        region: Region::African,
        gender: F,
        items: &[(WrapDress, Main, Cotton, Wax), (Headwrap, Main, Cotton, Wax), (Sandals, BROWN, Leather, Plain)],
        ornaments: &[Beads, Studs, Bangles],
        hair: &[Afro],
        ..ANY
    },
    Row {
        region: Region::African,
        gender: F,
        items: &[(WrapDress, Main, Cotton, Wax), (Sandals, BROWN, Leather, Plain)],
        ornaments: &[Beads, Studs],
        hair: &[Afro, Curly, TwinPlaits],
        ..ANY
    },
    Row {
        region: Region::African,
        gender: M,
        items: &[(Dashiki, Main, Cotton, Wax), (Trousers, Second, Cotton, Plain), (Sandals, BROWN, Leather, Plain)],
        hair: &[Crop, Afro],
        ..ANY
    },
    Row {
        region: Region::African,
        gender: M,
        occasions: BEST,
        items: &[(Agbada, Main, Cotton, Buti), (Trousers, Main, Cotton, Plain), (Shoes, BROWN, Leather, Plain)],
        ornaments: &[Beads],
        hair: &[Crop],
        ..ANY
    },
    // Fantasy
    Row {
        region: Region::Fantasy,
        gender: F,
        items: &[
            (Gown, Main, Wool, Plain),
            (Sash, Second, Leather, Plain),
            (Cloak, Second, Wool, Plain),
            (Boots, BROWN, Leather, Plain),
        ],
        hair: &[Long, Plait],
        ..ANY
    },
    Row {
        region: Region::Fantasy,
        gender: M,
        items: &[
            (Tunic, Main, Wool, Plain),
            (Trousers, BROWN, Wool, Plain),
            (Belt, BROWN, Leather, Plain),
            (Cloak, Second, Wool, Plain),
            (Boots, BROWN, Leather, Plain),
        ],
        hair: &[Tousled, Long],
        ..ANY
    },
    Row {
        region: Region::Fantasy,
        gender: M,
        occasions: &[Occasion::Work],
        items: &[
            (Tunic, Main, Wool, Plain),
            (Armour, GREY, Metal, Plain),
            (Trousers, BROWN, Wool, Plain),
            (Boots, BROWN, Leather, Plain),
        ],
        hair: &[Tousled, Crop],
        ..ANY
    },
    // Science fiction
    Row {
        region: Region::ScienceFiction,
        gender: F,
        items: &[(SpaceSuit, Main, Cotton, Plain), (Boots, GREY, Leather, Plain)],
        hair: &[Bob, Ponytail, Bun],
        ..ANY
    },
    Row {
        region: Region::ScienceFiction,
        gender: M,
        items: &[(SpaceSuit, Main, Cotton, Plain), (Boots, GREY, Leather, Plain)],
        hair: &[Crop, SidePart, Bald],
        ..ANY
    },
    Row {
        region: Region::ScienceFiction,
        gender: M,
        items: &[(Jacket, Main, Leather, Plain), (Trousers, NAVY, Cotton, Plain), (Boots, BLACK, Leather, Plain)],
        hair: &[Crop, Tousled],
        ..ANY
    },
];

pub(crate) const SUIT: &[Item] = &[
    (Shirt, WHITE, Cotton, Plain),
    (Tie, Second, Silk, Plain),
    (SuitJacket, Main, Wool, Plain),
    (Trousers, Main, Wool, Plain),
    (Shoes, BLACK, Leather, Plain),
];
const SUIT_HAT: &[Item] = &[
    (Shirt, WHITE, Cotton, Plain),
    (Tie, Second, Silk, Plain),
    (SuitJacket, Main, Wool, Plain),
    (Trousers, Main, Wool, Plain),
    (Shoes, BLACK, Leather, Plain),
    (Fedora, Main, Felt, Plain),
];

/// The outfit for a person, and the `n`-th alternative to it.
pub(crate) fn row(region: Region, gender: Gender, period: Period, occasion: Occasion, age: Age, n: u64) -> &'static Row {
    let gender = if gender == Gender::Neutral && n.is_multiple_of(2) {
        M
    } else if gender == Gender::Neutral {
        F
    } else {
        gender
    };
    let fits = |r: &&Row| {
        r.region == region
            && (r.gender == gender || r.gender == Gender::Neutral)
            && (r.periods.is_empty() || r.periods.contains(&period))
            && (r.occasions.is_empty() || r.occasions.contains(&occasion))
            && (r.ages.is_empty() || r.ages.contains(&age))
    };
    let weight = |r: &&Row| u8::from(!r.periods.is_empty()) + u8::from(!r.occasions.is_empty()) + 2 * u8::from(!r.ages.is_empty());
    let most = ROWS.iter().filter(fits).map(|r| weight(&r)).max().unwrap_or(0);
    let best: Vec<&Row> = ROWS.iter().filter(fits).filter(|r| weight(r) == most).collect();
    best.get((n % best.len().max(1) as u64) as usize).copied().unwrap_or(&ROWS[0])
}

/// Signature and contrast colours.
pub(crate) fn palette(region: Region, gender: Gender, period: Period) -> &'static [(&'static str, &'static str)] {
    match (region, gender) {
        (Region::SouthIndian, Gender::Male) => &[
            ("#7F9DB5", "#C8A24A"),
            ("#C9A65A", "#7A2B20"),
            ("#8FA77E", "#C8A24A"),
            ("#A87C6C", "#C8A24A"),
            ("#B7B0C4", "#7A2B20"),
        ],
        (Region::SouthIndian, _) => &[
            ("#B3262B", "#2F6B3A"),
            ("#D79A24", "#8C1F3B"),
            ("#4F7A3A", "#B3262B"),
            ("#7A2358", "#D79A24"),
            ("#1F5C6B", "#C0392B"),
            ("#C4602A", "#3A3F7A"),
            ("#3A3F7A", "#C9762A"),
        ],
        (Region::NorthIndian, Gender::Male) => &[
            ("#E0A030", "#B83A6B"),
            ("#5C7A9E", "#E8892B"),
            ("#8A3B3B", "#C9A227"),
            ("#4E7A55", "#E8892B"),
            ("#B98B5E", "#6B2737"),
        ],
        (Region::NorthIndian, _) => &[
            ("#B83A6B", "#E8A02B"),
            ("#E8892B", "#8C2350"),
            ("#C9A227", "#2E7468"),
            ("#2E7468", "#E8892B"),
            ("#8E3A8A", "#C9A227"),
        ],
        (Region::Chinese, _) => &[
            ("#9E2B25", "#D0A54A"),
            ("#5B8C6E", "#E3D5B0"),
            ("#2E3C5A", "#B8935A"),
            ("#7C4A63", "#D9C08A"),
            ("#8A8F99", "#9E2B25"),
        ],
        (Region::Japanese, Gender::Male) => &[
            ("#2E4068", "#B7A97A"),
            ("#55503F", "#A8754A"),
            ("#4A5A52", "#B7A97A"),
            ("#6B4A3E", "#C9B88A"),
            ("#5A5A66", "#8F7A4A"),
        ],
        (Region::Japanese, _) => &[
            ("#CF8598", "#7C8F4E"),
            ("#D9B13F", "#A83E4A"),
            ("#5B7FA6", "#D9A0A8"),
            ("#7A5C8E", "#D8B868"),
            ("#B5483F", "#D9C48A"),
            ("#6E9A86", "#C9788C"),
        ],
        (Region::Korean, _) => &[
            ("#C05A6E", "#9CC3D5"),
            ("#5E93B8", "#F0C3A8"),
            ("#D9A441", "#7FA88A"),
            ("#7FA88A", "#D98A8A"),
            ("#6A5C9A", "#E0C98A"),
        ],
        (Region::Western, _) if period == Period::Noir => &[
            ("#4A4F59", "#7A2B2B"),
            ("#5A4A3E", "#2F4A5A"),
            ("#7A1F28", "#1E1E22"),
            ("#3B4A42", "#8A6A3A"),
            ("#55506A", "#2A2A30"),
        ],
        (Region::Western, _) if matches!(period, Period::Victorian | Period::Medieval | Period::Ancient) => &[
            ("#5E1F2B", "#C9B58A"),
            ("#4A5A3A", "#B08D5C"),
            ("#3A4A66", "#C9B58A"),
            ("#7A5A34", "#5E1F2B"),
            ("#5A3F5E", "#C9B58A"),
        ],
        (Region::Western, _) => &[
            ("#A8483E", "#E0D4B8"),
            ("#3F6A8A", "#D9A441"),
            ("#5E7A4A", "#D8C8A0"),
            ("#C9963A", "#3F5A7A"),
            ("#7A5A86", "#D8C0B0"),
            ("#3E7A78", "#D98A5A"),
        ],
        (Region::MiddleEastern, _) => &[
            ("#2B5A66", "#D2A679"),
            ("#7A3B4A", "#D9B88A"),
            ("#A8742E", "#2A6F6D"),
            ("#3A3A4A", "#C9A25A"),
            ("#5E6E3A", "#D9B88A"),
        ],
        (Region::African, _) => &[
            ("#C6862C", "#234E9A"),
            ("#234E9A", "#E0A53A"),
            ("#3C7D3A", "#D9982E"),
            ("#B5442E", "#E0B84A"),
            ("#7A2F6A", "#D9A441"),
        ],
        (Region::Fantasy, _) => &[
            ("#5A6B3A", "#8A6A3E"),
            ("#5E4A7A", "#A8803E"),
            ("#7A4A2E", "#4A5A4A"),
            ("#3E5A6A", "#8A6A3E"),
            ("#7A2F35", "#5A5A4A"),
        ],
        (Region::ScienceFiction, _) => &[
            ("#C4C8CC", "#E0662B"),
            ("#4A5A6E", "#E0662B"),
            ("#B8542A", "#C4C8CC"),
            ("#3E6E78", "#D8D8D0"),
            ("#5E5A6E", "#5FC4C9"),
        ],
    }
}

/// Twelve skin tones from deep brown to pale.
pub(crate) const SKINS: [&str; 12] = [
    "#4E2F22", "#5E3A29", "#704731", "#84573B", "#976846", "#A87852", "#B98862", "#C89774", "#D5A787", "#E0B697", "#E8C4A8",
    "#EDD0B9",
];

/// First and last of [`SKINS`] usual for a region.
pub(crate) fn skins(region: Region) -> (usize, usize) {
    match region {
        Region::SouthIndian => (3, 6),
        Region::NorthIndian => (4, 8),
        Region::Chinese | Region::Korean | Region::Japanese => (8, 10),
        Region::Western => (8, 11),
        Region::MiddleEastern => (5, 8),
        Region::African => (0, 3),
        Region::Fantasy => (7, 11),
        Region::ScienceFiction => (1, 11),
    }
}

/// Hair colours of the young.
pub(crate) fn hair_colours(region: Region) -> &'static [&'static str] {
    match region {
        Region::Western => &["#3A2A20", "#5C3F28", "#8A6238", "#B58E55", "#7A3A20", "#241C1A"],
        Region::Fantasy => &["#3A2A20", "#8A4A24", "#C4A468", "#5C3F28"],
        Region::ScienceFiction => &["#2A2422", "#5C3F28", "#8A6238", "#241C1A"],
        _ => &["#1D1817", "#231C1A", "#2A211D"],
    }
}

/// Iris colours.
pub(crate) fn irises(region: Region) -> &'static [&'static str] {
    match region {
        Region::Western | Region::Fantasy => &["#5A7FA0", "#6B8A5A", "#7A5230", "#8A6A3E", "#5C3F24"],
        Region::ScienceFiction => &["#5A7FA0", "#7A5230", "#5C3F24"],
        _ => &["#6B4423", "#5A3A1E", "#7A4E26"],
    }
}
