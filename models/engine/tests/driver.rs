//! The driver with small models that compute on the processor.

use klieg_engine::{
    Batch, Driver, Ended, Flow, Like, Model, ModelId, ModelSpec, News, Outcome, PhaseSpec, Refused, Request, RequestId, Rules,
    Stage, Stepped, Stopped, Tokens, Wish,
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Adds up its input, a step at a time.
struct Adder {
    inputs: BTreeMap<RequestId, u64>,
    sums: BTreeMap<RequestId, u64>,
    here: bool,
    /// Largest batch that fits.
    fits: usize,
    largest: Arc<AtomicUsize>,
    gone: bool,
    pause: Duration,
}

impl Model for Adder {
    type Input = u64;
    type Output = u64;
    type Preview = u64;

    fn take(&mut self, request: &Request, input: u64) -> Result<(), String> {
        if input == 13 {
            return Err("13 is bad luck".into());
        }
        self.inputs.insert(request.id, input);
        Ok(())
    }
    fn load(&mut self, _: usize) -> Result<(), String> {
        if self.gone {
            return Err("its file is gone".into());
        }
        assert!(!std::mem::replace(&mut self.here, true));
        Ok(())
    }
    fn park(&mut self, _: usize) {
        self.here = false;
    }
    fn unload(&mut self, _: usize) {
        self.here = false;
    }
    fn forget(&mut self, _: usize) {}
    fn run(&mut self, batch: &Batch) -> Result<Vec<Stepped<u64>>, Stopped> {
        assert!(self.here);
        if batch.entries.len() > self.fits {
            return Err(Stopped::OutOfMemory);
        }
        std::thread::sleep(self.pause);
        self.largest.fetch_max(batch.entries.len(), Ordering::Relaxed);
        let step = |entry: &klieg_engine::Entry| {
            let sum = self.sums.entry(entry.request).or_insert(0);
            *sum += self.inputs[&entry.request];
            Stepped { outcome: Outcome::Done, preview: entry.preview.then_some(*sum) }
        };
        Ok(batch.entries.iter().map(step).collect())
    }
    fn reset(&mut self, request: RequestId) {
        self.sums.remove(&request);
    }
    fn end(&mut self, request: RequestId) -> Option<u64> {
        self.inputs.remove(&request);
        self.sums.remove(&request)
    }
}

fn rules() -> Rules {
    Rules { device_bytes: 100, host_bytes: 10, quantum: 10, debt_max: 10, requests_max: 1000, idle_ms: 1000 }
}

fn driver(fits: usize, gone: bool, pause: Duration) -> (Driver<Adder>, Arc<AtomicUsize>) {
    let largest = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&largest);
    let make = move || {
        let phase =
            PhaseSpec { parts: vec![0], working_bytes: 1, working_bytes_each: 1, batch_max: 16, cost: 1, tokens: Tokens::None };
        let spec = ModelSpec { parts: vec![10], phases: vec![phase], pool: None };
        let adder = Adder { inputs: BTreeMap::new(), sums: BTreeMap::new(), here: false, fits, largest: seen, gone, pause };
        vec![(ModelId(0), spec, Box::new(adder))]
    };
    (Driver::start(rules(), make, || 0).expect("a driver"), largest)
}

fn wish(flow: &str, steps: u32) -> Wish {
    Wish {
        flow: Flow(flow.into()),
        model: ModelId(0),
        like: Like::default(),
        stages: vec![Stage { phase: 0, steps }],
        state_bytes: 1,
        sequence: None,
        preview_every: 2,
    }
}

#[test]
fn requests_of_many_run_together_and_each_gets_its_own() {
    let (driver, largest) = driver(16, false, Duration::from_millis(1));
    let handles: Vec<_> = (20..60).map(|input| (input, driver.submit(wish(&format!("{}", input % 3), 20), input))).collect();
    for (input, handle) in handles {
        assert_eq!(handle.wait(), Ok(20 * input));
    }
    assert!(largest.load(Ordering::Relaxed) > 4, "they ran together");
}

#[test]
fn news_come_in_order() {
    let (driver, _) = driver(16, false, Duration::ZERO);
    let handle = driver.submit(wish("a", 5), 7);
    let news: Vec<_> = handle.news.iter().collect();
    let progress = |done| News::Progress { done, of: 5 };
    let expected = [
        progress(1),
        News::Preview(14),
        progress(2),
        progress(3),
        News::Preview(28),
        progress(4),
        progress(5),
        News::Ended(Ok(35)),
    ];
    assert_eq!(news, expected);
}

#[test]
fn what_does_not_fit_is_done_in_smaller_batches() {
    let (driver, largest) = driver(3, false, Duration::from_millis(1));
    let handles: Vec<_> = (20..40).map(|input| (input, driver.submit(wish("a", 4), input))).collect();
    for (input, handle) in handles {
        assert_eq!(handle.wait(), Ok(4 * input));
    }
    assert!((1..=3).contains(&largest.load(Ordering::Relaxed)));
    let (driver, _) = self::driver(0, false, Duration::ZERO);
    assert!(matches!(driver.submit(wish("a", 4), 7).wait(), Err(Ended::Failed(what)) if what.contains("too little memory")));
}

#[test]
fn who_fails_is_told_why() {
    let (driver, _) = driver(16, true, Duration::ZERO);
    assert_eq!(driver.submit(wish("a", 4), 7).wait(), Err(Ended::Failed("its file is gone".into())));
    assert_eq!(driver.submit(wish("a", 4), 13).wait(), Err(Ended::Failed("13 is bad luck".into())));
    assert_eq!(driver.submit(wish("a", 0), 7).wait(), Err(Ended::Refused(Refused::NoSteps)));
    assert_eq!(
        driver.submit(Wish { model: ModelId(7), ..wish("a", 1) }, 7).wait(),
        Err(Ended::Refused(Refused::NoModel(ModelId(7))))
    );
    let large = driver.submit(Wish { state_bytes: 89, ..wish("a", 1) }, 7).wait();
    assert_eq!(large, Err(Ended::Refused(Refused::TooLarge { needed: 101, device: 100 })));
}

#[test]
fn who_is_cancelled_or_dropped_stops() {
    let (driver, _) = driver(16, false, Duration::from_millis(1));
    let endless = driver.submit(wish("a", u32::MAX), 1);
    assert!(endless.news.iter().any(|news| matches!(news, News::Progress { .. })), "it runs");
    endless.cancel();
    assert_eq!(endless.wait(), Err(Ended::Cancelled));
    drop(driver.submit(wish("a", u32::MAX), 1));
    let preempted = driver.submit(wish("a", 200), 3);
    driver.preempt(preempted.id);
    assert_eq!(preempted.wait(), Ok(600));
    let left = driver.submit(wish("a", u32::MAX), 1);
    drop(driver);
    assert_eq!(left.wait(), Err(Ended::Cancelled), "the driver goes with everything that it has");
}
