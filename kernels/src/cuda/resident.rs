//! Solids on the device: uploaded when first used, kept while their host form lives and memory suffices.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::memory::{Buffer, Memory};
use crate::abi::{self, SolidView};
use crate::error::KernelError;
use crate::solid::{Solid, SolidWeak};
use crate::tree::packed::pack;

/// A solid's lists on the device, as its view names them.
pub struct OnDevice {
    pub view: SolidView,
    _nodes: Buffer<abi::Packed>,
    _blocks: Buffer<abi::Block>,
    _vertices: Buffer<abi::Vertex>,
    _triangles: Buffer<abi::Triangle>,
    _materials: Buffer<abi::Surfacing>,
    _images: Buffer<abi::Image>,
    _texels: Vec<Buffer<u8>>,
}

// SAFETY: the view's pointers are device addresses, which no thread of the host follows.
unsafe impl Send for OnDevice {}
unsafe impl Sync for OnDevice {}

impl OnDevice {
    fn new(memory: &Memory, solid: &Solid) -> Result<Self, KernelError> {
        let lists = solid.lists();
        let texels = lists.textures.iter().map(|t| memory.upload(&t.rgba)).collect::<Result<Vec<_>, _>>()?;
        let images: Vec<_> = (lists.textures.iter().zip(&texels))
            .map(|(t, texels)| abi::Image { rgba: texels.as_ptr(), width: t.width, height: t.height })
            .collect();
        let (nodes, blocks) = (memory.upload(&pack(lists.nodes))?, memory.upload(lists.blocks)?);
        let (vertices, triangles) = (memory.upload(lists.vertices)?, memory.upload(lists.triangles)?);
        let (materials, images) = (memory.upload(lists.materials)?, memory.upload(&images)?);
        let view = SolidView {
            nodes: nodes.as_ptr().cast(),
            blocks: blocks.as_ptr(),
            vertices: vertices.as_ptr(),
            triangles: triangles.as_ptr(),
            materials: materials.as_ptr(),
            images: images.as_ptr(),
            ..solid.view()
        };
        Ok(Self {
            view,
            _nodes: nodes,
            _blocks: blocks,
            _vertices: vertices,
            _triangles: triangles,
            _materials: materials,
            _images: images,
            _texels: texels,
        })
    }
}

#[derive(Default)]
pub struct Residents(Mutex<HashMap<u64, (SolidWeak, Arc<OnDevice>)>>);

impl Residents {
    /// The solid's form on the device. Those whose host form is gone make room first.
    pub fn of(&self, memory: &Memory, solid: &Solid) -> Result<Arc<OnDevice>, KernelError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (host, _)| host.lives());
        if let Some((_, here)) = known.get(&solid.id()) {
            return Ok(here.clone());
        }
        let here = Arc::new(OnDevice::new(memory, solid)?);
        known.insert(solid.id(), (solid.downgrade(), here.clone()));
        Ok(here)
    }

    /// Gives up whatever no picture in progress needs; whether there was anything.
    pub fn evict(&self) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.len();
        known.retain(|_, (_, here)| Arc::strong_count(here) > 1);
        known.len() < before
    }

    /// How many are on the device.
    pub fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
