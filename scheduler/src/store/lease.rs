//! Taking the lead, now or when it has become free.

use super::{Epoch, Leadership, Store, StoreError};
use std::time::Duration;

/// How often in a lease a standby looks. A leader beats at least three times in one, so that one lost beat costs nothing.
const LOOKS: u32 = 5;

/// Takes the lead from whoever has it: for one who knows by other means that nobody else is active.
pub async fn lead_now(store: &impl Store, leader: &str) -> Result<Epoch, StoreError> {
    let seen = store.leadership().await?;
    store.lead(&seen, leader).await
}

/// Waits until the lead is free, or nobody has kept it for a whole `lease`, and takes it. Looks are counted, no clock is
/// compared: a standby that was paused itself only waits longer, and the claim fails if the leader has beaten since. `led_by` is
/// told who leads at each look.
pub async fn lead_when_free(
    store: &impl Store,
    leader: &str,
    lease: Duration,
    led_by: impl Fn(&str) + Send + Sync,
) -> Result<Epoch, StoreError> {
    let (mut seen, mut looks) = (Leadership::default(), 0);
    loop {
        let now = store.leadership().await?;
        looks = if now == seen { looks + 1 } else { 0 };
        seen = now;
        led_by(&seen.leader);
        if seen.leader.is_empty() || looks >= LOOKS {
            match store.lead(&seen, leader).await {
                Err(StoreError::Fenced) => looks = 0,
                done => return done,
            }
        }
        tokio::time::sleep(lease / LOOKS).await;
    }
}
