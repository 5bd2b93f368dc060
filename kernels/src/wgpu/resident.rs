//! Solids in the device's memory: their lists one after another, so that a stage is six buffers whatever it shows.

use bytemuck::NoUninit;
use wgpu::Buffer;

use super::gpu::Gpu;
use super::records::Place;
use crate::error::KernelError;
use crate::scene::Texture;
use crate::solid::Solid;
use crate::tree::packed::pack;

/// Nodes, blocks, vertices, triangles, materials, images: bytes of an entry.
const ENTRY: [u64; 6] = [80, 160, 48, 16, 100, 4];
/// How much larger than needed a buffer is made, so that the next stage fits too.
const SPARE: f64 = 1.25;

type Counts = [u64; 6];

pub struct Resident {
    pub buffers: [Buffer; 6],
    room: Counts,
    /// Ids of the solids there, and where each ends.
    solids: Vec<(u64, Place, Counts)>,
}

impl Resident {
    fn new(gpu: &Gpu, room: Counts) -> Result<Self, KernelError> {
        let make = |i: usize| gpu.storage(room[i] * ENTRY[i]);
        let buffers = [make(0)?, make(1)?, make(2)?, make(3)?, make(4)?, make(5)?];
        Ok(Self { buffers, room, solids: Vec::new() })
    }

    /// Brings solids into memory, in that order, and says where they are. What leads the last stage too stays where it is, so a set
    /// that stands still is sent once.
    pub fn place(held: &mut Option<Self>, gpu: &Gpu, solids: &[&Solid]) -> Result<Vec<Place>, KernelError> {
        let counts: Vec<_> = solids.iter().map(|s| counts_of(s)).collect();
        let needed = counts.iter().fold([0; 6], add);
        if held.as_ref().is_none_or(|r| (0..6).any(|i| r.room[i] < needed[i])) {
            *held = None;
            let exact = |i: usize| needed[i] * ENTRY[i];
            let largest = (0..6).map(exact).max().unwrap_or(0);
            let room = if gpu.fits((largest as f64 * SPARE) as u64) { needed.map(|n| (n as f64 * SPARE) as u64) } else { needed };
            *held = Some(Self::new(gpu, room)?);
        }
        let Some(resident) = held else { return Ok(Vec::new()) };
        let kept = resident.solids.iter().zip(solids).take_while(|((id, ..), s)| *id == s.id()).count();
        resident.solids.truncate(kept);
        for (solid, counts) in solids.iter().zip(&counts).skip(kept) {
            resident.append(gpu, solid, counts);
        }
        Ok(resident.solids.iter().map(|(_, place, _)| *place).collect())
    }

    fn append(&mut self, gpu: &Gpu, solid: &Solid, counts: &Counts) {
        let start = self.solids.last().map_or([0; 6], |(.., end)| *end);
        let lists = solid.lists();
        let [node, block, vertex, triangle, material, image] = start.map(|n| n as u32);
        self.write(gpu, 0, start, &pack(lists.nodes));
        self.write(gpu, 1, start, lists.blocks);
        self.write(gpu, 2, start, lists.vertices);
        self.write(gpu, 3, start, lists.triangles);
        self.write(gpu, 4, start, lists.materials);
        self.write(gpu, 5, start, &image_words(lists.textures));
        let place = Place { node, block, vertex, triangle, material, image, node_count: counts[0] as u32, spare: 0 };
        self.solids.push((solid.id(), place, add(start, counts)));
    }

    fn write<T: NoUninit>(&self, gpu: &Gpu, which: usize, start: Counts, entries: &[T]) {
        gpu.queue.write_buffer(&self.buffers[which], start[which] * ENTRY[which], bytemuck::cast_slice(entries));
    }
}

fn add(a: Counts, b: &Counts) -> Counts {
    std::array::from_fn(|i| a[i] + b[i])
}

fn counts_of(solid: &Solid) -> Counts {
    let lists = solid.lists();
    let image_words: usize = lists.textures.iter().map(|t| 3 + t.rgba.len() / 4).sum();
    [lists.nodes.len(), lists.blocks.len(), lists.vertices.len(), lists.triangles.len(), lists.materials.len(), image_words]
        .map(|n| n as u64)
}

/// Where each texture's texels begin, its width and height; then all texels, a word each.
fn image_words(textures: &[Texture]) -> Vec<u32> {
    let mut first = 3 * textures.len() as u32;
    let mut words = Vec::new();
    for texture in textures {
        words.extend([first, texture.width, texture.height]);
        first += texture.width * texture.height;
    }
    words.extend(textures.iter().flat_map(|t| t.rgba.as_chunks::<4>().0).map(|p| u32::from_le_bytes(*p)));
    words
}
