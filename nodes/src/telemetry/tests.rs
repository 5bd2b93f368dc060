use super::*;
use klieg_protocol::GpuTelemetry;
use std::sync::{Arc, Mutex};

/// What a driver would tell, look by look.
#[derive(Default)]
struct Tape {
    xids: Vec<(String, u64)>,
    here: Vec<(String, Result<GpuTelemetry, Lost>)>,
}

#[derive(Clone, Default)]
struct Recorded(Arc<Mutex<Tape>>);

impl Recorded {
    fn gpu(&self, uuid: &str, reading: Result<GpuTelemetry, Lost>) {
        let mut tape = self.0.lock().unwrap();
        tape.here.retain(|(other, _)| other != uuid);
        tape.here.push((uuid.into(), reading));
    }
    fn xid(&self, uuid: &str, number: u64) {
        self.0.lock().unwrap().xids.push((uuid.into(), number));
    }
    fn takes_away(&self, uuid: &str) {
        self.0.lock().unwrap().here.retain(|(other, _)| other != uuid);
    }
}

impl Driver for Recorded {
    fn gpus(&mut self) -> Vec<driver::Gpu> {
        Vec::new()
    }
    fn look(&mut self) -> Vec<(String, Result<GpuTelemetry, Lost>)> {
        self.0.lock().unwrap().here.clone()
    }
    fn xids(&mut self) -> Vec<(String, u64)> {
        std::mem::take(&mut self.0.lock().unwrap().xids)
    }
}

/// A machine with the GPUs "a" and "b".
fn machine() -> (Recorded, Sensors) {
    let tape = Recorded::default();
    for uuid in ["a", "b"] {
        tape.gpu(uuid, Ok(GpuTelemetry { ecc_uncorrected: Some(5), ..GpuTelemetry::default() }));
    }
    let mut sensors = Sensors::with(Some(Box::new(tape.clone())));
    assert_eq!(states(&mut sensors), [State::Healthy, State::Healthy]);
    (tape, sensors)
}

fn states(sensors: &mut Sensors) -> Vec<State> {
    sensors.look().gpus.into_values().collect()
}

fn faulty(state: &State, why: &str) -> bool {
    matches!(state, State::Faulty(reason) if reason.contains(why))
}

#[test]
fn errors_of_applications_leave_the_gpu_well_and_are_counted() {
    let (tape, mut sensors) = machine();
    for number in [13, 31, 43, 45, 63, 94] {
        tape.xid("a", number);
    }
    let look = sensors.look();
    assert!(look.gpus.values().all(|state| *state == State::Healthy), "{look:?}");
    let told: Vec<_> = look.telemetry.gpus.iter().map(|gpu| (gpu.uuid.as_str(), gpu.xid, gpu.xids)).collect();
    assert_eq!(told, [("a", Some(94), 6), ("b", None, 0)]);
}

#[test]
fn errors_of_the_gpu_make_it_faulty_for_good() {
    for number in [46, 48, 62, 79, 95, 109, 119, 120, 140, 143, 999] {
        let (tape, mut sensors) = machine();
        tape.xid("b", number);
        let seen = states(&mut sensors);
        assert!(seen[0] == State::Healthy && faulty(&seen[1], &format!("Xid {number}:")), "{seen:?}");
        assert_eq!(states(&mut sensors), seen, "it does not heal by itself");
    }
}

#[test]
fn a_gpu_that_works_but_needs_a_reset_is_drained_and_worse_news_outdo_that() {
    let (tape, mut sensors) = machine();
    tape.xid("a", 64);
    assert!(matches!(&states(&mut sensors)[0], State::Draining(why) if why.contains("Xid 64")));
    tape.xid("a", 79);
    assert!(faulty(&states(&mut sensors)[0], "fallen off the bus"));
    tape.xid("a", 74);
    assert!(faulty(&states(&mut sensors)[0], "fallen off the bus"));
}

#[test]
fn a_gpu_that_does_not_answer_is_faulty_until_it_does() {
    let (tape, mut sensors) = machine();
    tape.gpu("a", Err(Lost("the GPU is lost".into())));
    tape.takes_away("b");
    let seen = states(&mut sensors);
    assert!(faulty(&seen[0], "the GPU is lost") && faulty(&seen[1], "does not list it"), "{seen:?}");
    tape.gpu("a", Ok(GpuTelemetry::default()));
    tape.gpu("b", Ok(GpuTelemetry::default()));
    assert_eq!(states(&mut sensors), [State::Healthy, State::Healthy]);
}

#[test]
fn uncorrected_memory_errors_drain_it_when_they_rise() {
    let (tape, mut sensors) = machine();
    let reading = |errors| Ok(GpuTelemetry { ecc_uncorrected: Some(errors), ..GpuTelemetry::default() });
    tape.gpu("a", reading(6));
    assert_eq!(states(&mut sensors)[0], State::Healthy, "one that the driver contained");
    tape.gpu("a", reading(7));
    assert!(matches!(&states(&mut sensors)[0], State::Draining(why) if why.starts_with("2 memory errors")));
}

#[test]
fn this_machine_is_measured_without_a_driver() {
    let folder = tempfile::tempdir().unwrap();
    let mut sensors = Sensors::with(None);
    sensors.scratch(folder.path().into());
    let look = sensors.look();
    let host = &look.telemetry.host;
    assert!(host.memory_bytes > 100_000_000 && host.memory_used_bytes <= host.memory_bytes, "{host:?}");
    assert!(look.disk_free_bytes.is_some_and(|free| free <= host.disks[0].bytes), "{host:?}");
    assert!(look.gpus.is_empty() && look.telemetry.gpus.is_empty());
}
