//! Uploads that are under way.

use crate::{Asset, AssetError, Assets, Seconds};
use klieg_database::sql;

/// Uploads of one account that are under way.
const UPLOADS_MAX: i64 = 200;
/// Uploads that are looked at at a time.
const STALE_MAX: i64 = 1_000;

/// What somebody is bringing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Random: names the file, too.
    pub id: String,
    pub name: String,
    pub project: String,
    /// The type that whoever brings it says it is.
    pub declared: Option<String>,
    /// Of the whole.
    pub bytes: i64,
    /// BLAKE3, hex: as whoever brings it says, or as it was found to be when all bytes had come.
    pub digest: Option<String>,
    pub owner: String,
    pub created_at: Seconds,
    /// When bytes of it came last.
    pub touched_at: Seconds,
}

type Row = (String, String, String, Option<String>, i64, Option<String>, String, i64, i64);

fn read(row: Row) -> Upload {
    let (id, name, project, declared, bytes, digest, owner, created_at, touched_at) = row;
    Upload { id, name, project, declared, bytes, digest, owner, created_at, touched_at }
}

impl Assets {
    /// Notes an upload that is about to begin.
    pub async fn begin(&self, upload: &Upload) -> Result<(), AssetError> {
        let insert = "INSERT INTO asset_upload (id, name, project, declared, bytes, digest, owner, created_at, touched_at)
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 WHERE (SELECT COUNT(*) FROM asset_upload WHERE owner = $7) < $10";
        let Upload { id, name, project, declared, bytes, digest, owner, created_at, touched_at } = upload;
        let (declared, digest) = (declared.as_deref(), digest.as_deref());
        let insert = sql!(insert, id, name, project, declared, *bytes, digest, owner, *created_at, *touched_at, UPLOADS_MAX);
        match self.database.run(insert).await? {
            0 => Err(AssetError::TooManyUploads(UPLOADS_MAX)),
            _ => Ok(()),
        }
    }

    /// The upload of the same bytes under the same name that the same account has under way, if there is one.
    pub async fn begun(&self, upload: &Upload) -> Result<Option<Upload>, AssetError> {
        let Some(digest) = upload.digest.as_deref() else { return Ok(None) };
        let query = "SELECT id, name, project, declared, bytes, digest, owner, created_at, touched_at FROM asset_upload
            WHERE owner = $1 AND digest = $2 AND name = $3 AND project = $4 AND bytes = $5 AND COALESCE(declared, '') = $6
            ORDER BY created_at, id LIMIT 1";
        let Upload { owner, name, project, bytes, declared, .. } = upload;
        let query = sql!(query, owner, digest, name, project, *bytes, declared.as_deref().unwrap_or_default());
        let row: Option<Row> = self.database.row(query).await?;
        Ok(row.map(read))
    }

    /// An upload that is under way.
    pub async fn upload(&self, id: &str) -> Result<Upload, AssetError> {
        let query =
            "SELECT id, name, project, declared, bytes, digest, owner, created_at, touched_at FROM asset_upload WHERE id = $1";
        let row: Option<Row> = self.database.row(sql!(query, id)).await?;
        row.map(read).ok_or(AssetError::Missing("upload: it is finished, or was removed after a day without a byte"))
    }

    /// Notes that bytes of an upload have come.
    pub async fn touch(&self, id: &str, now: Seconds) -> Result<(), AssetError> {
        self.database.run(sql!("UPDATE asset_upload SET touched_at = $1 WHERE id = $2", now, id)).await?;
        Ok(())
    }

    /// Notes what all bytes of an upload were found to be, before they become an artifact.
    pub async fn found(&self, id: &str, digest: &str) -> Result<(), AssetError> {
        self.database.run(sql!("UPDATE asset_upload SET digest = $1 WHERE id = $2", digest, id)).await?;
        Ok(())
    }

    /// Makes an asset of an upload whose bytes are an artifact now; gives the one that was there before, if one was.
    pub async fn finish(&self, id: &str, asset: &Asset) -> Result<Asset, AssetError> {
        self.database.together(vec![asset.insert(), sql!("DELETE FROM asset_upload WHERE id = $1", id)]).await?;
        self.asset(&asset.digest).await
    }

    /// Gives an upload up.
    pub async fn end(&self, id: &str) -> Result<(), AssetError> {
        match self.database.run(sql!("DELETE FROM asset_upload WHERE id = $1", id)).await? {
            0 => Err(AssetError::Missing("upload")),
            _ => Ok(()),
        }
    }

    /// Uploads of which no byte has come since then, the oldest first, 1,000 at most.
    pub async fn stale(&self, since: Seconds) -> Result<Vec<Upload>, AssetError> {
        let query = "SELECT id, name, project, declared, bytes, digest, owner, created_at, touched_at FROM asset_upload
            WHERE touched_at < $1 ORDER BY touched_at LIMIT $2";
        let rows: Vec<Row> = self.database.rows(sql!(query, since, STALE_MAX)).await?;
        Ok(rows.into_iter().map(read).collect())
    }
}
