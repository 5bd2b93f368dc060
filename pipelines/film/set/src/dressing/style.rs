//! How a culture builds and what colours it lives in.

use crate::SetBrief;
use crate::stuff::*;
use klieg_film_words::story::Region;
use klieg_kernels::scene::Material;

/// The roof a culture puts on a common house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roof {
    Tiled,
    Thatched,
    Flat,
    /// Tiled with eaves that curve upwards.
    Curved,
    Slate,
    Dome,
}

/// A culture's building palette.
#[derive(Clone, Debug)]
pub struct Style {
    pub wall: Material,
    /// Lower wall, plinth.
    pub dado: Material,
    pub floor: Material,
    pub wood: Material,
    pub trim: Material,
    pub roof: Material,
    pub form: Roof,
    pub cloth: Material,
    pub cloth2: Material,
    pub rug: Material,
    pub soil: Material,
    /// Pots, crockery, small things.
    pub pot: Material,
    pub accent: &'static str,
    pub leaf: &'static str,
}

/// The palette for a brief.
pub fn style(brief: &SetBrief) -> Style {
    match brief.region() {
        Region::SouthIndian => south_indian(),
        Region::NorthIndian => north_indian(),
        Region::Chinese => east(
            plaster("#D6CBB6"),
            "#7E2A22",
            "#4C5253",
            flagstone("#7C7F7D", "#55585A", 0.6),
            silk("#9E2B25", "#E0B65A"),
            cloth("#5B8C6E"),
        ),
        Region::Japanese => east(plaster("#D8CBAC"), "#6E4E38", "#454B54", tatami(), cloth("#2E4068"), silk("#E4B3BE", "#FBEFF0")),
        Region::Korean => {
            east(plaster("#E4DCCB"), "#84603F", "#434A51", planks("#B98F58", 0.24), silk("#9CC3D5", "#F4F4EE"), cloth("#F0C3A8"))
        }
        Region::MiddleEastern => middle_eastern(),
        Region::African => african(),
        Region::Fantasy => fantasy(),
        Region::ScienceFiction => science_fiction(),
        Region::Western if brief.old_days() || brief.noir() => western_old(),
        Region::Western => western(),
    }
}

fn south_indian() -> Style {
    Style {
        wall: plaster("#E4D3AE"),
        dado: plaster("#A8503A"),
        floor: Material { coat: 0.35, roughness: 0.4, ..plaster("#8A3B2D") },
        wood: wood("#64402A"),
        trim: paint("#2F6F73"),
        roof: roof_tile("#A4522F"),
        form: Roof::Tiled,
        cloth: silk("#C8342B", "#E3A72F"),
        cloth2: cloth("#E3A72F"),
        rug: striped("#B5392B", "#E3A72F", 0.22),
        soil: soil("#A4643F"),
        pot: brass(),
        accent: "#E3A72F",
        leaf: "#4F7A3A",
    }
}

fn north_indian() -> Style {
    Style {
        wall: plaster("#DDB184"),
        dado: plaster("#B4724B"),
        floor: flagstone("#B98B5E", "#80603F", 0.7),
        wood: wood("#6A4426"),
        trim: paint("#2C6C8C"),
        roof: plaster("#C79A6A"),
        form: Roof::Flat,
        cloth: silk("#B83A6B", "#E9BE4C"),
        cloth2: cloth("#C9A227"),
        rug: striped("#B83A6B", "#E8892B", 0.3),
        soil: soil("#AD8557"),
        pot: brass(),
        accent: "#E8892B",
        leaf: "#5C7E36",
    }
}

fn east(wall: Material, timber: &str, tile: &str, floor: Material, a: Material, b: Material) -> Style {
    Style {
        wall,
        dado: planks(timber, 0.3),
        floor,
        wood: wood(timber),
        trim: wood(timber),
        roof: roof_tile(tile),
        form: Roof::Curved,
        cloth: a,
        cloth2: b,
        rug: felt("#8A4A3C"),
        soil: soil("#8C7A5E"),
        pot: lacquer("#5B7F86"),
        accent: "#9E2B25",
        leaf: "#557A3E",
    }
}

fn middle_eastern() -> Style {
    Style {
        wall: plaster("#D8B88A"),
        dado: checker("#2B7A78", "#E7DCC4", 0.14),
        floor: flagstone("#CDAE83", "#9A7C55", 0.5),
        wood: wood("#6E4A2E"),
        trim: paint("#2B7A78"),
        roof: plaster("#CFAE80"),
        form: Roof::Dome,
        cloth: silk("#2B7A78", "#E5B04A"),
        cloth2: cloth("#D9902F"),
        rug: floral("#7E2530", "#D9B36C", 0.3),
        soil: sand("#CFA878"),
        pot: metal("#B9763E", 0.3),
        accent: "#2B7A78",
        leaf: "#6C8A45",
    }
}

fn african() -> Style {
    Style {
        wall: plaster("#B98258"),
        dado: plaster("#6E4630"),
        floor: soil("#A2643B"),
        wood: wood("#58381F"),
        trim: paint("#234E9A"),
        roof: thatch("#B79A5C"),
        form: Roof::Thatched,
        cloth: wax_print("#C6862C", "#234E9A", 0.3),
        cloth2: wax_print("#3C7D3A", "#E6C04A", 0.34),
        rug: striped("#C6862C", "#3C2A1E", 0.2),
        soil: soil("#A67852"),
        pot: stone("#8E4B2C"),
        accent: "#C6862C",
        leaf: "#5F8A3C",
    }
}

fn fantasy() -> Style {
    Style {
        wall: plaster("#CDBF9E"),
        dado: stone("#7F7C72"),
        floor: flagstone("#8C877A", "#5E5A50", 0.6),
        wood: wood("#54391F"),
        trim: wood("#3F2A1A"),
        roof: thatch("#8B7A45"),
        form: Roof::Thatched,
        cloth: cloth("#5A3F7C"),
        cloth2: cloth("#4C6B45"),
        rug: floral("#5A3F7C", "#B98B4A", 0.4),
        soil: soil("#6F6247"),
        pot: metal("#A97842", 0.35),
        accent: "#B98B4A",
        leaf: "#4E7A4A",
    }
}

fn science_fiction() -> Style {
    Style {
        wall: panels("#8792A0", 0.9),
        dado: panels("#3A4552", 0.7),
        floor: panels("#323A45", 0.6),
        wood: paint("#C9CED4"),
        trim: lacquer("#F26B2B"),
        roof: panels("#5A6470", 1.1),
        form: Roof::Flat,
        cloth: cloth("#2B3440"),
        cloth2: cloth("#F26B2B"),
        rug: felt("#33404E"),
        soil: soil("#6B6560"),
        pot: lacquer("#DDE3E8"),
        accent: "#F26B2B",
        leaf: "#5C9A72",
    }
}

fn western() -> Style {
    Style {
        wall: plaster("#A7B4A4"),
        dado: planks("#E6DECF", 0.14),
        floor: planks("#8C6441", 0.16),
        wood: wood("#80573A"),
        trim: paint("#E9E1D2"),
        roof: roof_tile("#5E4D49"),
        form: Roof::Slate,
        cloth: cloth("#3C6E75"),
        cloth2: cloth("#D0A03C"),
        rug: floral("#7A3B38", "#D9B98B", 0.4),
        soil: soil("#7C6A4E"),
        pot: lacquer("#C7D3D1"),
        accent: "#D0A03C",
        leaf: "#5B7F3E",
    }
}

fn western_old() -> Style {
    Style {
        wall: floral("#66705A", "#7E8768", 0.24),
        dado: planks("#4E3524", 0.22),
        floor: planks("#5C4029", 0.18),
        wood: wood("#4E3423"),
        trim: wood("#3C281B"),
        roof: roof_tile("#4B4644"),
        form: Roof::Slate,
        cloth: cloth("#5E1F2B"),
        cloth2: cloth("#8A7A52"),
        rug: floral("#5E1F2B", "#B08A55", 0.35),
        soil: soil("#64563F"),
        pot: lacquer("#8E9CA0"),
        accent: "#8A2A30",
        leaf: "#55733A",
    }
}
