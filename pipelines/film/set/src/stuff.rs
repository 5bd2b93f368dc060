//! What sets are made of: the store of materials. Colours are sRGB hex of the painted miniature, not of the real thing.

use klieg_kernels::scene::{Material, Pattern, Rgb, srgb};

fn base(hex: &str) -> Material {
    Material { base: srgb(hex), second: srgb(hex), ..Material::default() }
}
fn two(hex: &str, second: &str, pattern: Pattern, scale: f32) -> Material {
    Material { base: srgb(hex), second: srgb(second), pattern, scale, ..Material::default() }
}

/// Matt paint on board or clay.
pub fn paint(hex: &str) -> Material {
    Material { variation: 0.14, roughness: 0.7, ..base(hex) }
}
/// Glossy paint, lacquer, enamel, car bodies.
pub fn lacquer(hex: &str) -> Material {
    Material { roughness: 0.35, coat: 0.7, variation: 0.08, ..base(hex) }
}
pub fn plaster(hex: &str) -> Material {
    Material { pattern: Pattern::Plaster, scale: 1.2, bump: 0.35, variation: 0.22, roughness: 0.9, ..base(hex) }
}
pub fn stone(hex: &str) -> Material {
    Material { pattern: Pattern::Stone, scale: 1.6, bump: 0.5, variation: 0.3, roughness: 0.85, ..base(hex) }
}
pub fn granite() -> Material {
    stone("#8F877A")
}
pub fn brick(hex: &str) -> Material {
    Material { bump: 0.6, variation: 0.35, roughness: 0.85, ..two(hex, "#6E655C", Pattern::Brick, 3.4) }
}
pub fn flagstone(hex: &str, joint: &str, slab: f32) -> Material {
    Material { bump: 0.45, variation: 0.28, roughness: 0.75, ..two(hex, joint, Pattern::Flagstone, 1.0 / slab) }
}
pub fn checker(a: &str, b: &str, square: f32) -> Material {
    Material { roughness: 0.4, coat: 0.25, variation: 0.15, ..two(a, b, Pattern::Checker, 1.0 / square) }
}
pub fn planks(hex: &str, wide: f32) -> Material {
    Material {
        bump: 0.4,
        variation: 0.28,
        roughness: 0.62,
        pattern: Pattern::Wood,
        scale: 1.0 / wide,
        second: srgb(hex).map(|c| c * 0.55),
        ..base(hex)
    }
}
/// Turned or planed timber, fine grain.
pub fn wood(hex: &str) -> Material {
    Material { scale: 3.0, bump: 0.22, roughness: 0.55, ..planks(hex, 0.3) }
}
pub fn metal(hex: &str, roughness: f32) -> Material {
    Material { metallic: 1.0, roughness, variation: 0.12, ..base(hex) }
}
pub fn brass() -> Material {
    metal("#D2A345", 0.25)
}
pub fn gold() -> Material {
    metal("#E6B94F", 0.22)
}
pub fn iron() -> Material {
    Material { roughness: 0.5, metallic: 0.6, variation: 0.25, ..base("#3A3B3E") }
}
pub fn chrome() -> Material {
    metal("#C9CBCE", 0.16)
}
pub fn panels(hex: &str, size: f32) -> Material {
    Material {
        pattern: Pattern::Panels,
        scale: 1.0 / size,
        bump: 0.5,
        variation: 0.14,
        roughness: 0.5,
        metallic: 0.25,
        second: srgb(hex).map(|c| c * 0.45),
        ..base(hex)
    }
}
/// Cloth of ordinary make.
pub fn cloth(hex: &str) -> Material {
    Material {
        pattern: Pattern::Weave,
        scale: 160.0,
        bump: 0.25,
        sheen: 0.35,
        roughness: 0.88,
        translucency: 0.15,
        variation: 0.12,
        ..base(hex)
    }
}
pub fn silk(hex: &str, motif: &str) -> Material {
    Material {
        roughness: 0.32,
        sheen: 0.7,
        sheen_color: srgb(motif),
        translucency: 0.12,
        ..two(hex, motif, Pattern::SilkButi, 7.0)
    }
}
pub fn striped(a: &str, b: &str, pair: f32) -> Material {
    Material { sheen: 0.25, roughness: 0.85, translucency: 0.25, ..two(a, b, Pattern::Stripes, 1.0 / pair) }
}
pub fn floral(a: &str, b: &str, motif: f32) -> Material {
    Material { sheen: 0.3, roughness: 0.85, ..two(a, b, Pattern::Floral, 1.0 / motif) }
}
pub fn wax_print(a: &str, b: &str, motif: f32) -> Material {
    Material { sheen: 0.3, roughness: 0.8, ..two(a, b, Pattern::WaxPrint, 1.0 / motif) }
}
pub fn zari(a: &str) -> Material {
    Material { roughness: 0.3, sheen: 0.5, ..two(a, "#E6B94F", Pattern::Zari, 9.0) }
}
pub fn felt(hex: &str) -> Material {
    Material { pattern: Pattern::Felt, scale: 40.0, bump: 0.5, sheen: 0.6, roughness: 0.9, variation: 0.18, ..base(hex) }
}
pub fn leaf(hex: &str) -> Material {
    Material { translucency: 0.35, roughness: 0.6, variation: 0.25, sheen: 0.1, ..base(hex) }
}
pub fn petal(hex: &str) -> Material {
    Material { translucency: 0.4, roughness: 0.75, variation: 0.16, sheen: 0.3, ..base(hex) }
}
pub fn bark(hex: &str) -> Material {
    Material {
        pattern: Pattern::Bark,
        scale: 4.0,
        bump: 0.7,
        variation: 0.3,
        roughness: 0.9,
        second: srgb(hex).map(|c| c * 0.5),
        ..base(hex)
    }
}
pub fn grass(hex: &str) -> Material {
    Material {
        bump: 0.6,
        variation: 0.35,
        roughness: 0.95,
        second: srgb(hex).map(|c| c * 0.55),
        pattern: Pattern::Grass,
        scale: 3.0,
        ..base(hex)
    }
}
pub fn soil(hex: &str) -> Material {
    Material {
        bump: 0.5,
        variation: 0.35,
        roughness: 0.95,
        second: srgb(hex).map(|c| c * 0.6),
        pattern: Pattern::Soil,
        scale: 1.5,
        ..base(hex)
    }
}
pub fn sand(hex: &str) -> Material {
    Material {
        bump: 0.45,
        variation: 0.2,
        roughness: 0.95,
        second: srgb(hex).map(|c| c * 0.8),
        pattern: Pattern::Sand,
        scale: 1.5,
        ..base(hex)
    }
}
pub fn water(hex: &str) -> Material {
    Material { pattern: Pattern::Water, scale: 1.6, bump: 0.3, roughness: 0.06, coat: 1.0, variation: 0.1, ..base(hex) }
}
pub fn asphalt() -> Material {
    Material { pattern: Pattern::Asphalt, scale: 2.0, bump: 0.4, variation: 0.3, roughness: 0.9, ..base("#4A4A4C") }
}
pub fn wet_asphalt() -> Material {
    Material {
        pattern: Pattern::WetGround,
        scale: 0.55,
        bump: 0.3,
        variation: 0.35,
        roughness: 0.42,
        coat: 0.75,
        ..base("#34363B")
    }
}
pub fn wet(m: Material) -> Material {
    Material { base: m.base.map(|c| c * 0.6), coat: 0.7, roughness: m.roughness * 0.6, ..m }
}
pub fn tatami() -> Material {
    Material { bump: 0.35, variation: 0.16, roughness: 0.85, ..two("#B7A97A", "#2F3A33", Pattern::Tatami, 1.05) }
}
pub fn thatch(hex: &str) -> Material {
    Material {
        pattern: Pattern::Thatch,
        scale: 2.5,
        bump: 0.8,
        variation: 0.35,
        roughness: 0.95,
        second: srgb(hex).map(|c| c * 0.55),
        ..base(hex)
    }
}
pub fn roof_tile(hex: &str) -> Material {
    Material {
        pattern: Pattern::RoofTile,
        scale: 3.6,
        bump: 0.8,
        variation: 0.3,
        roughness: 0.75,
        second: srgb(hex).map(|c| c * 0.45),
        ..base(hex)
    }
}
pub fn paper(hex: &str) -> Material {
    Material { pattern: Pattern::Paper, scale: 8.0, translucency: 0.65, variation: 0.06, roughness: 0.9, ..base(hex) }
}
pub fn glass() -> Material {
    Material { glass: 0.9, roughness: 0.05, variation: 0.0, ..base("#CFE0DD") }
}
/// Coloured bottle glass: solid to the eye, glossy.
pub fn bottle(hex: &str) -> Material {
    Material { coat: 0.5, roughness: 0.22, translucency: 0.45, variation: 0.05, ..base(hex) }
}
pub fn wax(hex: &str) -> Material {
    Material { wrap: 0.6, translucency: 0.35, roughness: 0.5, ..base(hex) }
}
pub fn marble(hex: &str, vein: &str) -> Material {
    Material { roughness: 0.25, coat: 0.4, variation: 0.15, ..two(hex, vein, Pattern::Marble, 0.8) }
}
pub fn kolam(ground: &str) -> Material {
    Material { roughness: 0.9, variation: 0.25, ..two(ground, "#F1ECDF", Pattern::Kolam, 1.0) }
}
/// A house front far off: rows of windows, some lit.
pub fn lit_windows(wall: &str, light: Rgb, size: f32) -> Material {
    Material {
        base: srgb(wall),
        second: light,
        pattern: Pattern::Windows,
        scale: 1.0 / size,
        variation: 0.25,
        roughness: 0.8,
        ..Material::default()
    }
}
/// Something that shines: what it gives the set comes from a light put beside it.
pub fn glow(light: Rgb) -> Material {
    Material {
        base: light.map(|c| (c * 0.3).clamp(0.04, 0.8)),
        emission: light,
        variation: 0.0,
        roughness: 0.6,
        ..Material::default()
    }
}
