//! Assets and uploads, on both databases.

use klieg_assets::{Asset, AssetError, Assets, Database, Upload};
use klieg_servers::{Postgres, Sync};

const NOW: i64 = 1_800_000_000;

fn asset(name: &str, project: &str) -> Asset {
    let (digest, media_type) = (format!("{name:0>64}"), "image/png".to_owned());
    Asset { digest, name: name.into(), project: project.into(), media_type, bytes: 7, owner: "ada".into(), created_at: NOW }
}

fn upload(id: &str, owner: &str) -> Upload {
    Upload {
        id: id.into(),
        name: "plate.png".into(),
        project: String::new(),
        declared: None,
        bytes: 1 << 40,
        digest: None,
        owner: owner.into(),
        created_at: NOW,
        touched_at: NOW,
    }
}

async fn records(assets: &Assets) {
    for (name, project) in [("a", "x"), ("b", "y"), ("c", "x"), ("d", "x")] {
        assert_eq!(assets.add(&asset(name, project)).await.unwrap(), asset(name, project));
    }
    let again = Asset { digest: asset("a", "").digest, ..asset("other", "z") };
    assert_eq!(assets.add(&again).await.unwrap(), asset("a", "x"), "the same bytes are one asset, of the first");
    let names = |page: &klieg_assets::AssetPage| page.assets.iter().map(|asset| asset.name.clone()).collect::<Vec<_>>();
    let first = assets.page(Some("x"), 2, None).await.unwrap();
    assert_eq!(names(&first), ["d", "c"], "the newest first");
    let rest = assets.page(Some("x"), 2, first.next).await.unwrap();
    assert_eq!((names(&rest), rest.next), (vec!["a".to_owned()], None));
    assert_eq!(names(&assets.page(None, 200, None).await.unwrap()).len(), 4);
    let bobs = Asset { owner: "bob".into(), ..asset("e", "y") };
    assets.add(&bobs).await.unwrap();
    assert_eq!((assets.of_owner("bob").await.unwrap(), assets.of_owner("ada").await.unwrap().len()), (vec![bobs.clone()], 4));
    assets.remove(&bobs.digest).await.unwrap();
    let changed = assets.change(&again.digest, Some("ä b"), None).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.project.as_str()), ("ä b", "x"));
    assert_eq!(assets.change(&again.digest, None, Some("")).await.unwrap().project, "", "the default project is one, too");
    assets.remove(&again.digest).await.unwrap();
    assert!(!assets.has(&again.digest).await.unwrap());
    for gone in [assets.remove(&again.digest).await, assets.change(&again.digest, None, None).await.map(drop)] {
        assert!(matches!(gone, Err(AssetError::Missing("asset"))), "{gone:?}");
    }
}

async fn uploads(assets: &Assets) {
    let mine = upload("one", "ada");
    assets.begin(&mine).await.unwrap();
    assert_eq!(assets.upload("one").await.unwrap(), mine);
    assert_eq!(assets.begun(&mine).await.unwrap(), None, "without a digest nobody knows");
    assets.touch("one", NOW + 50).await.unwrap();
    assert!(assets.stale(NOW + 50).await.unwrap().is_empty(), "a byte came then");
    assert_eq!(assets.stale(NOW + 51).await.unwrap().len(), 1);
    let made = asset("e", "x");
    assets.found("one", &made.digest).await.unwrap();
    let known = assets.upload("one").await.unwrap();
    assert_eq!(known.digest.as_deref(), Some(made.digest.as_str()));
    assert_eq!(assets.begun(&Upload { id: "other".into(), ..known.clone() }).await.unwrap(), Some(known.clone()));
    for other in [Upload { owner: "bob".into(), ..known.clone() }, Upload { declared: Some("image/png".into()), ..known }] {
        assert_eq!(assets.begun(&other).await.unwrap(), None);
    }
    assert_eq!(assets.finish("one", &made).await.unwrap(), made);
    assert_eq!(assets.finish("one", &made).await.unwrap(), made, "twice is once");
    assert!(matches!(assets.upload("one").await, Err(AssetError::Missing(_))));
    for number in 0..200 {
        assets.begin(&upload(&format!("bob-{number}"), "bob")).await.unwrap();
    }
    assert!(matches!(assets.begin(&upload("bob-x", "bob")).await, Err(AssetError::TooManyUploads(200))));
    assets.begin(&upload("eve-1", "eve")).await.unwrap();
    assets.end("bob-7").await.unwrap();
    assets.begin(&upload("bob-x", "bob")).await.unwrap();
}

#[test]
fn assets_and_uploads_are_kept() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let server = Postgres::start(Sync::Off);
    for url in [format!("sqlite:{}", folder.path().join("farm.sqlite").display()), server.url()] {
        runtime.block_on(async {
            let assets = Assets::open(Database::open(&url).await.unwrap()).await.unwrap();
            records(&assets).await;
            uploads(&assets).await;
        });
    }
}
