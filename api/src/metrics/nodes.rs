//! Nodes and their devices: what the scheduler thinks of them, and what they measured of themselves.

use super::text::{Kind, Text};
use klieg_protocol::{GpuTelemetry, HostTelemetry, NodeId, Telemetry};
use klieg_scheduler::records::{DeviceRecord, Health, NodeRecord};
use std::collections::BTreeMap;

/// Nodes that are told one by one; all are counted.
const NODES_MAX: usize = 1_000;

pub fn tell(text: &mut Text, nodes: &[NodeRecord], told: &BTreeMap<NodeId, Telemetry>) {
    states(text, nodes);
    let named = &nodes[..nodes.len().min(NODES_MAX)];
    text.gauge("klieg_nodes_untold", "Nodes that are too many to be told one by one.", nodes.len() - named.len());
    devices(text, named);
    let with: Vec<(&NodeRecord, &Telemetry)> = named.iter().filter_map(|node| Some((node, told.get(&node.id)?))).collect();
    hosts(text, &with);
    disks(text, &with);
    gpus(text, &with);
}

fn word(health: Health) -> &'static str {
    match health {
        Health::Healthy => "healthy",
        Health::Draining => "draining",
        Health::Faulty => "faulty",
        Health::Away => "away",
    }
}

const STATES: [Health; 4] = [Health::Healthy, Health::Draining, Health::Faulty, Health::Away];

fn states(text: &mut Text, nodes: &[NodeRecord]) {
    let mut family = text.family("klieg_nodes_by_state", Kind::Gauge, "Nodes that have joined.");
    for state in STATES {
        family.sample(&[("state", word(state))], nodes.iter().filter(|node| node.health == state).count());
    }
    let mut counts: BTreeMap<(String, Health), u64> = BTreeMap::new();
    for device in nodes.iter().flat_map(|node| &node.devices) {
        for state in STATES {
            *counts.entry((device.offer.class.to_string(), state)).or_default() += u64::from(device.health == state);
        }
    }
    let mut family = text.family("klieg_devices", Kind::Gauge, "Devices of nodes that have joined.");
    for ((class, state), count) in counts {
        family.sample(&[("class", &class), ("state", word(state))], count);
    }
}

fn devices(text: &mut Text, nodes: &[NodeRecord]) {
    let mut of = |name: &str, help: &str, pick: &dyn Fn(&DeviceRecord) -> u64| {
        let mut family = text.family(name, Kind::Gauge, help);
        for node in nodes {
            for (number, device) in node.devices.iter().enumerate() {
                let (number, class) = (number.to_string(), device.offer.class.to_string());
                family.sample(&[("node", &node.id.0), ("device", &number), ("class", &class)], pick(device));
            }
        }
    };
    of("klieg_device_faulty", "1: the device gets no tasks until a fault is gone; the API says which.", &|device| {
        u64::from(device.health == Health::Faulty)
    });
    of("klieg_device_slots", "Slots of a device.", &|device| device.offer.slots.into());
    of("klieg_device_slots_used", "Slots of a device that tasks hold.", &|device| device.slots_held.into());
    of("klieg_device_memory_reserved_bytes", "Memory of a device that tasks have reserved.", &|device| device.memory_held_bytes);
}

fn hosts(text: &mut Text, nodes: &[(&NodeRecord, &Telemetry)]) {
    let mut of = |name: &str, help: &str, pick: &dyn Fn(&HostTelemetry) -> f64| {
        let mut family = text.family(name, Kind::Gauge, help);
        for (node, told) in nodes {
            family.sample(&[("node", &node.id.0)], pick(&told.host));
        }
    };
    of("klieg_node_cpu_ratio", "Use of all of a node's processors, 0 to 1.", &|host| f64::from(host.cpu_permille) / 1000.0);
    of("klieg_node_memory_used_bytes", "Host memory in use.", &|host| host.memory_used_bytes as f64);
    of("klieg_node_memory_bytes", "Host memory.", &|host| host.memory_bytes as f64);
}

fn disks(text: &mut Text, nodes: &[(&NodeRecord, &Telemetry)]) {
    let mut of = |name: &str, help: &str, pick: &dyn Fn(&klieg_protocol::DiskTelemetry) -> u64| {
        let mut family = text.family(name, Kind::Gauge, help);
        for (node, told) in nodes {
            for disk in &told.host.disks {
                family.sample(&[("node", &node.id.0), ("what", &disk.what)], pick(disk));
            }
        }
    };
    of("klieg_node_disk_free_bytes", "What a node's agent may still write to the disk of one of its folders.", &|disk| {
        disk.free_bytes
    });
    of("klieg_node_disk_size_bytes", "The size of that disk.", &|disk| disk.bytes);
}

/// What a driver does not tell is left out.
fn gpus(text: &mut Text, nodes: &[(&NodeRecord, &Telemetry)]) {
    let mut of = |name: &str, kind: Kind, help: &str, pick: &dyn Fn(&GpuTelemetry) -> Option<f64>| {
        let mut family = text.family(name, kind, help);
        for (node, told) in nodes {
            for gpu in &told.gpus {
                if let Some(value) = pick(gpu) {
                    family.sample(&[("node", &node.id.0), ("gpu", &gpu.uuid)], value);
                }
            }
        }
    };
    let (gauge, counter) = (Kind::Gauge, Kind::Counter);
    let number = |value: Option<u64>| value.map(|value| value as f64);
    of("klieg_gpu_utilization_ratio", gauge, "Share of time that a kernel ran, 0 to 1.", &|gpu| {
        gpu.used_percent.map(|percent| f64::from(percent) / 100.0)
    });
    of("klieg_gpu_memory_used_bytes", gauge, "Memory of a GPU in use.", &|gpu| number(gpu.memory_used_bytes));
    of("klieg_gpu_memory_bytes", gauge, "Memory of a GPU.", &|gpu| number(gpu.memory_bytes));
    of("klieg_gpu_temperature_celsius", gauge, "Temperature of a GPU.", &|gpu| gpu.celsius.map(f64::from));
    of("klieg_gpu_power_watts", gauge, "Power that a GPU draws.", &|gpu| gpu.milliwatts.map(|power| f64::from(power) / 1000.0));
    of("klieg_gpu_power_limit_watts", gauge, "Power that a GPU may draw.", &|gpu| {
        gpu.milliwatts_max.map(|power| f64::from(power) / 1000.0)
    });
    of("klieg_gpu_clock_hertz", gauge, "Clock of the multiprocessors.", &|gpu| gpu.clock_mhz.map(|clock| f64::from(clock) * 1e6));
    of("klieg_gpu_throttled", gauge, "1: its clocks are lower than they could be.", &|gpu| {
        Some(f64::from(u8::from(!gpu.throttled.is_empty())))
    });
    let corrected = "Memory errors that were corrected since the driver was loaded.";
    of("klieg_gpu_ecc_corrected_total", counter, corrected, &|gpu| number(gpu.ecc_corrected));
    let uncorrected = "Memory errors that could not be corrected since the driver was loaded.";
    of("klieg_gpu_ecc_uncorrected_total", counter, uncorrected, &|gpu| number(gpu.ecc_uncorrected));
    of("klieg_gpu_xid_errors_total", counter, "The driver's errors since the agent began.", &|gpu| Some(gpu.xids as f64));
    of("klieg_gpu_xid_last", gauge, "The driver's latest error, by NVIDIA's number; 0: none.", &|gpu| {
        Some(gpu.xid.unwrap_or(0) as f64)
    });
}
