//! How things are shown to people: clock times, money, progress.

pub mod bytes;
pub mod progress;
pub mod tracker;

/// Seconds as a person reads them: `42 s`, `3:07 min`, `1:02 h`.
pub fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{}:{:02} min", whole / 60, whole % 60),
        _ => format!("{}:{:02} h", whole / 3600, whole % 3600 / 60),
    }
}

/// An amount in the currency the price was given in: enough digits that a small job isn't free.
pub fn money(amount: f64) -> String {
    if amount >= 1.0 { format!("{amount:.2}") } else { format!("{amount:.4}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_read_well() {
        assert_eq!(clock(41.6), "42 s");
        assert_eq!(clock(59.9), "1:00 min");
        assert_eq!(clock(187.0), "3:07 min");
        assert_eq!(clock(3720.0), "1:02 h");
        assert_eq!(clock(-1.0), "0 s");
    }

    #[test]
    fn small_sums_are_not_free() {
        assert_eq!(money(0.0031), "0.0031");
        assert_eq!(money(12.3), "12.30");
    }
}
