use klieg_protocol::{Ask, Class, Input, TaskSpec};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::IgnoredAny};
use std::{collections::BTreeMap, sync::Arc};

/// A task's specification in little memory: what the planner looks at lies open, the rest is packed. A million of them wait in
/// memory at once. Is serialised as the `TaskSpec` that it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Packed {
    pub name: Arc<str>,
    /// Lower runs first among ready tasks of one job.
    pub rank: u32,
    /// Estimated seconds.
    pub seconds: f64,
    /// MessagePack of `Rest`.
    rest: Box<[u8]>,
}

/// Everything but what lies open.
#[derive(Serialize, Deserialize)]
struct Rest {
    step: String,
    params: serde_json::Value,
    inputs: BTreeMap<String, Input>,
    ask: Ask,
    label: String,
}

impl Packed {
    /// Packs a specification.
    pub fn of(spec: TaskSpec) -> Self {
        let (name, rank, seconds) = (spec.name.into(), spec.rank, spec.ask.seconds);
        let rest = Rest { step: spec.step, params: spec.params, inputs: spec.inputs, ask: spec.ask, label: spec.label };
        // Writing to memory fails only for what MessagePack cannot express: `check` keeps parameters from being nested so deeply.
        let rest = rmp_serde::to_vec(&rest).unwrap_or_default().into_boxed_slice();
        Self { name, rank, seconds, rest }
    }

    /// The whole specification.
    pub fn open(&self) -> TaskSpec {
        let rest: Option<Rest> = rmp_serde::from_slice(&self.rest).ok();
        // What `of` wrote can be read; see its test.
        let rest = rest.unwrap_or_else(|| Rest {
            step: String::new(),
            params: serde_json::Value::Null,
            inputs: BTreeMap::new(),
            ask: Ask { seconds: self.seconds, ..Ask::default() },
            label: String::new(),
        });
        TaskSpec {
            name: self.name.to_string(),
            step: rest.step,
            params: rest.params,
            inputs: rest.inputs,
            ask: rest.ask,
            rank: self.rank,
            label: rest.label,
        }
    }
}

/// As `Rest`, with only its inputs read: step, parameters, inputs, ask, label.
type Links = (IgnoredAny, IgnoredAny, BTreeMap<String, Input>, IgnoredAny, IgnoredAny);
/// The same with only its ask read.
type Asks = (IgnoredAny, IgnoredAny, IgnoredAny, Ask, IgnoredAny);

impl Packed {
    /// The inputs of the specification: what a new leader reads of every task.
    pub fn inputs(&self) -> BTreeMap<String, Input> {
        rmp_serde::from_slice(&self.rest).map(|(_, _, inputs, _, _): Links| inputs).unwrap_or_default()
    }

    /// What it asks for; of what cannot be read, the seconds.
    pub fn ask(&self) -> Ask {
        let ask = rmp_serde::from_slice(&self.rest).map(|(_, _, _, ask, _): Asks| ask);
        ask.unwrap_or_else(|_| Ask { seconds: self.seconds, ..Ask::default() })
    }
}

impl From<TaskSpec> for Packed {
    fn from(spec: TaskSpec) -> Self {
        Self::of(spec)
    }
}

impl Serialize for Packed {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.open().serialize(s)
    }
}

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        TaskSpec::deserialize(d).map(Self::of)
    }
}

/// What an attempt must be given. Tasks of equal shape fit in the same places.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shape {
    pub class: Class,
    pub memory_bytes: u64,
    pub slots: u32,
    pub models: Vec<String>,
    /// Sorted, each once.
    pub limits: Vec<String>,
    /// Of its node; sorted, each once.
    pub needs: Vec<String>,
}

impl Shape {
    /// Of an ask, or of less or more memory if that is known better.
    pub fn of(ask: &Ask, learned: Option<u64>) -> Self {
        let sorted = |words: &[String]| {
            let mut words = words.to_vec();
            words.sort_unstable();
            words.dedup();
            words
        };
        let (limits, needs) = (sorted(&ask.limits), sorted(&ask.needs));
        let memory_bytes = learned.unwrap_or(ask.memory_bytes);
        Self { class: ask.class, memory_bytes, slots: ask.slots.max(1), models: ask.models.clone(), limits, needs }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klieg_protocol::{Digest, Source};
    use serde_json::json;

    #[test]
    fn what_is_packed_comes_back() {
        let from = |from| Input { from };
        let spec = TaskSpec {
            name: "render/ä\u{0}/0".into(),
            step: "render".into(),
            params: json!({"f": 0.1, "n": -3, "big": u64::MAX, "list": [null, true, {"x": "y"}], "none": {}}),
            inputs: BTreeMap::from([
                ("a".into(), from(Source::Blob(Digest::of(b"a")))),
                ("b".into(), from(Source::Output { task: "t".into(), name: "o".into() })),
            ]),
            ask: Ask {
                memory_bytes: 1 << 40,
                seconds: 12.5,
                class: Class::Cuda,
                slots: 2,
                models: vec!["sdxl".into()],
                limits: vec!["nuke".into()],
                shape: "1280x720".into(),
                needs: vec!["openjd".into(), "a|b".into()],
                fresh: true,
            },
            rank: 7,
            label: "a label".into(),
        };
        let packed = Packed::of(spec.clone());
        assert_eq!(packed.open(), spec);
        assert_eq!(packed.inputs(), spec.inputs);
        let text = serde_json::to_string(&packed).unwrap();
        assert_eq!(text, serde_json::to_string(&spec).unwrap());
        assert_eq!(serde_json::from_str::<Packed>(&text).unwrap(), packed);
    }
}
