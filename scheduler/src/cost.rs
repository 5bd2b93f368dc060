//! What computing costs: slot-seconds times the price of a slot for an hour.

use crate::state::Job;

/// The price of `seconds` on one slot, in the currency of `price_per_slot_hour`.
pub fn of_seconds(seconds: f64, price_per_slot_hour: f64) -> f64 {
    seconds / 3600.0 * price_per_slot_hour
}

/// What a job has cost so far; failed and lost attempts count.
pub fn of_job(job: &Job) -> f64 {
    of_seconds(job.tasks.values().map(|task| task.seconds).sum(), job.price)
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_hour_costs_its_price() {
        assert_eq!(super::of_seconds(3600.0, 0.25), 0.25);
        assert_eq!(super::of_seconds(0.0, 0.25), 0.0);
    }
}
