//! What puppets are made of.

use crate::design::{Cloth, Design, Fabric, Motif};
use crate::field::step;
use glam::Vec3;
use klieg_kernels::scene::{Material, Pattern, Rgb};

fn scaled(c: Rgb, k: f32) -> Rgb {
    c.map(|v| (v * k).clamp(0.012, 0.8))
}

/// Clay skin.
pub(crate) fn skin(colour: Rgb) -> Material {
    Material {
        base: colour,
        second: scaled(colour, 0.8),
        pattern: Pattern::Clay,
        scale: 30.0,
        bump: 0.05,
        variation: 0.06,
        roughness: 0.55,
        wrap: 0.45,
        ..Default::default()
    }
}

pub(crate) fn lips(colour: Rgb) -> Material {
    Material { base: colour, second: colour, variation: 0.05, roughness: 0.38, wrap: 0.4, coat: 0.35, ..Default::default() }
}

pub(crate) fn lash() -> Material {
    Material { base: [0.014, 0.012, 0.012], roughness: 0.6, variation: 0.0, ..Default::default() }
}

pub(crate) fn brow(colour: Rgb) -> Material {
    Material {
        base: colour,
        second: scaled(colour, 0.5),
        pattern: Pattern::Felt,
        scale: 200.0,
        bump: 0.4,
        variation: 0.2,
        roughness: 0.9,
        sheen: 0.3,
        sheen_color: colour,
        ..Default::default()
    }
}

pub(crate) fn eyeball() -> Material {
    Material { base: [0.72, 0.7, 0.66], variation: 0.02, roughness: 0.25, coat: 1.0, wrap: 0.2, ..Default::default() }
}

pub(crate) fn iris(colour: Rgb) -> Material {
    Material {
        base: colour,
        second: scaled(colour, 0.45),
        pattern: Pattern::Iris,
        scale: 1.0,
        variation: 0.1,
        roughness: 0.3,
        coat: 1.0,
        ..Default::default()
    }
}

/// The painted catch-light.
pub(crate) fn glint() -> Material {
    Material { base: [0.8; 3], variation: 0.0, roughness: 0.2, emission: [1.15; 3], ..Default::default() }
}

pub(crate) fn mouth() -> Material {
    Material { base: [0.045, 0.012, 0.012], variation: 0.05, roughness: 0.7, ..Default::default() }
}

pub(crate) fn teeth() -> Material {
    Material { base: [0.74, 0.7, 0.62], variation: 0.03, roughness: 0.3, coat: 0.5, ..Default::default() }
}

pub(crate) fn tongue() -> Material {
    Material { base: [0.5, 0.13, 0.13], variation: 0.1, roughness: 0.4, wrap: 0.3, coat: 0.3, ..Default::default() }
}

/// The colour of a puppet's hair as it is made. Lamps are set for the skin, brighter on dark skin: beside it grey and white hair
/// would burn out, so that it is made darker by as much.
pub(crate) fn hair_colour(design: &Design) -> Rgb {
    let luminance = |c: Rgb| 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2];
    let pale = step(0.1, 0.25, luminance(design.hair.colour));
    let exposed = 0.88 * (luminance(design.skin) / 0.36).clamp(0.3, 1.0).sqrt();
    design.hair.colour.map(|v| v * (1.0 + (exposed - 1.0) * pale))
}

/// Sculpted strands; coordinates run along the strand in y, from root to tip, as many a metre as across.
pub(crate) fn hair(colour: Rgb) -> Material {
    Material {
        base: colour,
        // Grey locks glint white, dark ones brown: of pale hair only a little is paler.
        second: scaled(colour, 1.7 - 0.6 * (colour[1] / 0.4).min(1.0)),
        pattern: Pattern::Strands,
        scale: 1.0,
        bump: 0.4,
        variation: 0.15,
        roughness: 0.42,
        sheen: 0.2 - 0.12 * (colour[1] / 0.4).min(1.0),
        sheen_color: scaled(colour, 2.5),
        ..Default::default()
    }
}

/// The tint that turns hair into skin: where hair is thin, part of it shows.
pub(crate) fn skin_through_hair(design: &Design) -> Vec3 {
    let hair = hair_colour(design);
    Vec3::from(std::array::from_fn(|i| (design.skin[i] / hair[i].max(0.01)).clamp(0.5, 9.0)))
}

pub(crate) fn gold() -> Material {
    Material {
        base: [0.78, 0.52, 0.16],
        second: [0.5, 0.3, 0.08],
        variation: 0.1,
        roughness: 0.25,
        metallic: 1.0,
        ..Default::default()
    }
}

pub(crate) fn pearl() -> Material {
    Material { base: [0.75, 0.71, 0.66], variation: 0.03, roughness: 0.25, coat: 0.6, ..Default::default() }
}

pub(crate) fn gem(colour: Rgb) -> Material {
    Material { base: colour, variation: 0.0, roughness: 0.2, coat: 1.0, ..Default::default() }
}

/// A flat painted mark on the skin.
pub(crate) fn paint(colour: Rgb) -> Material {
    Material { base: colour, variation: 0.05, roughness: 0.7, ..Default::default() }
}

pub(crate) fn petals(colour: Rgb) -> Material {
    Material {
        base: colour,
        second: scaled(colour, 0.7),
        pattern: Pattern::Felt,
        scale: 150.0,
        bump: 0.3,
        variation: 0.15,
        roughness: 0.85,
        translucency: 0.2,
        wrap: 0.3,
        ..Default::default()
    }
}

pub(crate) fn steel() -> Material {
    Material { base: [0.6, 0.6, 0.62], variation: 0.05, roughness: 0.25, metallic: 1.0, ..Default::default() }
}

pub(crate) fn leather(colour: Rgb) -> Material {
    Material {
        base: colour,
        second: scaled(colour, 0.6),
        pattern: Pattern::Clay,
        scale: 60.0,
        bump: 0.1,
        variation: 0.2,
        roughness: 0.42,
        coat: 0.15,
        ..Default::default()
    }
}

/// Shot silk: the warp's colour at grazing angles, half the second colour.
fn sheen(colour: Rgb, second: Rgb) -> Rgb {
    std::array::from_fn(|i| (0.25 + 0.5 * colour[i] + 0.5 * second[i]).min(0.8))
}

impl Cloth {
    /// The body of the cloth. Coordinates are metres.
    pub(crate) fn material(&self) -> Material {
        let base = Material { base: self.colour, second: scaled(self.colour, 0.72), variation: 0.14, ..Default::default() };
        let m = match self.fabric {
            Fabric::Cotton => Material {
                second: scaled(self.colour, 0.86),
                pattern: Pattern::Weave,
                scale: 150.0,
                bump: 0.22,
                roughness: 0.85,
                sheen: 0.12,
                sheen_color: self.colour,
                ..base
            },
            Fabric::Silk => Material {
                second: scaled(self.colour, 0.8),
                pattern: Pattern::Weave,
                scale: 280.0,
                bump: 0.16,
                roughness: 0.46,
                sheen: 0.5,
                sheen_color: sheen(self.colour, self.second),
                ..base
            },
            Fabric::Wool | Fabric::Felt => Material {
                pattern: Pattern::Felt,
                scale: 110.0,
                bump: 0.3,
                roughness: 0.9,
                sheen: 0.5,
                sheen_color: scaled(self.colour, 1.6),
                ..base
            },
            Fabric::Denim => Material { pattern: Pattern::Weave, scale: 110.0, bump: 0.4, roughness: 0.9, variation: 0.25, ..base },
            Fabric::Leather => leather(self.colour),
            Fabric::Straw => Material { pattern: Pattern::Weave, scale: 70.0, bump: 0.25, roughness: 0.8, ..base },
            Fabric::Metal => Material { roughness: 0.35, metallic: 1.0, ..base },
        };
        match self.motif {
            Motif::Plain => m,
            Motif::Buti => Material { pattern: Pattern::SilkButi, second: self.second, scale: 14.0, bump: 0.1, ..m },
            Motif::Floral => Material { pattern: Pattern::Floral, second: self.second, scale: 7.0, ..m },
            Motif::Stripes => Material { pattern: Pattern::Stripes, second: self.second, scale: 22.0, ..m },
            Motif::Wax => Material { pattern: Pattern::WaxPrint, second: self.second, scale: 6.0, ..m },
            Motif::Checks => Material { pattern: Pattern::Checker, second: scaled(self.colour, 0.7), scale: 24.0, ..m },
        }
    }

    /// The trim in the second colour, plain.
    pub(crate) fn trim(&self) -> Material {
        Cloth { colour: self.second, second: self.colour, motif: Motif::Plain, ..*self }.material()
    }

    /// A woven border with gold: coordinates in metres, x along, y across.
    pub(crate) fn zari(&self) -> Material {
        Material {
            base: self.second,
            second: [0.76, 0.52, 0.17],
            pattern: Pattern::Zari,
            scale: 16.0,
            bump: 0.2,
            variation: 0.08,
            roughness: 0.35,
            sheen: 0.3,
            sheen_color: [0.8, 0.6, 0.3],
            ..Default::default()
        }
    }
}
