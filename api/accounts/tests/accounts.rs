//! What accounts promise, on both databases.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use klieg_accounts::{ACCESS_S, AccountError, Accounts, Caller, Database, Permission, REFRESH_S, Role};
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

/// Plays a test on SQLite and on PostgreSQL, each with two servers' handles on one database.
fn on_both<F: Future<Output = ()>>(test: impl Fn(Accounts, Accounts) -> F) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("accounts.sqlite");
    runtime.block_on(async {
        let (one, other) = (Database::sqlite(&file).await.unwrap(), Database::sqlite(&file).await.unwrap());
        test(Accounts::new(one, "farm"), Accounts::new(other, "farm")).await;
    });
    let server = Postgres::start(Sync::Off);
    runtime.block_on(async {
        let open = || async { Database::postgres(&server.url(), "postgres").await.unwrap() };
        let (one, other) = tokio::join!(open(), open());
        test(Accounts::new(one, "farm"), Accounts::new(other, "farm")).await;
    });
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
    on_both(|one, other| async move {
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
    on_both(|one, other| async move {
        one.create("ada", PASSWORD, Role::Viewer, "test", NOW).await.unwrap();
        let first = one.login("ada", PASSWORD, NOW).await.unwrap();
        let second = other.refresh(&first.refresh_token, NOW + 10).await.unwrap();
        let third = one.refresh(&second.refresh_token, NOW + 20).await.unwrap();
        assert!(one.caller(&third.access_token, NOW + 21).await.is_ok());
        assert!(other.refresh(&first.refresh_token, NOW + 30).await.is_err(), "used before");
        assert!(one.refresh(&third.refresh_token, NOW + 31).await.is_err(), "so the session has ended for the thief too");
        assert!(refused(&one, &third.access_token, NOW + 40).await.contains("session has ended"));
        let audit = one.audit(NOW + 100, 100).await.unwrap();
        assert_eq!(audit.iter().filter(|(_, _, what, _)| what == "session-ended").count(), 1);
        // Of two uses at once, one wins.
        let pair = one.login("ada", PASSWORD, NOW + 50).await.unwrap();
        let (a, b) = tokio::join!(one.refresh(&pair.refresh_token, NOW + 51), other.refresh(&pair.refresh_token, NOW + 51));
        assert_eq!(u8::from(a.is_ok()) + u8::from(b.is_ok()), 1);
        let late = one.login("ada", PASSWORD, NOW + 60).await.unwrap();
        assert!(one.refresh(&late.refresh_token, NOW + 60 + REFRESH_S).await.is_err(), "a week old");
    });
}

/// What an attacker can make of a valid token and the public key.
async fn forged(accounts: &Accounts, access: &str) -> Vec<(&'static str, String)> {
    let parts: Vec<&str> = access.split('.').collect();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    assert_eq!((&header["alg"], header["kid"].is_string()), (&json!("EdDSA"), true));
    let set = accounts.key_set(NOW).await.unwrap();
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
    on_both(|one, other| async move {
        one.create("ada", PASSWORD, Role::Viewer, "test", NOW).await.unwrap();
        let pair = one.login("ada", PASSWORD, NOW).await.unwrap();
        for (what, token) in forged(&one, &pair.access_token).await {
            assert!(matches!(other.caller(&token, NOW + 1).await, Err(AccountError::BadToken(_))), "{what}");
        }
        assert!(refused(&one, &pair.access_token, NOW - 3_600).await.contains("future"));
        assert!(one.caller(&pair.access_token, NOW + 1).await.is_ok(), "the true one is not");
    });
}

#[test]
fn a_token_of_another_farm_is_refused_even_with_the_same_keys() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(async {
        let database = Database::sqlite(&folder.path().join("accounts.sqlite")).await.unwrap();
        let (farm, other) = (Accounts::new(database.clone(), "farm"), Accounts::new(database, "other"));
        farm.create("ada", PASSWORD, Role::Viewer, "test", NOW).await.unwrap();
        let pair = farm.login("ada", PASSWORD, NOW).await.unwrap();
        assert!(refused(&other, &pair.access_token, NOW).await.contains("issuer"));
    });
}

#[test]
fn tokens_of_programs_do_what_they_were_made_for() {
    on_both(|one, other| async move {
        let ada = one.create("ada", PASSWORD, Role::Creator, "test", NOW).await.unwrap();
        let ada = Caller { account: ada.id, role: Role::Creator, scopes: None, session: None };
        let too_much = one.issue(&ada, "ci", &[Permission::ManageFarm], None, NOW).await;
        assert!(matches!(too_much, Err(AccountError::TooMuch { .. })), "{too_much:?}");
        let read = one.issue(&ada, "ci", &[Permission::ReadJobs], Some(NOW + 100), NOW).await.unwrap();
        let caller = other.caller(&read.token, NOW + 1).await.unwrap();
        assert!(caller.may(Permission::ReadJobs) && !caller.may(Permission::SubmitJobs));
        assert!(
            other.issue(&caller, "more", &[Permission::SubmitJobs], None, NOW).await.is_err(),
            "a token makes none that can more"
        );
        assert!(refused(&other, &read.token, NOW + 100).await.contains("expired"));
        let mut wrong = read.token.clone();
        wrong.replace_range(wrong.len() - 1.., if wrong.ends_with('0') { "1" } else { "0" });
        refused(&other, &wrong, NOW + 1).await;
        let known = one.tokens(&ada.account).await.unwrap();
        assert_eq!((known.len(), known[0].scopes.as_slice(), known[0].ended), (1, &[Permission::ReadJobs][..], false));
        let shown = serde_json::to_string(&known).unwrap();
        assert!(!shown.contains(read.token.rsplit('_').next().unwrap()), "secrets are not told again");
        other.end_token(&ada.account, &read.id, NOW + 2).await.unwrap();
        refused(&one, &read.token, NOW + 2).await;
        assert!(matches!(one.end_token(&ada.account, &read.id, NOW + 3).await, Err(AccountError::Missing(_))));
    });
}

#[test]
fn a_closed_account_is_shut_out_everywhere() {
    on_both(|one, other| async move {
        let ada = one.create("ada", PASSWORD, Role::Admin, "test", NOW).await.unwrap();
        let pair = one.login("ada", PASSWORD, NOW).await.unwrap();
        let caller = one.caller(&pair.access_token, NOW).await.unwrap();
        let token = one.issue(&caller, "ci", &[Permission::ReadJobs], None, NOW).await.unwrap();
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
    on_both(|one, other| async move {
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
        assert!(matches!(one.login("nobody", PASSWORD, NOW).await, Err(AccountError::NotThem)));
        for bad in ["", "x", "has space", "tab\tbed"] {
            assert!(matches!(one.create(bad, PASSWORD, Role::Viewer, "test", NOW).await, Err(AccountError::BadName(_))), "{bad:?}");
        }
        assert!(matches!(one.create("bob", "short", Role::Viewer, "test", NOW).await, Err(AccountError::BadPassword { .. })));
    });
}

#[test]
fn keys_are_renewed_and_old_tokens_stay_valid_meanwhile() {
    on_both(|one, other| async move {
        one.create("ada", PASSWORD, Role::Viewer, "test", NOW).await.unwrap();
        let old = one.login("ada", PASSWORD, NOW).await.unwrap();
        let ids = |set: Value| -> Vec<String> { set["keys"].as_array().unwrap().iter().map(|k| k["kid"].to_string()).collect() };
        assert_eq!(ids(other.key_set(NOW).await.unwrap()), ids(one.key_set(NOW).await.unwrap()), "servers share them");
        let later = NOW + 90 * 86_400 - 60;
        let before = one.login("ada", PASSWORD, later).await.unwrap();
        let new = other.login("ada", PASSWORD, later + 61).await.unwrap();
        assert_eq!(ids(other.key_set(later + 61).await.unwrap()).len(), 2);
        assert!(one.caller(&new.access_token, later + 70).await.is_ok(), "a key that another server made");
        assert!(other.caller(&before.access_token, later + 70).await.is_ok(), "signed by the old key");
        refused(&one, &old.access_token, later).await;
    });
}

#[test]
fn a_newer_schema_is_refused_with_its_version() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("accounts.sqlite");
    runtime.block_on(async {
        drop(Database::sqlite(&file).await.unwrap());
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file);
        let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
        let insert = "INSERT INTO _account_migrations (version, description, success, checksum, execution_time) VALUES (99, 'later', TRUE, x'00', 0)";
        sqlx::query(insert).execute(&pool).await.unwrap();
        let error = Database::sqlite(&file).await.unwrap_err().to_string();
        assert!(error.contains("99 is newer"), "{error}");
    });
}
