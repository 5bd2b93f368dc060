//! The same on both databases.

use klieg_database::Database;
use klieg_review::{CLAIM_S, Content, Decision, NewContent, Outcome, ReviewError, Reviews, State};
use klieg_servers::{Postgres, Sync};

const NOW: i64 = 1_796_000_000;

fn new(id: &str, owner: &str) -> NewContent {
    let text = |text: &str| text.to_owned();
    NewContent {
        id: text(id),
        digest: "0".repeat(64),
        name: text("a.txt"),
        media_type: text("text/plain"),
        project: String::new(),
        owner: text(owner),
        job: format!("job-{id}"),
    }
}

async fn settled(reviews: &Reviews, id: &str, state: State, risk: i64) -> Content {
    reviews.add(&new(id, "owner"), NOW).await.unwrap();
    let outcome = Outcome { state, risk: Some(risk), report: Some("1".repeat(64)), reason: "hate 0.7".into() };
    assert!(reviews.settle(id, &outcome, NOW + 1).await.unwrap());
    assert!(!reviews.settle(id, &outcome, NOW + 2).await.unwrap(), "it is settled once");
    reviews.content(id).await.unwrap()
}

async fn queue_and_claims(reviews: &Reviews) {
    for (id, risk) in [("low", 100), ("high", 900), ("middle", 500)] {
        assert_eq!(settled(reviews, id, State::Waiting, risk).await.state, State::Waiting);
    }
    settled(reviews, "fine", State::Approved, 0).await;
    let ids = |queue: Vec<Content>| queue.into_iter().map(|content| content.id).collect::<Vec<_>>();
    assert_eq!(ids(reviews.queue(10).await.unwrap()), ["high", "middle", "low"]);
    assert_eq!(ids(reviews.queue(2).await.unwrap()), ["high", "middle"]);
    let claimed = reviews.claim("high", "ada", NOW).await.unwrap();
    assert_eq!((claimed.claimed_by.as_deref(), claimed.claimed_until), (Some("ada"), NOW + CLAIM_S));
    assert!(matches!(reviews.claim("high", "bob", NOW + 1).await, Err(ReviewError::Claimed { who, .. }) if who == "ada"));
    assert!(matches!(reviews.decide("high", "bob", Decision::Approve, "fine", NOW + 1).await, Err(ReviewError::Claimed { .. })));
    reviews.claim("high", "ada", NOW + 5).await.unwrap();
    // a claim ends by itself
    let late = NOW + 5 + CLAIM_S;
    assert!(matches!(reviews.decide("high", "ada", Decision::Approve, "fine", late).await, Err(ReviewError::NotClaimed(_))));
    reviews.claim("high", "bob", late).await.unwrap();
    assert!(matches!(reviews.release("high", "ada", late).await, Err(ReviewError::NotClaimed(_))));
    reviews.release("high", "bob", late).await.unwrap();
    assert!(matches!(reviews.claim("high", "owner", late).await, Err(ReviewError::NotYou(_))));
    assert!(matches!(reviews.claim("fine", "ada", late).await, Err(ReviewError::State { state: State::Approved, .. })));
    assert!(matches!(reviews.claim("none", "ada", late).await, Err(ReviewError::Missing(_))));
}

async fn decisions_and_appeals(reviews: &Reviews) {
    settled(reviews, "case", State::Waiting, 700).await;
    assert!(matches!(reviews.appeal("case", "owner", "why", NOW).await, Err(ReviewError::State { .. })));
    reviews.claim("case", "ada", NOW).await.unwrap();
    assert!(matches!(reviews.decide("case", "ada", Decision::Reject, "  ", NOW).await, Err(ReviewError::Reason)));
    assert!(matches!(reviews.decide("case", "ada", Decision::Reject, "a\u{7}", NOW).await, Err(ReviewError::Reason)));
    let passed = reviews.escalate("case", "ada", "too hard for me", NOW).await.unwrap();
    assert_eq!((passed.escalated_by.as_deref(), passed.claimed_by, passed.priority), (Some("ada"), None, 1_700));
    assert!(
        matches!(reviews.claim("case", "ada", NOW).await, Err(ReviewError::NotYou(_))),
        "who passes it on does not take it back"
    );
    assert_eq!(reviews.queue(1).await.unwrap()[0].id, "case", "what was passed on is first");
    reviews.claim("case", "bob", NOW).await.unwrap();
    let decided = reviews.decide("case", "bob", Decision::Reject, "it threatens", NOW).await.unwrap();
    assert_eq!(
        (decided.state, decided.decided_by.as_deref(), decided.reason.as_str()),
        (State::Rejected, Some("bob"), "it threatens")
    );
    assert!(matches!(reviews.appeal("case", "ada", "why", NOW).await, Err(ReviewError::NotOwner)));
    let appealed = reviews.appeal("case", "owner", "it is a quotation", NOW).await.unwrap();
    assert_eq!((appealed.state, appealed.appeal.as_deref()), (State::Waiting, Some("it is a quotation")));
    assert!(matches!(reviews.claim("case", "bob", NOW).await, Err(ReviewError::NotYou(_))), "not who decided");
    reviews.claim("case", "ada", NOW).await.unwrap();
    let last = reviews.decide("case", "ada", Decision::Reject, "it is not", NOW).await.unwrap();
    assert_eq!((last.state, last.decided_by.as_deref()), (State::Rejected, Some("ada")));
    assert!(matches!(reviews.appeal("case", "owner", "again", NOW).await, Err(ReviewError::Appealed)));
    let actions: Vec<String> =
        reviews.history("case").await.unwrap().into_iter().map(|e| format!("{} {}", e.actor, e.action)).collect();
    let wanted = "owner submitted, policy waiting, ada claimed, ada escalated, bob claimed, bob rejected, owner appealed, ada claimed, ada rejected";
    assert_eq!(actions.join(", "), wanted);
}

/// Many at once: one has it.
async fn race(reviews: &Reviews) {
    settled(reviews, "race", State::Waiting, 0).await;
    let tries: Vec<_> = (0..16)
        .map(|n| {
            let reviews = reviews.clone();
            tokio::spawn(async move { reviews.claim("race", &format!("reviewer {n}"), NOW).await.is_ok() })
        })
        .collect();
    let mut had = 0;
    for one in tries {
        had += usize::from(one.await.unwrap());
    }
    assert_eq!(had, 1);
}

async fn all(place: &str) {
    let reviews = Reviews::open(Database::open(place).await.unwrap()).await.unwrap();
    queue_and_claims(&reviews).await;
    decisions_and_appeals(&reviews).await;
    race(&reviews).await;
    assert_eq!(reviews.of_owner("owner", 10).await.unwrap().len(), 6);
    assert!(reviews.judging(10).await.unwrap().is_empty());
    // opened again, it is all there
    let again = Reviews::open(Database::open(place).await.unwrap()).await.unwrap();
    assert_eq!(again.content("case").await.unwrap().state, State::Rejected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reviews_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    all(&format!("sqlite:{}", folder.path().join("api.sqlite").display())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reviews_in_postgres() {
    let server = Postgres::start(Sync::Off);
    all(&server.url()).await;
}
