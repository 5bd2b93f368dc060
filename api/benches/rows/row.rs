//! A line of the farm's speed table, and how it is told to `benches/farm`.

use serde::Serialize;

/// One figure beside its goal.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub what: String,
    /// For people, with its unit.
    pub figure: String,
    /// Empty: there is none.
    pub goal: String,
    /// Whether the figure reaches its goal.
    pub met: Option<bool>,
    /// What peers are compared in, where they do the same.
    #[serde(flatten)]
    pub beside: Beside,
}

/// The figures that peers have too.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Beside {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tasks_per_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<f64>,
}

impl Row {
    /// A figure without a goal.
    pub fn of(what: impl Into<String>, figure: impl Into<String>) -> Self {
        Self { what: what.into(), figure: figure.into(), goal: String::new(), met: None, beside: Beside::default() }
    }

    /// A figure that should not be above its goal.
    pub fn at_most(what: impl Into<String>, figure: f64, goal: f64, unit: &str) -> Self {
        let (text, met) = (format!("{} {unit}", shown(figure)), Some(figure <= goal));
        Self { goal: format!("≤ {goal} {unit}"), met, ..Self::of(what, text) }
    }

    /// A figure that should not be below its goal.
    pub fn at_least(what: impl Into<String>, figure: f64, goal: f64, unit: &str) -> Self {
        let (text, met) = (format!("{} {unit}", shown(figure)), Some(figure >= goal));
        Self { goal: format!("≥ {goal} {unit}"), met, ..Self::of(what, text) }
    }

    /// The same with what peers are compared in.
    pub fn beside(self, beside: Beside) -> Self {
        Self { beside, ..self }
    }

    /// Tells `benches/farm`, which gathers what begins so.
    pub fn print(&self) {
        println!("row\t{}", serde_json::to_string(self).expect("plain data"));
    }
}

/// Three digits that count.
fn shown(figure: f64) -> String {
    match figure {
        figure if figure >= 100.0 => format!("{figure:.0}"),
        figure if figure >= 10.0 => format!("{figure:.1}"),
        figure => format!("{figure:.2}"),
    }
}
