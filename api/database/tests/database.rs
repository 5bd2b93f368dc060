//! What both databases promise.

use klieg_database::{Database, DatabaseError, sql};
use klieg_servers::{Postgres, Sync};
use std::os::unix::fs::PermissionsExt;

async fn play(database: Database) {
    database.run(sql!("CREATE TABLE thing (name TEXT PRIMARY KEY, number BIGINT)")).await.unwrap();
    let insert = |name: &str, number: Option<i64>| {
        sql!("INSERT INTO thing (name, number) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", name, number).must()
    };
    assert!(database.together(vec![insert("a", Some(1)), insert("b", None)]).await.unwrap());
    assert!(!database.together(vec![insert("c", Some(3)), insert("a", Some(4))]).await.unwrap(), "there is an a");
    let rows: Vec<(String, Option<i64>)> = database.rows(sql!("SELECT name, number FROM thing ORDER BY name")).await.unwrap();
    assert_eq!(rows, [("a".to_owned(), Some(1)), ("b".to_owned(), None)], "nothing of the second was written");
    let wrong = database.together(vec![insert("d", None), sql!("INSERT INTO nothing VALUES (1)")]).await;
    assert!(matches!(wrong, Err(DatabaseError::Failed { .. })), "{wrong:?}");
    assert_eq!(database.run(sql!("DELETE FROM thing WHERE number = $1", 1)).await.unwrap(), 1);
    let row: Option<(String, Option<i64>)> = database.row(sql!("SELECT name, number FROM thing")).await.unwrap();
    assert_eq!(row, Some(("b".to_owned(), None)));
    // Writers that come at once wait for each other.
    database.run(sql!("CREATE TABLE counter (number BIGINT)")).await.unwrap();
    database.run(sql!("INSERT INTO counter VALUES (0)")).await.unwrap();
    let adders: Vec<_> = (0..20)
        .map(|_| {
            let database = database.clone();
            tokio::spawn(async move { database.together(vec![sql!("UPDATE counter SET number = number + 1").must()]).await })
        })
        .collect();
    for adder in adders {
        assert!(adder.await.unwrap().unwrap());
    }
    assert_eq!(database.row::<(i64,)>(sql!("SELECT number FROM counter")).await.unwrap(), Some((20,)));
}

#[tokio::test]
async fn a_transaction_is_done_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("api.sqlite");
    play(Database::open(&format!("sqlite:{}", file.display())).await.unwrap()).await;
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "its owner's");
    let server = Postgres::start(Sync::Off);
    play(Database::open(&server.url()).await.unwrap()).await;
}

#[tokio::test]
async fn what_is_no_database_is_said_without_its_password() {
    for url in ["mysql://root:hunter2@host/x", "hunter2", "postgres://klieg:hunter2@127.0.0.1:1/x", "sqlite:/nowhere/at/all"] {
        let error = Database::open(url).await.unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
