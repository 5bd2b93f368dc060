//! What accounts promise, on both databases.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use klieg_accounts::{
    ACCESS_S, AUDIT_PAGE_MAX, AccountError, AccountId, Accounts, Caller, Database, DatabaseError, NewToken, Permission, REFRESH_S,
    Role, SESSION_S,
};
use klieg_database::sql;
use klieg_servers::{Postgres, Sync};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};
use std::future::Future;

const NOW: i64 = 1_800_000_000;
const PASSWORD: &str = "a passphrase of some length";

/// Two servers on one database, and the database.
struct Farm {
    one: Accounts,
    other: Accounts,
    database: Database,
}

impl Farm {
    async fn open(url: &str) -> Self {
        let database = Database::open(url).await.unwrap();
        let server = || async { Accounts::open(Database::open(url).await.unwrap(), "farm").await.unwrap() };
        let (one, other) = tokio::join!(server(), server());
        Self { one, other, database }
    }
}

/// Plays a test on SQLite and on PostgreSQL.
fn on_both<F: Future<Output = ()>>(test: impl Fn(Farm) -> F) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("accounts.sqlite").display());
    runtime.block_on(async { test(Farm::open(&url).await).await });
    let server = Postgres::start(Sync::Off);
    runtime.block_on(async { test(Farm::open(&server.url()).await).await });
}

fn token(name: &str, scopes: &[Permission], expires_at: Option<i64>) -> NewToken {
    NewToken { name: name.into(), scopes: scopes.to_vec(), expires_at }
}

async fn actions(accounts: &Accounts) -> Vec<String> {
    let page = accounts.audit(AUDIT_PAGE_MAX, None).await.unwrap();
    page.entries.into_iter().rev().map(|entry| entry.action).collect()
}

async fn refused(accounts: &Accounts, token: &str, now: i64) -> String {
    match accounts.caller(token, now).await {
        Err(AccountError::BadToken(why)) => why.to_owned(),
        other => panic!("{other:?}"),
    }
}

fn segment(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[test]
fn from_login_to_logout() {
    on_both(|Farm { one, other, .. }| async move {
        let made = one.create(" Ada@Example.com", PASSWORD, Role::Creator, "test", NOW).await.unwrap();
        assert_eq!(made.name, "ada@example.com");
        assert!(matches!(other.create("ada@example.com", PASSWORD, Role::Admin, "test", NOW).await, Err(AccountError::Taken(_))));
        let pair = one.login("ADA@example.com", PASSWORD, NOW).await.unwrap();
        assert_eq!((pair.role, pair.expires_in), (Role::Creator, ACCESS_S));
        let caller = other.caller(&pair.access_token, NOW + 1).await.unwrap();
        assert_eq!((&caller.account, caller.role), (&made.id, Role::Creator));
        assert!(caller.may(Permission::SubmitJobs) && !caller.may(Permission::ManageFarm));
        assert!(refused(&other, &pair.access_token, NOW + ACCESS_S).await.contains("expired"));
        one.logout(&caller, NOW + 2).await.unwrap();
        assert!(refused(&one, &pair.access_token, NOW + 2).await.contains("session has ended"));
        assert!(refused(&other, &pair.access_token, NOW + 10).await.contains("session has ended"), "elsewhere within seconds");
        assert!(matches!(one.refresh(&pair.refresh_token, NOW + 3).await, Err(AccountError::BadToken(_))));
    });
}

#[test]
fn a_refresh_token_works_once_and_a_second_time_ends_the_session() {
    on_both(|Farm { one, other, .. }| async move {
        one.create("ada", PASSWORD, Role::Viewer, "test", NOW).await.unwrap();
        let first = one.login("ada", PASSWORD, NOW).await.unwrap();
        let second = other.refresh(&first.refresh_token, NOW + 10).await.unwrap();
        let third = one.refresh(&second.refresh_token, NOW + 20).await.unwrap();
        assert!(one.caller(&third.access_token, NOW + 21).await.is_ok());
        assert!(other.refresh(&first.refresh_token, NOW + 30).await.is_err(), "used before");
        assert!(one.refresh(&third.refresh_token, NOW + 31).await.is_err(), "so the session has ended for the thief too");
        assert!(refused(&one, &third.access_token, NOW + 40).await.contains("session has ended"));
        assert_eq!(actions(&one).await.iter().filter(|what| *what == "refresh-token-reused").count(), 1);
        // Of two uses at once, one wins.
        let pair = one.login("ada", PASSWORD, NOW + 50).await.unwrap();
        let (a, b) = tokio::join!(one.refresh(&pair.refresh_token, NOW + 51), other.refresh(&pair.refresh_token, NOW + 51));
        assert_eq!(u8::from(a.is_ok()) + u8::from(b.is_ok()), 1);
        let late = one.login("ada", PASSWORD, NOW + 60).await.unwrap();
        assert!(one.refresh(&late.refresh_token, NOW + 60 + REFRESH_S).await.is_err(), "a week old");
        assert!(one.refresh(&late.refresh_token, NOW + 60 + REFRESH_S - 1).await.is_ok(), "and that did not end it");
    });
}

#[test]
fn whoever_knows_only_a_sessions_name_cannot_end_it() {
    on_both(|Farm { one, other, .. }| async move {
        one.create("ada", PASSWORD, Role::Viewer, "test", NOW).await.unwrap();
        let pair = one.login("ada", PASSWORD, NOW).await.unwrap();
        let session = pair.refresh_token.split('_').nth(1).unwrap();
        let guessed = format!("kliegr_{session}_{}", "0".repeat(64));
        assert!(other.refresh(&guessed, NOW + 1).await.is_err());
        assert!(one.refresh(&pair.refresh_token, NOW + 2).await.is_ok());
    });
}

#[test]
fn a_session_ends_at_last_however_often_it_is_refreshed() {
    on_both(|Farm { one, .. }| async move {
        one.create("ada", PASSWORD, Role::Viewer, "test", NOW).await.unwrap();
        let (mut pair, mut now) = (one.login("ada", PASSWORD, NOW).await.unwrap(), NOW);
        while now + REFRESH_S - 1 < NOW + SESSION_S {
            now += REFRESH_S - 1;
            pair = one.refresh(&pair.refresh_token, now).await.unwrap();
        }
        assert!(one.refresh(&pair.refresh_token, NOW + SESSION_S).await.is_err());
    });
}

/// What an attacker can make of a valid token and the public key.
async fn forged(accounts: &Accounts, access: &str) -> Vec<(&'static str, String)> {
    let parts: Vec<&str> = access.split('.').collect();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    assert_eq!((&header["alg"], header["kid"].is_string()), (&json!("EdDSA"), true));
    let set = accounts.jwks(NOW).await.unwrap();
    let public = URL_SAFE_NO_PAD.decode(set["keys"][0]["x"].as_str().unwrap()).unwrap();
    let with = |header: &Value, claims: &Value, sign: &dyn Fn(&str) -> Vec<u8>| {
        let message = format!("{}.{}", segment(header), segment(claims));
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(sign(&message)))
    };
    let hs256 = |message: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &public), message.as_bytes()).as_ref().to_vec();
    let own = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let own = Ed25519KeyPair::from_pkcs8(own.as_ref()).unwrap();
    let mine = |message: &str| own.sign(message.as_bytes()).as_ref().to_vec();
    let kid = &header["kid"];
    let admin = json!({ "iss": "farm", "aud": "klieg", "sub": claims["sub"], "sid": claims["sid"], "role": "admin", "iat": NOW, "exp": NOW + 900 });
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(own.public_key()) });
    vec![
        ("alg none", format!("{}.{}.", segment(&json!({ "alg": "none", "kid": kid })), segment(&admin))),
        ("alg none with the signature", format!("{}.{}.{}", segment(&json!({ "alg": "none", "kid": kid })), parts[1], parts[2])),
        ("HS256 with the public key", with(&json!({ "alg": "HS256", "kid": kid }), &admin, &hs256)),
        ("a key of one's own", with(&json!({ "alg": "EdDSA", "kid": kid }), &admin, &mine)),
        ("a key in the header", with(&json!({ "alg": "EdDSA", "kid": kid, "jwk": jwk }), &admin, &mine)),
        ("an unknown key", with(&json!({ "alg": "EdDSA", "kid": "other" }), &admin, &mine)),
        ("no key", with(&json!({ "alg": "EdDSA" }), &admin, &mine)),
        ("other claims", format!("{}.{}.{}", parts[0], segment(&admin), parts[2])),
        ("half a token", access[..access.len() / 2].to_owned()),
        ("nothing", String::new()),
    ]
}

#[test]
fn forged_tokens_are_refused() {
    on_both(|Farm { one, other, .. }| async move {
        one.create("ada", PASSWORD, Role::Viewer, "test", NOW).await.unwrap();
        let pair = one.login("ada", PASSWORD, NOW).await.unwrap();
        for (what, token) in forged(&one, &pair.access_token).await {
            assert!(matches!(other.caller(&token, NOW + 1).await, Err(AccountError::BadToken(_))), "{what}");
        }
        assert!(refused(&one, &pair.access_token, NOW - 3_600).await.contains("future"));
        assert!(one.caller(&pair.access_token, NOW + 1).await.is_ok(), "the true one is not");
    });
}

/// Signs with the farm's own key, as whoever has stolen it would.
async fn stolen(database: &Database, accounts: &Accounts) -> impl Fn(&Value) -> String {
    let key: (String, String) = database.row(sql!("SELECT id, private FROM account_key")).await.unwrap().unwrap();
    assert_eq!(json!(key.0), accounts.jwks(NOW).await.unwrap()["keys"][0]["kid"]);
    let pair = Ed25519KeyPair::from_pkcs8(&STANDARD.decode(key.1).unwrap()).unwrap();
    move |claims: &Value| {
        let message = format!("{}.{}", segment(&json!({ "alg": "EdDSA", "typ": "JWT", "kid": key.0 })), segment(claims));
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(pair.sign(message.as_bytes()).as_ref()))
    }
}

#[test]
fn claims_are_checked_even_of_tokens_with_a_true_signature() {
    on_both(|Farm { one, other, database }| async move {
        let ada = one.create("ada", PASSWORD, Role::Viewer, "test", NOW).await.unwrap();
        let eve = one.create("eve", PASSWORD, Role::Viewer, "test", NOW).await.unwrap();
        let pair = one.login("ada", PASSWORD, NOW).await.unwrap();
        let session = one.caller(&pair.access_token, NOW).await.unwrap().session.unwrap();
        let sign = stolen(&database, &one).await;
        let true_one = json!({ "iss": "farm", "aud": "klieg", "sub": ada.id.0, "sid": session, "role": "viewer", "iat": NOW, "exp": NOW + 900 });
        assert!(other.caller(&sign(&true_one), NOW + 1).await.is_ok(), "so the key is the true one");
        let wrong = [
            ("iss", json!("another farm")),
            ("iss", Value::Null),
            ("aud", json!("another service")),
            ("aud", Value::Null),
            ("sub", json!(eve.id.0)),
            ("sid", json!("0".repeat(32))),
            ("exp", json!(NOW)),
            ("exp", Value::Null),
            ("exp", json!("soon")),
            ("iat", json!(NOW + 3_600)),
            ("role", json!("root")),
        ];
        for (claim, value) in wrong {
            let mut claims = true_one.clone();
            claims[claim] = value.clone();
            assert!(matches!(other.caller(&sign(&claims), NOW + 1).await, Err(AccountError::BadToken(_))), "{claim}: {value}");
            claims.as_object_mut().unwrap().remove(claim);
            assert!(matches!(other.caller(&sign(&claims), NOW + 1).await, Err(AccountError::BadToken(_))), "no {claim}");
        }
        let mut admin = true_one.clone();
        admin["role"] = json!("admin");
        assert_eq!(
            other.caller(&sign(&admin), NOW + 1).await.unwrap().role,
            Role::Viewer,
            "the role is the account's, not the token's"
        );
    });
}

#[test]
fn a_token_of_another_farm_is_refused_even_with_the_same_keys() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite:{}", folder.path().join("accounts.sqlite").display());
        let database = Database::open(&url).await.unwrap();
        let farm = Accounts::open(database.clone(), "farm").await.unwrap();
        let other = Accounts::open(database, "other").await.unwrap();
        farm.create("ada", PASSWORD, Role::Viewer, "test", NOW).await.unwrap();
        let pair = farm.login("ada", PASSWORD, NOW).await.unwrap();
        assert!(refused(&other, &pair.access_token, NOW).await.contains("issuer"));
    });
}

#[test]
fn tokens_of_programs_do_what_they_were_made_for() {
    on_both(|Farm { one, other, .. }| async move {
        let ada = one.create("ada", PASSWORD, Role::Creator, "test", NOW).await.unwrap();
        let ada = Caller { account: ada.id, role: Role::Creator, scopes: None, session: None };
        let too_much = one.issue(&ada, &ada.account, &token("ci", &[Permission::ManageFarm], None), NOW).await;
        assert!(matches!(too_much, Err(AccountError::TooMuch { .. })), "{too_much:?}");
        let read = one.issue(&ada, &ada.account, &token("ci", &[Permission::ReadJobs], Some(NOW + 100)), NOW).await.unwrap();
        let caller = other.caller(&read.token, NOW + 1).await.unwrap();
        assert!(caller.may(Permission::ReadJobs) && !caller.may(Permission::SubmitJobs));
        let more = other.issue(&caller, &ada.account, &token("more", &[Permission::SubmitJobs], None), NOW).await;
        assert!(more.is_err(), "a token makes none that can more");
        assert!(refused(&other, &read.token, NOW + 100).await.contains("expired"));
        let mut wrong = read.token.clone();
        wrong.replace_range(wrong.len() - 1.., if wrong.ends_with('0') { "1" } else { "0" });
        refused(&other, &wrong, NOW + 1).await;
        let known = one.tokens(&ada.account).await.unwrap();
        assert_eq!((known.len(), known[0].scopes.as_slice(), known[0].ended), (1, &[Permission::ReadJobs][..], false));
        let shown = serde_json::to_string(&known).unwrap();
        assert!(!shown.contains(read.token.rsplit('_').next().unwrap()), "secrets are not told again");
        one.caller(&read.token, NOW + 2).await.unwrap();
        other.end_token(&ada.account, &read.id, "test", NOW + 2).await.unwrap();
        refused(&other, &read.token, NOW + 2).await;
        refused(&one, &read.token, NOW + 8).await;
        assert!(matches!(one.end_token(&ada.account, &read.id, "test", NOW + 3).await, Err(AccountError::Missing(_))));
        for bad in [token("", &[Permission::ReadJobs], None), token("x", &[], None), token("x", &[Permission::ReadJobs], Some(NOW))]
        {
            let refused = one.issue(&ada, &ada.account, &bad, NOW).await;
            assert!(matches!(refused, Err(AccountError::BadNewToken { .. })), "{bad:?}");
        }
    });
}

#[test]
fn a_node_gets_its_token_from_who_manages_accounts_and_nobody_else_gets_one_from_others() {
    on_both(|Farm { one, .. }| async move {
        let caller = |account: AccountId, role| Caller { account, role, scopes: None, session: None };
        let boss = one.create("boss", PASSWORD, Role::Admin, "test", NOW).await.unwrap();
        let (boss, nobody) = (caller(boss.id, Role::Admin), caller(AccountId("x".into()), Role::Operator));
        let node = one.create("node-7", PASSWORD, Role::Node, "test", NOW).await.unwrap().id;
        let ada = one.create("ada", PASSWORD, Role::Viewer, "test", NOW).await.unwrap().id;
        let work = token("agent", &[Permission::WorkTasks], None);
        let issued = one.issue(&boss, &node, &work, NOW).await.unwrap();
        let seen = one.caller(&issued.token, NOW).await.unwrap();
        assert!(seen.account == node && seen.may(Permission::WorkTasks) && !seen.may(Permission::ReadJobs));
        for (who, whose, what) in [
            (&nobody, &node, &work),
            (&boss, &ada, &token("as ada", &[Permission::ReadJobs], None)),
            (&boss, &node, &token("more", &[Permission::ReadJobs], None)),
            (&boss, &boss.account, &work),
        ] {
            let refused = one.issue(who, whose, what, NOW).await;
            assert!(matches!(refused, Err(AccountError::TooMuch { .. })), "{what:?}: {refused:?}");
        }
        let read = token("x", &[Permission::ReadJobs], None);
        let ghost = caller(AccountId("farm".into()), Role::Admin);
        assert!(
            matches!(one.issue(&ghost, &ghost.account, &read, NOW).await, Err(AccountError::Missing(_))),
            "there is no such account"
        );
        one.close(&boss.account, "test", NOW).await.unwrap();
        assert!(matches!(one.issue(&boss, &boss.account, &read, NOW).await, Err(AccountError::Missing(_))), "it is closed");
        let odd = AccountId("\0 \u{10ffff} ' OR 1 = 1".into());
        assert!(matches!(one.account(&odd).await, Err(AccountError::Missing(_))));
    });
}

#[test]
fn a_closed_account_is_shut_out_everywhere() {
    on_both(|Farm { one, other, .. }| async move {
        let ada = one.create("ada", PASSWORD, Role::Admin, "test", NOW).await.unwrap();
        let pair = one.login("ada", PASSWORD, NOW).await.unwrap();
        let caller = one.caller(&pair.access_token, NOW).await.unwrap();
        let token = one.issue(&caller, &ada.id, &token("ci", &[Permission::ReadJobs], None), NOW).await.unwrap();
        other.caller(&pair.access_token, NOW).await.unwrap();
        one.close(&ada.id, "test", NOW + 1).await.unwrap();
        refused(&one, &pair.access_token, NOW + 1).await;
        refused(&other, &pair.access_token, NOW + 10).await;
        refused(&other, &token.token, NOW + 1).await;
        assert!(one.refresh(&pair.refresh_token, NOW + 1).await.is_err());
        assert!(matches!(one.login("ada", PASSWORD, NOW + 1).await, Err(AccountError::NotThem)));
    });
}

#[test]
fn whoever_guesses_passwords_waits_longer_and_longer() {
    on_both(|Farm { one, other, .. }| async move {
        one.create("ada", PASSWORD, Role::Viewer, "test", NOW).await.unwrap();
        for _ in 0..5 {
            assert!(matches!(one.login("ada", "wrong password", NOW).await, Err(AccountError::NotThem)));
        }
        let slower = other.login("ada", PASSWORD, NOW).await;
        assert!(matches!(slower, Err(AccountError::Slower { wait: 1, .. })), "{slower:?}");
        assert!(matches!(one.login("ada", "wrong password", NOW + 1).await, Err(AccountError::NotThem)));
        assert!(matches!(one.login("ada", PASSWORD, NOW + 2).await, Err(AccountError::Slower { wait: 1, .. })));
        one.login("ada", PASSWORD, NOW + 3).await.unwrap();
        one.login("ada", PASSWORD, NOW + 3).await.unwrap();
        for _ in 0..5 {
            assert!(matches!(one.login("nobody", PASSWORD, NOW).await, Err(AccountError::NotThem)));
        }
        let slower = one.login("nobody", PASSWORD, NOW).await;
        assert!(matches!(slower, Err(AccountError::Slower { wait: 1, .. })), "who guesses learns no names: {slower:?}");
        assert_eq!(actions(&one).await.iter().filter(|what| *what == "passwords-guessed").count(), 2);
        for bad in ["", "x", "has space", "tab\tbed"] {
            assert!(matches!(one.create(bad, PASSWORD, Role::Viewer, "test", NOW).await, Err(AccountError::BadName(_))), "{bad:?}");
        }
        assert!(matches!(one.create("bob", "short", Role::Viewer, "test", NOW).await, Err(AccountError::BadPassword { .. })));
    });
}

#[test]
fn of_many_guesses_at_once_none_is_free() {
    on_both(|Farm { one, .. }| async move {
        one.create("ada", PASSWORD, Role::Viewer, "test", NOW).await.unwrap();
        let guesses: Vec<_> = (0..20)
            .map(|_| {
                let one = one.clone();
                tokio::spawn(async move { one.login("ada", "wrong password", NOW).await })
            })
            .collect();
        let mut looked_at = 0;
        for guess in guesses {
            looked_at += u32::from(matches!(guess.await.unwrap(), Err(AccountError::NotThem)));
        }
        assert!(looked_at <= 5, "{looked_at} of 20 were looked at");
    });
}

#[test]
fn a_new_password_ends_all_sessions() {
    on_both(|Farm { one, other, .. }| async move {
        let ada = one.create("ada", PASSWORD, Role::Viewer, "test", NOW).await.unwrap();
        let pair = one.login("ada", PASSWORD, NOW).await.unwrap();
        let caller = other.caller(&pair.access_token, NOW).await.unwrap();
        let wrong = one.change_password(&caller, "not the old one", "a new passphrase", NOW).await;
        assert!(matches!(wrong, Err(AccountError::NotThem)));
        one.change_password(&caller, PASSWORD, "a new passphrase", NOW + 1).await.unwrap();
        refused(&one, &pair.access_token, NOW + 1).await;
        refused(&other, &pair.access_token, NOW + 10).await;
        assert!(one.refresh(&pair.refresh_token, NOW + 2).await.is_err());
        assert!(one.login("ada", PASSWORD, NOW + 3).await.is_err());
        let pair = one.login("ada", "a new passphrase", NOW + 4).await.unwrap();
        one.set_role(&ada.id, Role::Operator, "test", NOW + 5).await.unwrap();
        assert_eq!(one.caller(&pair.access_token, NOW + 5).await.unwrap().role, Role::Operator, "at once");
        assert_eq!(actions(&one).await, ["account-made-viewer", "login", "password-set", "login", "role-operator"]);
    });
}

/// A lifetime of keys: 90 days, of which the last is the one in which the next is shown.
const DAY: i64 = 86_400;

async fn key_ids(accounts: &Accounts, now: i64) -> Vec<String> {
    let set = accounts.jwks(now).await.unwrap();
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn signed_by(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

#[test]
fn keys_are_rotated_and_shown_before_they_sign() {
    on_both(|Farm { one, other, database }| async move {
        one.create("ada", PASSWORD, Role::Viewer, "test", NOW).await.unwrap();
        let (first, also) = tokio::join!(key_ids(&one, NOW), key_ids(&other, NOW));
        assert_eq!(first, also, "servers that begin at once share one");
        let before = NOW + 89 * DAY - 61;
        assert_eq!(key_ids(&one, before).await, first);
        let shown = NOW + 89 * DAY;
        assert_eq!(key_ids(&one, shown).await.len(), 2, "the next is shown");
        assert_eq!(signed_by(&one.login("ada", PASSWORD, shown).await.unwrap().access_token), first[0], "and does not sign yet");
        let old = other.login("ada", PASSWORD, shown + DAY - 1).await.unwrap().access_token;
        assert_eq!(signed_by(&old), first[0]);
        let new = one.login("ada", PASSWORD, shown + DAY).await.unwrap().access_token;
        assert_ne!(signed_by(&new), first[0]);
        assert!(other.caller(&new, shown + DAY).await.is_ok() && one.caller(&old, shown + DAY + 5).await.is_ok());
        assert_eq!(
            key_ids(&one, shown + 2 * DAY).await,
            [signed_by(&new)],
            "the old one is gone when all that it signed has expired"
        );
        one.jwks(shown + 89 * DAY).await.unwrap();
        let kept: Vec<(String,)> = database.rows(sql!("SELECT private FROM account_key")).await.unwrap();
        assert_eq!(kept.len(), 2, "and is kept nowhere");
    });
}

#[test]
fn keys_that_have_leaked_are_taken_away() {
    on_both(|Farm { one, other, database }| async move {
        one.create("ada", PASSWORD, Role::Viewer, "test", NOW).await.unwrap();
        let pair = one.login("ada", PASSWORD, NOW).await.unwrap();
        let sign = stolen(&database, &one).await;
        let claims = URL_SAFE_NO_PAD.decode(pair.access_token.split('.').nth(1).unwrap()).unwrap();
        let forged = sign(&serde_json::from_slice(&claims).unwrap());
        assert!(other.caller(&forged, NOW + 1).await.is_ok());
        one.renew_keys("test", NOW + 2).await.unwrap();
        assert!(refused(&one, &forged, NOW + 2).await.contains("a key that this farm does not have"));
        refused(&other, &forged, NOW + 62).await;
        let next = one.refresh(&pair.refresh_token, NOW + 3).await.unwrap();
        assert!(other.caller(&next.access_token, NOW + 62).await.is_ok());
    });
}

#[test]
fn the_audit_is_read_in_pages_without_a_gap() {
    on_both(|Farm { one, .. }| async move {
        for number in 0..7 {
            one.note(NOW, "ada", "tried", &number.to_string()).await.unwrap();
        }
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let page = one.audit(3, before).await.unwrap();
            seen.extend(page.entries.into_iter().map(|entry| entry.subject));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(seen, ["6", "5", "4", "3", "2", "1", "0"]);
        one.note(NOW + 10, "ada", "tried", "later").await.unwrap();
        assert_eq!(one.trim_audit(NOW + 10, "boss", NOW + 20).await.unwrap(), 7);
        assert_eq!(actions(&one).await, ["tried", "audit-trimmed"]);
    });
}

#[test]
fn everything_about_somebody_is_exported_and_erased() {
    on_both(|Farm { one, other, database }| async move {
        let ada = one.create("ada@example.com", PASSWORD, Role::Creator, "boss", NOW).await.unwrap();
        let pair = one.login("ada@example.com", PASSWORD, NOW + 1).await.unwrap();
        let caller = one.caller(&pair.access_token, NOW + 1).await.unwrap();
        let issued = one.issue(&caller, &ada.id, &token("ada's laptop", &[Permission::ReadJobs], None), NOW + 2).await.unwrap();
        one.note(NOW + 3, "ada@example.com", "job-submitted", "job-1").await.unwrap();
        let export = other.export(&ada.id).await.unwrap();
        assert_eq!((export.account.name.as_str(), export.sessions.len(), export.tokens.len()), ("ada@example.com", 1, 1));
        let did: Vec<&str> = export.audit.iter().map(|entry| entry.action.as_str()).collect();
        assert_eq!(did, ["job-submitted", "token-issued", "login", "account-made-creator"]);
        let text = serde_json::to_string(&export).unwrap();
        assert!(export.audit_whole && !text.contains("argon2") && !text.contains(issued.token.rsplit('_').next().unwrap()));

        one.erase(&ada.id, "boss", NOW + 4).await.unwrap();
        refused(&one, &pair.access_token, NOW + 4).await;
        refused(&one, &issued.token, NOW + 4).await;
        assert!(matches!(one.login("ada@example.com", PASSWORD, NOW + 5).await, Err(AccountError::NotThem)));
        let left = other.account(&ada.id).await.unwrap();
        assert_eq!((left.name, left.closed), (format!("erased {}", ada.id.0), true));
        let audit = one.audit(AUDIT_PAGE_MAX, None).await.unwrap().entries;
        assert_eq!(audit.len(), 5, "entries stay, and one more says that it was erased");
        assert!(!format!("{audit:?}").contains("example.com"), "{audit:?}");
        let tables: Vec<(String, String)> = database.rows(sql!("SELECT name, password FROM account")).await.unwrap();
        assert!(!format!("{tables:?}").contains("example.com") && tables[0].1.is_empty());
        assert!(matches!(one.erase(&ada.id, "boss", NOW + 6).await, Err(AccountError::Missing(_))));
        one.create("ada@example.com", PASSWORD, Role::Viewer, "boss", NOW + 7).await.unwrap();
    });
}

#[test]
fn a_newer_schema_is_refused_by_name() {
    on_both(|Farm { database, .. }| async move {
        let later = "UPDATE _account_migrations SET version = 99 WHERE version = 2";
        assert_eq!(database.run(sql!(later)).await.unwrap(), 1);
        let error = Accounts::open(database, "farm").await.err().unwrap();
        assert!(
            matches!(error, AccountError::Database(DatabaseError::Newer { whose: "accounts", found: 99, known: 2, .. })),
            "{error}"
        );
        assert!(error.to_string().contains("open the accounts in"), "{error}");
    });
}
