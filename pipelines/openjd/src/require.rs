//! Host requirements as what a task asks of the farm.

use klieg_protocol::{Ask, Class};
use openjd_model::job::{AmountRequirement, AttributeRequirement, HostRequirements};

/// What a node gives that lets others' commands run on it at all.
pub const GIVES: &str = "openjd";
/// Memory that a session gets of a device when its step names none.
pub const MEMORY_BYTES: u64 = 512 << 20;
/// The estimate of a task's seconds: nothing is known of others' commands.
pub const SECONDS: f64 = 10.0;

const MIB: f64 = 1_048_576.0;

/// What `klieg node` gives of the standard attributes of this machine.
pub fn standard() -> Vec<String> {
    let family = match std::env::consts::OS {
        "macos" => "macos",
        "windows" => "windows",
        _ => "linux",
    };
    let arch = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    };
    vec![GIVES.to_owned(), format!("attr.worker.os.family={family}"), format!("attr.worker.cpu.arch={arch}")]
}

/// The ask of a step's session of so many tasks, or what of its requirements no node can be found by.
pub fn ask(requirements: Option<&HostRequirements>, tasks: u64) -> Result<Ask, String> {
    let mut ask = Ask {
        memory_bytes: MEMORY_BYTES,
        seconds: SECONDS * tasks.max(1) as f64,
        needs: vec![GIVES.to_owned()],
        fresh: true,
        ..Ask::default()
    };
    let Some(requirements) = requirements else { return Ok(ask) };
    for attribute in requirements.attributes.iter().flatten() {
        ask.needs.extend(words(attribute));
    }
    let mut gpu_bytes = None;
    let mut host_bytes = None;
    for amount in requirements.amounts.iter().flatten() {
        match (amount.name.to_ascii_lowercase().as_str(), least(amount)?) {
            (_, 0.0) => {}
            ("amount.worker.vcpu", least) => ask.slots = least.ceil() as u32,
            ("amount.worker.memory", least) => host_bytes = Some((least * MIB) as u64),
            ("amount.worker.gpu", 1.0) => ask.class = Class::Cuda,
            ("amount.worker.gpu", least) => return Err(format!("asks for {least} GPUs: a task of klieg runs on one device")),
            ("amount.worker.gpu.memory", least) => gpu_bytes = Some((least * MIB) as u64),
            ("amount.worker.disk.scratch", _) => {
                return Err(
                    "asks for scratch space (amount.worker.disk.scratch): klieg's nodes do not tell how much they have".into()
                );
            }
            (name, 1.0) => ask.limits.push(name.to_owned()),
            (name, least) => return Err(format!("asks for {least} of {name}: klieg counts one of each a task")),
        }
    }
    if gpu_bytes.is_some() {
        ask.class = Class::Cuda;
    }
    match ask.class {
        // A GPU's slots are not the processor's, and only its own memory is counted out.
        Class::Cuda => (ask.slots, ask.memory_bytes) = (1, gpu_bytes.unwrap_or(MEMORY_BYTES)),
        _ => ask.memory_bytes = host_bytes.unwrap_or(MEMORY_BYTES),
    }
    Ok(ask)
}

/// The most host memory that a step may use, when it says so (`amount.worker.memory`'s `max`).
pub fn memory_max(requirements: Option<&HostRequirements>) -> Option<u64> {
    let amounts = requirements?.amounts.as_ref()?;
    let memory = amounts.iter().find(|amount| amount.name.eq_ignore_ascii_case("amount.worker.memory"))?;
    memory.max.map(|most| (most * MIB) as u64)
}

fn least(amount: &AmountRequirement) -> Result<f64, String> {
    let least = amount.min.unwrap_or(0.0);
    let right = least.is_finite() && (0.0..=1e9).contains(&least);
    if right { Ok(least) } else { Err(format!("asks for {least} of {}", amount.name)) }
}

fn words(attribute: &AttributeRequirement) -> Vec<String> {
    let name = attribute.name.to_ascii_lowercase();
    let word = |value: &String| format!("{name}={}", value.to_ascii_lowercase());
    let any = attribute.any_of.iter().filter(|values| !values.is_empty());
    let any = any.map(|values| values.iter().map(word).collect::<Vec<_>>().join("|"));
    any.chain(attribute.all_of.iter().flatten().map(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(name: &str, min: f64) -> AmountRequirement {
        AmountRequirement { name: name.into(), min: Some(min), max: None }
    }

    fn of(amounts: Vec<AmountRequirement>) -> Result<Ask, String> {
        ask(Some(&HostRequirements { amounts: Some(amounts), attributes: None }), 1)
    }

    #[test]
    fn a_gpu_with_memory_is_a_device_of_class_cuda() {
        let ask = of(vec![amount("amount.worker.gpu", 1.0), amount("amount.worker.gpu.memory", 2048.0)]).unwrap();
        assert_eq!((ask.class, ask.memory_bytes, ask.slots), (Class::Cuda, 2048 << 20, 1));
        assert!(of(vec![amount("amount.worker.gpu", 2.0)]).unwrap_err().contains("2 GPUs"));
    }

    #[test]
    fn cores_are_slots_and_memory_is_the_hosts() {
        let ask = of(vec![amount("amount.worker.vcpu", 2.5), amount("amount.worker.memory", 1024.0)]).unwrap();
        assert_eq!((ask.class, ask.memory_bytes, ask.slots, ask.fresh), (Class::Cpu, 1 << 30, 3, true));
    }

    #[test]
    fn attributes_are_needs_and_licences_are_limits() {
        let attribute = |any_of: &[&str], all_of: &[&str]| AttributeRequirement {
            name: "attr.Renderer".into(),
            any_of: (!any_of.is_empty()).then(|| any_of.iter().map(ToString::to_string).collect()),
            all_of: (!all_of.is_empty()).then(|| all_of.iter().map(ToString::to_string).collect()),
        };
        let attributes = Some(vec![attribute(&["A", "b"], &[]), attribute(&[], &["x", "y"])]);
        let requirements = HostRequirements { amounts: Some(vec![amount("amount.nuke", 1.0)]), attributes };
        let ask = ask(Some(&requirements), 3).unwrap();
        assert_eq!(ask.needs, ["openjd", "attr.renderer=a|attr.renderer=b", "attr.renderer=x", "attr.renderer=y"]);
        assert_eq!(ask.limits, ["amount.nuke"]);
        assert!(of(vec![amount("amount.nuke", 2.0)]).is_err());
    }
}
