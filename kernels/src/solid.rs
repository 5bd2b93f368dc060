//! Geometry made ready for rays: checked, packed, with its tree.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use crate::abi;
use crate::error::KernelError;
use crate::scene::{Geometry, Material, Pattern, Texture};
use crate::tree::{self, Build};

/// Most triangles of one solid: ids share their word with three flags.
const TRIANGLES_MAX: usize = 1 << 28;

/// Past this, single precision leaves nothing of a surface.
const METRES_MAX: u32 = 1_000_000;

/// Geometry with its tree: immutable, cheap to clone, shareable between threads and stages.
#[derive(Clone)]
pub struct Solid(Arc<Inner>);

/// Counts solids, so that devices know theirs again.
static SOLIDS: AtomicU64 = AtomicU64::new(0);

struct Inner {
    id: u64,
    tree: tree::Tree,
    vertices: Vec<abi::Vertex>,
    triangles: Vec<abi::Triangle>,
    materials: Vec<abi::Surfacing>,
    images: Vec<abi::Image>,
    /// Owns the pixels that `images` point into.
    textures: Vec<Texture>,
}

// SAFETY: the pointers of `images` lead into `textures`, which lives as long and is never written.
unsafe impl Send for Inner {}
unsafe impl Sync for Inner {}

impl Solid {
    pub(crate) fn new(geometry: &Geometry, how: Build) -> Result<Self, KernelError> {
        check(geometry)?;
        Ok(Self::with(geometry, tree::build(corners_of(geometry), &all_flags(geometry), how)))
    }

    /// The same triangles in another pose: with this solid's tree, its boxes moved along, as long as that is about as good as
    /// a new one; else, and for other triangles, as `Build::Fast`. A few times sooner than a new tree. The outcome depends on the two
    /// geometries alone; so that tasks stay pure, let `self` be a pose that every task has, never the last one rendered.
    ///
    /// # Errors
    /// As [`crate::Device::solid`].
    pub fn posed(&self, geometry: &Geometry) -> Result<Self, KernelError> {
        check(geometry)?;
        let (corners, flags) = (corners_of(geometry), all_flags(geometry));
        let ours = self.0.triangles.iter().map(|t| t.vertex);
        let tree = if ours.eq(geometry.triangles.iter().copied()) {
            tree::posed(&self.0.tree, corners, &flags)
        } else {
            tree::build(corners, &flags, Build::Fast)
        };
        Ok(Self::with(geometry, tree))
    }

    fn with(geometry: &Geometry, tree: tree::Tree) -> Self {
        let vertices = (0..geometry.positions.len())
            .map(|i| abi::Vertex {
                position: geometry.positions[i],
                normal: geometry.normals[i],
                coords: geometry.coords[i],
                tint: geometry.tints[i],
            })
            .collect();
        let triangles = geometry
            .triangles
            .iter()
            .zip(&geometry.material_of)
            .map(|(&vertex, &material)| abi::Triangle { vertex, material: material.into() })
            .collect();
        let textures = geometry.textures.clone();
        let images = textures.iter().map(|t| abi::Image { rgba: t.rgba.as_ptr(), width: t.width, height: t.height }).collect();
        let materials = geometry.materials.iter().map(surfacing).collect();
        let id = SOLIDS.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(Inner { id, tree, vertices, triangles, materials, images, textures }))
    }

    pub fn triangle_count(&self) -> usize {
        self.0.triangles.len()
    }

    pub(crate) fn view(&self) -> abi::SolidView {
        let inner = &*self.0;
        abi::SolidView {
            nodes: inner.tree.nodes.as_ptr(),
            blocks: inner.tree.blocks.as_ptr(),
            vertices: inner.vertices.as_ptr(),
            triangles: inner.triangles.as_ptr(),
            materials: inner.materials.as_ptr(),
            images: inner.images.as_ptr(),
            node_count: inner.tree.nodes.len() as u32,
            block_count: inner.tree.blocks.len() as u32,
        }
    }
}

/// What a solid consists of, for a device with memory of its own.
pub(crate) struct Lists<'a> {
    pub nodes: &'a [abi::Node],
    pub blocks: &'a [abi::Block],
    pub vertices: &'a [abi::Vertex],
    pub triangles: &'a [abi::Triangle],
    pub materials: &'a [abi::Surfacing],
    pub textures: &'a [Texture],
}

/// A solid that may be gone.
pub(crate) struct SolidWeak(Weak<Inner>);

impl SolidWeak {
    pub fn lives(&self) -> bool {
        self.0.strong_count() > 0
    }
}

impl Solid {
    /// No other solid of this process has it.
    pub(crate) fn id(&self) -> u64 {
        self.0.id
    }

    pub(crate) fn downgrade(&self) -> SolidWeak {
        SolidWeak(Arc::downgrade(&self.0))
    }

    pub(crate) fn lists(&self) -> Lists<'_> {
        let inner = &*self.0;
        Lists {
            nodes: &inner.tree.nodes,
            blocks: &inner.tree.blocks,
            vertices: &inner.vertices,
            triangles: &inner.triangles,
            materials: &inner.materials,
            textures: &inner.textures,
        }
    }
}

fn corners_of(geometry: &Geometry) -> impl Iterator<Item = [[f32; 3]; 3]> {
    geometry.triangles.iter().map(|t| t.map(|i| geometry.positions[i as usize]))
}

/// What the ids of a geometry's triangles say beside their number.
fn all_flags(geometry: &Geometry) -> Vec<u32> {
    let cut: Vec<bool> = geometry.textures.iter().map(|t| t.rgba.as_chunks::<4>().0.iter().any(|p| p[3] < 128)).collect();
    let flag: Vec<u32> = geometry.materials.iter().map(|m| flags_of(m, &cut)).collect();
    geometry.material_of.iter().map(|&m| flag[m as usize]).collect()
}

fn flags_of(m: &Material, cut: &[bool]) -> u32 {
    if m.pattern == Pattern::Image && cut[m.texture as usize] {
        return abi::CUTOUT;
    }
    if m.glass > 0.5 {
        return abi::GLASS;
    }
    if m.emission.iter().any(|e| *e > 0.5) { abi::GLOW } else { 0 }
}

fn surfacing(m: &Material) -> abi::Surfacing {
    abi::Surfacing {
        base: m.base,
        second: m.second,
        sheen_color: m.sheen_color,
        emission: m.emission,
        scale: m.scale,
        bump: m.bump,
        variation: m.variation,
        roughness: m.roughness,
        specular: m.specular,
        metallic: m.metallic,
        sheen: m.sheen,
        wrap: m.wrap,
        translucency: m.translucency,
        coat: m.coat,
        glass: m.glass,
        pattern: m.pattern as u32,
        texture: m.texture,
    }
}

fn check(g: &Geometry) -> Result<(), KernelError> {
    let vertices = g.positions.len();
    for (list, found) in [("normals", g.normals.len()), ("coords", g.coords.len()), ("tints", g.tints.len())] {
        if found != vertices {
            return Err(KernelError::Length { list, found, wanted: vertices });
        }
    }
    if g.material_of.len() != g.triangles.len() {
        return Err(KernelError::Length { list: "material_of", found: g.material_of.len(), wanted: g.triangles.len() });
    }
    if g.triangles.len() > TRIANGLES_MAX {
        return Err(KernelError::TooMany { what: "triangles", found: g.triangles.len(), most: TRIANGLES_MAX });
    }
    for (list, values) in [("positions", &g.positions), ("normals", &g.normals), ("coords", &g.coords), ("tints", &g.tints)] {
        if let Some(at) = values.iter().position(|v| !v.iter().all(|x| x.is_finite())) {
            return Err(KernelError::NotFinite { list, at });
        }
    }
    if let Some(at) = g.positions.iter().position(|p| p.iter().any(|x| x.abs() > METRES_MAX as f32)) {
        return Err(KernelError::TooFar { at, most: METRES_MAX });
    }
    for (at, t) in g.triangles.iter().enumerate() {
        if let Some(&value) = t.iter().find(|&&i| i as usize >= vertices) {
            return Err(KernelError::Index { list: "triangles", at, value: value as usize, len: vertices });
        }
    }
    if let Some(at) = g.material_of.iter().position(|&m| m as usize >= g.materials.len()) {
        return Err(KernelError::Index { list: "material_of", at, value: g.material_of[at].into(), len: g.materials.len() });
    }
    check_materials(g)
}

fn check_materials(g: &Geometry) -> Result<(), KernelError> {
    for (at, m) in g.materials.iter().enumerate() {
        let look = [m.roughness, m.specular, m.metallic, m.sheen, m.wrap, m.translucency, m.coat, m.glass];
        let factors = [&look[..], &[m.scale, m.bump, m.variation]].concat();
        let colors = [m.base, m.second, m.sheen_color, m.emission];
        if !factors.iter().chain(colors.as_flattened()).all(|x| x.is_finite()) {
            return Err(KernelError::NotFinite { list: "materials", at });
        }
        if m.pattern == Pattern::Image && m.texture as usize >= g.textures.len() {
            return Err(KernelError::Index { list: "materials' textures", at, value: m.texture as usize, len: g.textures.len() });
        }
    }
    for t in &g.textures {
        let wanted = t.width as usize * t.height as usize * 4;
        if t.rgba.len() != wanted || wanted == 0 {
            return Err(KernelError::Length { list: "a texture's rgba", found: t.rgba.len(), wanted: wanted.max(4) });
        }
    }
    Ok(())
}
