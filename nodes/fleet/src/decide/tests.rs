use super::*;
use proptest::{collection, prelude::*};
use std::collections::BTreeSet;

const SECOND: Duration = Duration::from_secs(1);

fn work(ready: u64, running: u64) -> Backlog {
    Backlog { ready, running, nodes: 0, slots: 0 }
}

fn agent(id: u64, stage: Stage) -> Agent {
    Agent { id, stage, note: String::new() }
}

fn running(ids: std::ops::RangeInclusive<u64>) -> Vec<Agent> {
    ids.map(|id| agent(id, Stage::Running { ran: SECOND * 90 })).collect()
}

fn first(backlog: Backlog, agents: &[Agent], rules: &Rules) -> Decision {
    decide(&backlog, agents, rules, &Memory::default(), SECOND, 0.5).0
}

#[test]
fn as_many_agents_as_the_backlog_fills() {
    let rules = Rules::new(0, 100, 4);
    assert_eq!(first(work(9, 0), &[], &rules).start, 3);
    // Two agents have eight slots, of which five are taken; nine tasks still wait.
    assert_eq!(first(work(9, 5), &running(1..=2), &rules).start, 2);
    // What others run asks for nobody.
    assert_eq!(first(work(0, 500), &[], &rules).start, 0);
    // Those on their way count.
    let coming = [agent(1, Stage::Queued), agent(2, Stage::Queued)];
    assert_eq!(first(work(9, 0), &coming, &rules).start, 1);
}

#[test]
fn bounds_hold() {
    let mut rules = Rules::new(2, 5, 1);
    assert_eq!(first(work(0, 0), &[], &rules).start, 2);
    assert_eq!(first(work(1000, 0), &[], &rules).start, 5);
    // One that is ending still has its machine.
    assert_eq!(first(work(1000, 0), &[agent(1, Stage::Leaving)], &rules).start, 4);
    rules.starts_max = 3;
    assert_eq!(first(work(u64::MAX, u64::MAX), &[], &rules).start, 3);
}

#[test]
fn a_surplus_has_to_last() {
    let rules = Rules { idle: SECOND * 60, ..Rules::new(0, 10, 1) };
    let agents = running(1..=3);
    let at = |second: u32, ready, memory: &Memory| decide(&work(ready, 0), &agents, &rules, memory, SECOND * second, 0.0);
    let (decision, memory) = at(0, 0, &Memory::default());
    assert_eq!(decision.drain, Vec::<u64>::new());
    let (decision, memory) = at(59, 0, &memory);
    assert_eq!(decision.drain, Vec::<u64>::new());
    assert_eq!(at(60, 0, &memory).0.drain, vec![3, 2, 1]);
    // Two were needed for a moment within the minute, so only one has been too many for all of it.
    let (decision, memory) = at(59, 2, &memory);
    assert_eq!(decision.drain, Vec::<u64>::new());
    let (decision, memory) = at(60, 0, &memory);
    assert_eq!(decision.drain, vec![3]);
    assert_eq!(at(61, 0, &memory).0.drain, Vec::<u64>::new());
    // All three were needed: it begins anew.
    let (_, memory) = at(60, 3, &memory);
    assert_eq!(at(100, 0, &memory).0.drain, Vec::<u64>::new());
}

#[test]
fn what_waits_goes_before_what_runs() {
    let rules = Rules { idle: Duration::ZERO, stops_max: 2, ..Rules::new(0, 10, 1) };
    let mut agents = running(1..=2);
    agents.push(agent(3, Stage::Queued));
    agents.push(agent(4, Stage::Leaving));
    let decision = first(work(0, 0), &agents, &rules);
    assert_eq!((decision.cancel, decision.drain), (vec![3], vec![2]));
}

#[test]
fn agents_that_cannot_start_are_not_started_for_ever() {
    let rules = Rules::new(0, 10, 1);
    let dead = |id| agent(id, Stage::Ended { ran: SECOND, failed: true });
    let (decision, memory) = decide(&work(5, 0), &[dead(1), dead(2)], &rules, &Memory::default(), SECOND, 1.0);
    assert_eq!((decision.start, decision.failed), (0, vec![1, 2]));
    assert_eq!(decision.held, Some(SECOND * 20));
    // The same failures are no news; after the pause it is tried again.
    let (decision, memory) = decide(&work(5, 0), &[dead(1), dead(2)], &rules, &memory, SECOND * 21, 1.0);
    assert_eq!((decision.start, decision.failed), (5, vec![]));
    let (decision, _) = decide(&work(5, 0), &[dead(3)], &rules, &memory, SECOND * 22, 1.0);
    assert_eq!(decision.held, Some(SECOND * 40));
    // One that ran for a while and then failed is nobody's hint that they cannot start.
    let late = agent(4, Stage::Ended { ran: SECOND * 61, failed: true });
    assert_eq!(first(work(5, 0), &[late], &rules).start, 5);
    // An agent that stays shows that they can.
    let (_, memory) = decide(&work(5, 0), &running(4..=4), &rules, &memory, SECOND * 80, 1.0);
    let (decision, _) = decide(&work(5, 0), &[dead(5)], &rules, &memory, SECOND * 81, 1.0);
    assert_eq!(decision.held, Some(SECOND * 20));
}

#[test]
fn pauses_double_up_to_their_bound() {
    let rules = Rules::new(0, 1, 1);
    let bounds: Vec<u64> = [1, 2, 3, 4, 5, 6, 31, 32, u32::MAX].iter().map(|n| pause(*n, &rules, 1.0).as_secs()).collect();
    assert_eq!(bounds, [20, 40, 80, 160, 320, 600, 600, 600, 600]);
    assert_eq!(pause(9, &rules, 0.0), rules.hold_min);
}

fn any_stage() -> impl Strategy<Value = Stage> {
    let ran = (0..200_u64).prop_map(Duration::from_secs);
    prop_oneof![
        Just(Stage::Queued),
        ran.clone().prop_map(|ran| Stage::Running { ran }),
        Just(Stage::Leaving),
        (ran, any::<bool>()).prop_map(|(ran, failed)| Stage::Ended { ran, failed }),
    ]
}

fn any_rules() -> impl Strategy<Value = Rules> {
    (0..5_u32, 0..12_u32, 0..9_u32, 0..40_u64, 1..6_u32, 1..6_u32).prop_map(|(min, more, slots, idle, starts_max, stops_max)| {
        Rules { idle: Duration::from_secs(idle), starts_max, stops_max, ..Rules::new(min, min + more, slots) }
    })
}

proptest! {
    #[test]
    fn anything_seen_is_answered_within_the_rules(
        rounds in collection::vec((any::<(u16, u16)>(), collection::vec(any_stage(), 0..20)), 1..20),
        rules in any_rules(),
        chance in 0.0..1.0_f64,
    ) {
        let mut memory = Memory::default();
        for (second, ((ready, busy), stages)) in (0..).zip(&rounds) {
            let agents: Vec<Agent> = (1..).zip(stages).map(|(id, stage)| agent(id, *stage)).collect();
            let now = SECOND * 7 * second;
            let (decision, next) = decide(&work((*ready).into(), (*busy).into()), &agents, &rules, &memory, now, chance);
            memory = next;
            let of = |wanted: fn(&Stage) -> bool| -> BTreeSet<u64> {
                agents.iter().filter(|agent| wanted(&agent.stage)).map(|agent| agent.id).collect()
            };
            let (queued, running) = (of(|s| matches!(s, Stage::Queued)), of(|s| matches!(s, Stage::Running { .. })));
            let there = queued.len() + running.len() + of(|s| matches!(s, Stage::Leaving)).len();
            let stopped: BTreeSet<u64> = decision.cancel.iter().chain(&decision.drain).copied().collect();
            let live = queued.len() + running.len();
            prop_assert!(decision.start == 0 || there + decision.start as usize <= rules.agents_max as usize);
            prop_assert!(decision.start == 0 || stopped.is_empty());
            prop_assert!(decision.start <= rules.starts_max && stopped.len() <= rules.stops_max as usize);
            prop_assert_eq!(stopped.len(), decision.cancel.len() + decision.drain.len());
            prop_assert!(decision.cancel.iter().all(|id| queued.contains(id)));
            prop_assert!(decision.drain.iter().all(|id| running.contains(id)));
            prop_assert!(decision.drain.is_empty() || decision.cancel.len() == queued.len());
            prop_assert!(stopped.is_empty() || live - stopped.len() >= decision.wanted as usize);
            prop_assert!((rules.agents_min..=rules.agents_max).contains(&decision.wanted));
        }
    }

    /// A farm whose work stays the same gets the agents that it wants, and keeps them.
    #[test]
    fn a_steady_backlog_finds_its_agents(tasks in 0..60_u64, before in 0..20_u64, rules in any_rules()) {
        let slots = u64::from(rules.slots.max(1));
        let mut ids: Vec<u64> = (1..=before.min(rules.agents_max.into())).collect();
        let (mut memory, mut next) = (Memory::default(), before + 1);
        let round = |ids: &[u64], memory: &Memory, second: u32| {
            let busy = tasks.min(ids.len() as u64 * slots);
            let agents: Vec<Agent> = ids.iter().map(|id| agent(*id, Stage::Running { ran: SECOND * 90 })).collect();
            decide(&work(tasks - busy, busy), &agents, &rules, memory, SECOND * second, 0.5)
        };
        for second in 0..300 {
            let (decision, after) = round(&ids, &memory, second);
            memory = after;
            ids.retain(|id| !decision.drain.contains(id));
            ids.extend(next..next + u64::from(decision.start));
            next += u64::from(decision.start);
        }
        let enough = tasks.div_ceil(slots).clamp(rules.agents_min.into(), rules.agents_max.into());
        prop_assert_eq!(ids.len() as u64, enough);
        let (decision, _) = round(&ids, &memory, 300);
        prop_assert_eq!((decision.start, decision.drain.len()), (0, 0));
    }
}
