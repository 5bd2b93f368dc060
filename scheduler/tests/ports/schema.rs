//! Databases of earlier schemas are read as they were; those of later ones are refused.

use klieg_protocol::{Digest, Fault, JobId, JobState, Source, TaskState, Token};
use klieg_scheduler::store::{Postgres, Sqlite, Store, StoreError, lead_now};
use klieg_servers::Sync;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn digest(digit: char) -> Digest {
    digit.to_string().repeat(64).parse().unwrap()
}

/// What `rows.sql` says.
async fn reads_as_written(store: &impl Store, furthest: f32) {
    let jobs = store.unfinished().await.unwrap();
    assert_eq!(jobs.len(), 1);
    let job = &jobs[0];
    assert_eq!((job.id.0.as_str(), job.state, job.identity, job.price), ("job-000003", JobState::Running, digest('1'), 0.25));
    assert_eq!((job.spec.kind.as_str(), job.spec.inputs["script"]), ("film", digest('2')));
    let speak = &job.tasks["speak/3"];
    assert_eq!((speak.state, speak.outputs["wav"], speak.seconds), (TaskState::Succeeded, digest('4'), 1.25));
    let render = &job.tasks["render/sc010_sh020/0"];
    assert_eq!((render.state, render.attempts, render.faults, render.node_faults), (TaskState::Running, 3, 1, 1));
    assert_eq!((render.token, render.furthest), (Token(42), furthest));
    assert_eq!(render.run, None, "attempts of an older program are lost with it");
    assert_eq!(render.failure.as_ref().map(|failure| failure.fault), Some(Fault::Node));
    assert_eq!(render.spec.open().inputs["wav"].from, Source::Output { task: "speak/3".into(), name: "wav".into() });

    let list = store.list().await.unwrap();
    let totals: Vec<_> = list.iter().map(|s| (s.job.id.0.as_str(), s.tasks_total, s.tasks_done, s.running)).collect();
    assert_eq!(totals, [("job-000002", 0, 0, 0), ("job-000003", 2, 1, 1)]);
    assert_eq!(list[0].job.reason.as_deref(), Some("speak/3 failed: there is no voice"));
    assert_eq!(store.highest().await.unwrap(), (42, 3));
    assert_eq!(store.cancels().await.unwrap(), [JobId("job-000003".into())]);
    assert_eq!(store.nodes().await.unwrap(), [], "nodes join again");
    let cached = &store.results(&[digest('5')]).await.unwrap()[&digest('5')];
    assert_eq!((cached.result.outputs["wav"], cached.bytes), (digest('4'), 88_244));

    let seen = store.leadership().await.unwrap();
    assert_eq!((seen.epoch.0, seen.leader.as_str(), seen.beat), (7, "", 0));
    assert_eq!(lead_now(store, "new").await.unwrap().0, 8);
}

#[tokio::test]
async fn files_of_earlier_schemas_are_brought_up_to_date() {
    for (name, furthest) in [("farm-0001.sqlite", 0.0), ("farm-0002.sqlite", 0.5)] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("farm.sqlite");
        std::fs::copy(fixture(name), &file).unwrap();
        let store = Sqlite::open(&file).await.unwrap();
        reads_as_written(&store, furthest).await;
        store.close().await;
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused_with_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("farm.sqlite");
    Sqlite::open(&file).await.unwrap().close().await;
    let mut connection = SqliteConnection::connect(&file.display().to_string()).await.unwrap();
    let newer =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'x', true, '', 0)";
    sqlx::query(newer).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let refused = Sqlite::open(&file).await.err().unwrap();
    let StoreError::Newer { found: 9999, known } = refused else { panic!("{refused}") };
    assert!((4..9999).contains(&known) && refused.to_string().contains("9999") && refused.to_string().contains(&known.to_string()));
}

#[tokio::test]
async fn two_that_open_the_same_file_prepare_it_once() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("farm.sqlite");
        let opened = futures_util::future::join_all((0..4).map(|_| Sqlite::open(&file))).await;
        for store in opened {
            store.unwrap().close().await;
        }
    }
}

#[tokio::test]
async fn postgres_is_prepared_once_from_whatever_it_was() {
    let server = klieg_servers::Postgres::start(Sync::Off);
    let opened = futures_util::future::join_all((0..6).map(|_| async { Postgres::open(&server.url()).await })).await;
    for store in opened {
        store.unwrap().close().await;
    }
    // Back to schema 0002: the same files, in PostgreSQL's words, but for what came later.
    let mut connection = PgConnection::connect(&server.url()).await.unwrap();
    let later = "DELETE FROM _sqlx_migrations WHERE version > 2";
    for table in
        ["pins", "peaks", "limits", "projects", "epochs", "cancels", "results", "attempts", "tasks", "jobs", "nodes", "farm"]
    {
        sqlx::query(AssertSqlSafe(format!("DROP TABLE {table} CASCADE"))).execute(&mut connection).await.unwrap();
    }
    sqlx::query(later).execute(&mut connection).await.unwrap();
    let words = |sql: &str| sql.replace(" INTEGER", " BIGINT").replace(" REAL", " DOUBLE PRECISION").replace(" WITHOUT ROWID", "");
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    for file in [migrations.join("0001_farm.sql"), migrations.join("0002_progress.sql"), fixture("rows.sql")] {
        let sql = words(&std::fs::read_to_string(file).unwrap());
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    }
    let store = Postgres::open(&server.url()).await.unwrap();
    reads_as_written(&store, 0.5).await;
    store.close().await;

    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'x', true, '', 0)",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    let refused = Postgres::open(&server.url()).await.err().unwrap();
    assert!(matches!(refused, StoreError::Newer { found: 9999, .. }), "{refused}");
}
