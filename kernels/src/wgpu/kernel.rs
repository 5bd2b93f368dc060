//! Kernels: WGSL modules put together, compiled, launched.

use wgpu::{
    BindGroupDescriptor, BindGroupEntry, Buffer, CommandEncoderDescriptor, ComputePassDescriptor, ComputePipeline,
    ComputePipelineDescriptor, ShaderModuleDescriptor, ShaderSource,
};

use super::gpu::Gpu;
use crate::error::KernelError;

/// An entry point, the modules that it is made of, and which bindings it uses.
pub struct Source {
    pub name: &'static str,
    pub modules: &'static [&'static str],
    pub bindings: &'static [u32],
}

macro_rules! modules {
    ($($name:ident = $file:literal;)*) => {
        $(pub const $name: &str = include_str!(concat!("../../source/wgsl/", $file));)*
    };
}
modules! {
    MATH = "math.wgsl";
    SAMPLE = "sample.wgsl";
    NOISE = "noise.wgsl";
    SCENE = "scene.wgsl";
    LAMPS = "lamps.wgsl";
    PATTERN = "pattern.wgsl";
    BVH = "bvh.wgsl";
    SURFACE = "surface.wgsl";
    SHADE = "shade.wgsl";
    LIGHT = "light.wgsl";
    FOG = "fog.wgsl";
    SKY = "sky.wgsl";
    TRACE = "trace.wgsl";
    PROBE = "probe.wgsl";
    DENOISE = "denoise.wgsl";
    GRADE = "grade.wgsl";
    FILM = "film.wgsl";
    CONVERT = "convert.wgsl";
}

/// A compiled kernel; cheap to clone.
#[derive(Clone)]
pub struct Kernel {
    name: &'static str,
    pipeline: ComputePipeline,
    bindings: &'static [u32],
}

impl Kernel {
    pub fn new(gpu: &Gpu, source: &Source) -> Result<Self, KernelError> {
        let text = source.modules.concat();
        let shader = ShaderModuleDescriptor { label: Some(source.name), source: ShaderSource::Wgsl(text.into()) };
        let module = gpu.device.create_shader_module(shader);
        gpu.check(source.name, 0)?;
        let pipeline = gpu.device.create_compute_pipeline(&ComputePipelineDescriptor {
            label: Some(source.name),
            layout: None,
            module: &module,
            entry_point: Some(source.name),
            compilation_options: Default::default(),
            cache: None,
        });
        gpu.check(source.name, 0)?;
        Ok(Self { name: source.name, pipeline, bindings: source.bindings })
    }

    /// Launches so many groups, over buffers in the order of the source's bindings; doesn't wait.
    pub fn launch(&self, gpu: &Gpu, buffers: &[&Buffer], [x, y]: [u32; 2]) -> Result<(), KernelError> {
        let entries: Vec<_> = self
            .bindings
            .iter()
            .zip(buffers)
            .map(|(&binding, buffer)| BindGroupEntry { binding, resource: buffer.as_entire_binding() })
            .collect();
        let layout = self.pipeline.get_bind_group_layout(0);
        let group = gpu.device.create_bind_group(&BindGroupDescriptor { label: None, layout: &layout, entries: &entries });
        let mut encoder = gpu.device.create_command_encoder(&CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&ComputePassDescriptor::default());
            pass.set_pipeline(&self.pipeline);
            pass.set_bind_group(0, &group, &[]);
            pass.dispatch_workgroups(x, y, 1);
        }
        gpu.queue.submit([encoder.finish()]);
        gpu.check(self.name, 0)
    }
}

/// Groups of 8 × 8 that cover a picture.
pub fn squares(width: u32, height: u32) -> [u32; 2] {
    [width.div_ceil(8), height.div_ceil(8)]
}
