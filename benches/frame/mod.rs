//! A film's frame as files: `frame.json` (camera, lights, sky, materials, …) and `frame.bin` (the lists of both solids, little-endian, in
//! the order of [`Part`]). Written by `pipelines/examples/frame.rs`, read by benchmarks that need no film.

use std::error::Error;
use std::fs;
use std::path::Path;

use klieg_kernels::scene::{Camera, Fog, Geometry, Light, Look, Material, Sky, Texture};
use serde::{Deserialize, Serialize};

pub struct Still {
    /// The set, then what moves.
    pub solids: [Geometry; 2],
    pub lights: Vec<Light>,
    pub sky: Sky,
    pub fog: Fog,
    pub camera: Camera,
    pub look: Look,
}

#[derive(Serialize, Deserialize)]
struct Record {
    parts: [Part; 2],
    lights: Vec<Light>,
    sky: Sky,
    fog: Fog,
    camera: Camera,
    look: Look,
}

/// What of a solid isn't a long list, and how long its lists are: positions, normals, coords, tints (three floats a vertex each),
/// triangles (three indices each), a material's index for each triangle, the texels of each texture.
#[derive(Serialize, Deserialize)]
struct Part {
    vertices: usize,
    triangles: usize,
    textures: Vec<(u32, u32)>,
    materials: Vec<Material>,
}

impl Still {
    pub fn write(&self, folder: &Path) -> Result<(), Box<dyn Error>> {
        let mut bytes = Vec::new();
        for g in &self.solids {
            for list in [&g.positions, &g.normals, &g.coords, &g.tints] {
                bytes.extend(list.as_flattened().iter().flat_map(|x| x.to_le_bytes()));
            }
            bytes.extend(g.triangles.as_flattened().iter().flat_map(|x| x.to_le_bytes()));
            bytes.extend(g.material_of.iter().flat_map(|x| x.to_le_bytes()));
            bytes.extend(g.textures.iter().flat_map(|t| &t.rgba));
        }
        let part = |g: &Geometry| Part {
            vertices: g.positions.len(),
            triangles: g.triangles.len(),
            textures: g.textures.iter().map(|t| (t.width, t.height)).collect(),
            materials: g.materials.clone(),
        };
        let parts = [part(&self.solids[0]), part(&self.solids[1])];
        let Self { lights, sky, fog, camera, look, .. } = self;
        let record = Record { parts, lights: lights.clone(), sky: *sky, fog: *fog, camera: *camera, look: *look };
        fs::create_dir_all(folder)?;
        fs::write(folder.join("frame.bin"), bytes)?;
        Ok(fs::write(folder.join("frame.json"), serde_json::to_vec_pretty(&record)?)?)
    }

    pub fn read(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let record: Record = serde_json::from_slice(&fs::read(folder.join("frame.json"))?)?;
        let bytes = fs::read(folder.join("frame.bin"))?;
        let mut left = bytes.as_slice();
        let solids = record.parts.map(|part| part.read(&mut left));
        let [set, moving] = solids;
        let Record { lights, sky, fog, camera, look, .. } = record;
        Ok(Self { solids: [set?, moving?], lights, sky, fog, camera, look })
    }
}

impl Part {
    fn read(self, left: &mut &[u8]) -> Result<Geometry, Box<dyn Error>> {
        let n = self.vertices;
        let textures = |left: &mut &[u8]| {
            let one = |&(width, height): &(u32, u32)| {
                Ok(Texture { width, height, rgba: take(left, width as usize * height as usize * 4)?.to_vec() })
            };
            self.textures.iter().map(one).collect::<Result<Vec<_>, Box<dyn Error>>>()
        };
        Ok(Geometry {
            positions: triples(left, n, f32::from_le_bytes)?,
            normals: triples(left, n, f32::from_le_bytes)?,
            coords: triples(left, n, f32::from_le_bytes)?,
            tints: triples(left, n, f32::from_le_bytes)?,
            triangles: triples(left, self.triangles, u32::from_le_bytes)?,
            material_of: take(left, self.triangles * 2)?.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect(),
            textures: textures(left)?,
            materials: self.materials,
        })
    }
}

fn take<'a>(left: &mut &'a [u8], count: usize) -> Result<&'a [u8], Box<dyn Error>> {
    let (these, rest) = left.split_at_checked(count).ok_or("frame.bin is too short for frame.json")?;
    *left = rest;
    Ok(these)
}

fn triples<T>(left: &mut &[u8], count: usize, of: impl Fn([u8; 4]) -> T) -> Result<Vec<[T; 3]>, Box<dyn Error>> {
    let bytes = take(left, count * 12)?;
    let number = |b: &[u8], at: usize| of([b[at], b[at + 1], b[at + 2], b[at + 3]]);
    Ok(bytes.chunks_exact(12).map(|b| [number(b, 0), number(b, 4), number(b, 8)]).collect())
}
