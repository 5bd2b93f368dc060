use klieg_protocol::{Ask, Class, DeviceOffer};
use std::collections::BTreeMap;

/// Memory and slots of a device, or of what a task asks for.
pub type Size = (Class, u32, u64);

/// How much of the farm can do a task: the devices there are, by their size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reach(BTreeMap<Size, u64>);

impl Reach {
    /// Devices have come.
    pub fn add<'a>(&mut self, devices: impl IntoIterator<Item = &'a DeviceOffer>) {
        for device in devices {
            *self.0.entry((device.class, device.slots, device.memory_bytes)).or_default() += 1;
        }
    }

    /// Devices have gone.
    pub fn remove<'a>(&mut self, devices: impl IntoIterator<Item = &'a DeviceOffer>) {
        for device in devices {
            let size = (device.class, device.slots, device.memory_bytes);
            if let Some(count) = self.0.get_mut(&size) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.0.remove(&size);
                }
            }
        }
    }

    /// The part of a class's slots that tasks of one slot and so much memory can use at once, 0–1. 1 while no device is there.
    pub fn part(&self, class: Class, memory_bytes: u64) -> f64 {
        let (mut usable, mut all) = (0, 0);
        for ((_, slots, memory), count) in self.0.range((class, 0, 0)..=(class, u32::MAX, u64::MAX)) {
            usable += count * u64::from(*slots).min(memory / memory_bytes.max(1));
            all += count * u64::from(*slots);
        }
        if all > 0 { usable as f64 / all as f64 } else { 1.0 }
    }
}

/// What a task asks for.
pub fn size(ask: &Ask) -> Size {
    (ask.class, ask.slots.max(1), ask.memory_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_for_some_devices_reaches_less() {
        let device = |slots, memory_bytes| DeviceOffer { name: "d".into(), class: Class::Cuda, memory_bytes, slots, gpu: None };
        let (small, large) = (device(2, 24), device(4, 80));
        let mut reach = Reach::default();
        assert_eq!(reach.part(Class::Cuda, 10), 1.0);
        reach.add([&small, &small, &large]);
        assert_eq!((reach.part(Class::Cuda, 10), reach.part(Class::Cuda, 18), reach.part(Class::Cuda, 30)), (1.0, 0.75, 0.25));
        reach.remove([&large]);
        assert_eq!((reach.part(Class::Cuda, 18), reach.part(Class::Cuda, 30), reach.part(Class::Cpu, 30)), (0.5, 0.0, 1.0));
    }
}
