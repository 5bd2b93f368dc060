//! The device itself: found, opened, its memory, and what goes wrong with it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use bytemuck::NoUninit;
use wgpu::hal::{self, vulkan};
use wgpu::{
    BackendOptions, Backends, Buffer, BufferDescriptor, BufferUsages, CommandEncoderDescriptor, DeviceDescriptor, Instance,
    InstanceFlags, Limits, MapMode, MemoryBudgetThresholds, PollType,
};

use crate::error::KernelError;

/// What errors call this target.
pub const TARGET: &str = "Vulkan";

/// A device that could be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    pub name: String,
    /// The driver and its version.
    pub driver: String,
    /// Whether it is the CPU in disguise, as Mesa's lavapipe is.
    pub software: bool,
}

impl Adapter {
    pub(super) fn of(adapter: &wgpu::Adapter) -> Self {
        let info = adapter.get_info();
        let driver = format!("{} {}", info.driver, info.driver_info);
        Self { name: info.name, driver, software: info.device_type == wgpu::DeviceType::Cpu }
    }
}

/// What there is; nothing without Vulkan's loader.
pub fn adapters() -> Vec<wgpu::Adapter> {
    let instance = headless().map(|instance| {
        // SAFETY: it was made for this alone.
        unsafe { Instance::from_hal::<vulkan::Api>(instance) }
    });
    instance.map_or_else(Vec::new, |instance| pollster::block_on(instance.enumerate_adapters(Backends::VULKAN)))
}

/// Vulkan without windows. Asked for Wayland's surfaces, as wgpu does by itself, Mesa looks for a compositor and complains on standard
/// error where there is none.
fn headless() -> Option<vulkan::Instance> {
    let descriptor = hal::InstanceDescriptor {
        name: "klieg",
        flags: InstanceFlags::empty(),
        memory_budget_thresholds: MemoryBudgetThresholds::default(),
        backend_options: BackendOptions::default(),
        telemetry: None,
        display: None,
    };
    let windows = [c"VK_KHR_wayland_surface", c"VK_KHR_xcb_surface", c"VK_KHR_xlib_surface"];
    // SAFETY: wgpu asks that nothing it wants is taken away, for the sake of surfaces, which look for these names before they use
    // them; klieg makes no surface.
    unsafe {
        vulkan::Instance::init_with_callback(
            &descriptor,
            Some(Box::new(move |with| with.extensions.retain(|e| !windows.contains(e)))),
        )
    }
    .ok()
}

/// The most buffers that a kernel works with.
const STORAGES: u32 = 10;

/// What a poisoned device fills its memory with: a float of −3·10⁻¹³, an index past everything.
const POISON: u8 = 0xaa;

/// What the driver complained of since it was last asked.
#[derive(Default)]
struct Trouble {
    lost: Option<String>,
    memory: bool,
    other: Option<String>,
}

pub struct Gpu {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub adapter: Adapter,
    pub index: u32,
    trouble: Arc<Mutex<Trouble>>,
    most: u64,
    poisoned: bool,
}

impl Gpu {
    pub fn open(index: u32, poisoned: bool) -> Result<Self, KernelError> {
        let adapters = adapters();
        let count = adapters.len() as u32;
        if count == 0 {
            return Err(KernelError::NoDriver { target: TARGET });
        }
        let adapter = adapters.get(index as usize).ok_or(KernelError::NoDevice { target: TARGET, asked: index, count })?;
        let theirs = adapter.limits();
        // The defaults of WebGPU, but for the sizes that pictures and trees need, and for as many buffers as the tracer reads.
        let limits = Limits {
            max_storage_buffers_per_shader_stage: STORAGES,
            max_buffer_size: theirs.max_buffer_size,
            max_storage_buffer_binding_size: theirs.max_storage_buffer_binding_size,
            ..Limits::default()
        };
        let most = limits.max_buffer_size.min(limits.max_storage_buffer_binding_size) & !255;
        let descriptor = DeviceDescriptor { label: Some("klieg"), required_limits: limits, ..DeviceDescriptor::default() };
        let opened = pollster::block_on(adapter.request_device(&descriptor));
        let (device, queue) = opened.map_err(|e| KernelError::Lost { reason: e.to_string() })?;
        let trouble = listen(&device);
        Ok(Self { device, queue, adapter: Adapter::of(adapter), index, trouble, most, poisoned })
    }

    /// A buffer of at least that many bytes.
    pub fn buffer(&self, bytes: u64, usage: BufferUsages) -> Result<Buffer, KernelError> {
        // A binding has to hold one record at least, the largest of which are 480 bytes.
        let size = bytes.max(512).next_multiple_of(16);
        if size > self.most {
            return Err(KernelError::TooLarge { asked: size, most: self.most });
        }
        let usage = usage | BufferUsages::COPY_DST;
        let buffer = self.device.create_buffer(&BufferDescriptor { label: None, size, usage, mapped_at_creation: false });
        self.check("buffer", size)?;
        if self.poisoned && !usage.contains(BufferUsages::MAP_READ) {
            self.queue.write_buffer(&buffer, 0, &vec![POISON; size as usize]);
        }
        Ok(buffer)
    }

    /// Whether a buffer of that many bytes is allowed.
    pub fn fits(&self, bytes: u64) -> bool {
        bytes <= self.most
    }

    pub fn storage(&self, bytes: u64) -> Result<Buffer, KernelError> {
        self.buffer(bytes, BufferUsages::STORAGE | BufferUsages::COPY_SRC)
    }

    /// A launch's arguments.
    pub fn arguments<T: NoUninit>(&self, value: &T) -> Result<Buffer, KernelError> {
        let buffer = self.storage(size_of::<T>() as u64)?;
        self.queue.write_buffer(&buffer, 0, bytemuck::bytes_of(value));
        Ok(buffer)
    }

    /// Waits for what was launched and copies a buffer's first words back.
    pub fn read(&self, name: &'static str, from: &Buffer, words: u64) -> Result<Vec<u32>, KernelError> {
        let bytes = words * 4;
        let back = self.buffer(bytes, BufferUsages::MAP_READ)?;
        let mut encoder = self.device.create_command_encoder(&CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(from, 0, &back, 0, bytes);
        self.queue.submit([encoder.finish()]);
        let slice = back.slice(0..bytes);
        slice.map_async(MapMode::Read, |_| {});
        self.wait()?;
        self.check(name, bytes)?;
        let view = slice.get_mapped_range().map_err(|e| KernelError::Kernel { name, reason: e.to_string() })?;
        Ok(bytemuck::pod_collect_to_vec(&view[..]))
    }

    /// Waits for the device. wgpu panics where a driver fails to answer; for klieg that is a lost device.
    fn wait(&self) -> Result<(), KernelError> {
        let waited = catch_unwind(AssertUnwindSafe(|| self.device.poll(PollType::wait_indefinitely())));
        let reason = match waited {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(e)) => e.to_string(),
            Err(_) => self.trouble().lost.get_or_insert_with(|| "the driver stopped answering".into()).clone(),
        };
        Err(KernelError::Lost { reason })
    }

    /// Passes on what went wrong since the last call, in a kernel of that name or with so many bytes.
    pub fn check(&self, name: &'static str, asked: u64) -> Result<(), KernelError> {
        let mut trouble = self.trouble();
        if let Some(reason) = &trouble.lost {
            return Err(KernelError::Lost { reason: reason.clone() });
        }
        if std::mem::take(&mut trouble.memory) {
            return Err(KernelError::NoMemory { asked });
        }
        trouble.other.take().map_or(Ok(()), |reason| Err(KernelError::Kernel { name, reason }))
    }

    fn trouble(&self) -> std::sync::MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes down what the driver reports, which would otherwise end the process.
fn listen(device: &wgpu::Device) -> Arc<Mutex<Trouble>> {
    let trouble = Arc::new(Mutex::new(Trouble::default()));
    let errors = trouble.clone();
    device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
        let mut trouble = errors.lock().unwrap_or_else(PoisonError::into_inner);
        match error {
            wgpu::Error::OutOfMemory { .. } => trouble.memory = true,
            // The first is the cause; the rest follow from it.
            other => {
                trouble.other.get_or_insert_with(|| other.to_string());
            }
        }
    }));
    let losses = trouble.clone();
    device.set_device_lost_callback(move |reason, message| {
        let mut trouble = losses.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.lost.get_or_insert_with(|| format!("{reason:?}: {message}"));
    });
    trouble
}
