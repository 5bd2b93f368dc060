//! Who someone is to look at: every choice made, nothing built.

use crate::skeleton::Figure;
use klieg_film_words::shot::Stature;
use klieg_film_words::story::{Age, Build, Culture, Gender, Occasion, Period};
use klieg_kernels::scene::Rgb;
use serde::{Deserialize, Serialize};

/// All choices resolved; the same character always gets the same design. Colours are linear Rec. 709.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Design {
    pub name: String,
    pub seed: u64,
    pub culture: Culture,
    pub period: Period,
    pub occasion: Occasion,
    pub gender: Gender,
    pub age: Age,
    pub build: Build,
    /// Standing height to the crown of the bare head, metres.
    pub height: f32,
    /// Chin to crown, metres.
    pub head: f32,
    pub skin: Rgb,
    pub iris: Rgb,
    pub lips: Rgb,
    pub hair: Hair,
    pub beard: Beard,
    pub face: Traits,
    /// Worn, innermost first.
    pub pieces: Vec<Piece>,
    pub ornaments: Vec<Ornament>,
}

/// What varies between faces; 0 is average, ±1 far from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Traits {
    pub nose_length: f32,
    pub nose_width: f32,
    pub cheeks: f32,
    pub jaw: f32,
    pub eyes: f32,
    pub mouth: f32,
    pub brows: f32,
    pub ears: f32,
    /// Lines around the eyes: 0 none, 1 kajal.
    pub kajal: f32,
    /// How far the upper lid covers the eye at rest, 0–1.
    pub hooded: f32,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hair {
    pub style: HairStyle,
    pub colour: Rgb,
    /// A string of jasmine in it.
    pub jasmine: bool,
}

/// Hair as a silhouette.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HairStyle {
    Bald,
    /// Bald on top, a ring of hair around.
    Tonsure,
    Crop,
    SidePart,
    Slicked,
    Curly,
    Afro,
    Bob,
    Wavy,
    Long,
    Bun,
    HighBun,
    Plait,
    TwinPlaits,
    Ponytail,
    TopKnot,
    Chonmage,
    HimeCut,
    Tousled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Beard {
    None,
    Stubble,
    Moustache,
    Goatee,
    Full,
    Long,
}

/// A garment and what it is made of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Piece {
    pub kind: Kind,
    pub cloth: Cloth,
}

/// Colours, weave and ornament of a cloth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cloth {
    pub colour: Rgb,
    /// Border, lining, motif, trim.
    pub second: Rgb,
    pub fabric: Fabric,
    pub motif: Motif,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fabric {
    Cotton,
    Silk,
    Wool,
    Felt,
    Denim,
    Leather,
    Straw,
    Metal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Motif {
    Plain,
    Buti,
    Floral,
    Stripes,
    Wax,
    Checks,
}

/// Garments by cut. What each looks like is a row of the table in `cut.rs`; drapes, hats and shoes have builders of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    // Upper body
    Blouse,
    Shirt,
    ShortShirt,
    TShirt,
    Waistcoat,
    Jacket,
    SuitJacket,
    Tailcoat,
    TrenchCoat,
    Overcoat,
    LabCoat,
    Scrubs,
    SailorTop,
    Cardigan,
    Kameez,
    Kurta,
    Sherwani,
    Changshan,
    Qipao,
    Hanfu,
    Kimono,
    Haori,
    Jeogori,
    Dress,
    Gown,
    Abaya,
    Kaftan,
    Thobe,
    Dashiki,
    Agbada,
    WrapDress,
    Tunic,
    SpaceSuit,
    // Lower body
    Trousers,
    Jeans,
    Salwar,
    Skirt,
    Lehenga,
    Chima,
    Hakama,
    Saree,
    Veshti,
    // Drapes and bands
    Pallu,
    Angavastram,
    Dupatta,
    Shawl,
    Scarf,
    Garland,
    Cloak,
    Apron,
    Obi,
    Sash,
    Belt,
    Tie,
    BowTie,
    Stethoscope,
    LongGloves,
    Armour,
    // Head
    Fedora,
    Bowler,
    Cap,
    StrawHat,
    NurseCap,
    Turban,
    Headwrap,
    Headscarf,
    Keffiyeh,
    Hood,
    // Feet
    Sandals,
    Shoes,
    Heels,
    Boots,
    Zori,
    Sneakers,
}

/// Small things on the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ornament {
    Bangles,
    Jhumka,
    Studs,
    Necklace,
    TempleNecklace,
    Pearls,
    Tikka,
    NoseStud,
    Bindi,
    Vibhuti,
    Naamam,
    SacredThread,
    Glasses,
    WaistChain,
    Flower,
    Kanzashi,
    Beads,
}

impl Design {
    /// How tall they are, for framing.
    pub fn stature(&self) -> Stature {
        let f = Figure::of(self);
        let eyes = f.at(crate::Joint::Head).y + f.body.eyes[0].y;
        Stature { height: self.height, eyes, head: self.head, half_width: f.body.half_width }
    }

    /// Whether a piece of this kind is worn.
    pub fn wears(&self, kind: Kind) -> bool {
        self.pieces.iter().any(|p| p.kind == kind)
    }

    /// Whether this ornament is worn.
    pub fn has(&self, ornament: Ornament) -> bool {
        self.ornaments.contains(&ornament)
    }
}
