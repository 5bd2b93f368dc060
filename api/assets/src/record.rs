//! Assets that are there.

use crate::{AssetError, Assets, Seconds};
use klieg_database::{Statement, sql};

/// Assets of a page at most.
pub const ASSETS_PAGE_MAX: u32 = 200;

/// An artifact that somebody has brought, and what people know it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// BLAKE3 of its bytes, hex.
    pub digest: String,
    pub name: String,
    /// Empty: the default project.
    pub project: String,
    pub media_type: String,
    pub bytes: i64,
    /// The account that brought it; empty: whoever had the farm's own token.
    pub owner: String,
    pub created_at: Seconds,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetPage {
    /// The newest first.
    pub assets: Vec<Asset>,
    /// Give it as `before` for the page after; `None` if there is none.
    pub next: Option<i64>,
}

type Row = (i64, String, String, String, String, i64, String, i64);

fn read(row: Row) -> Asset {
    let (_, digest, name, project, media_type, bytes, owner, created_at) = row;
    Asset { digest, name, project, media_type, bytes, owner, created_at }
}

impl Asset {
    /// The same bytes are one asset: of two that bring them the first keeps it.
    pub(crate) fn insert(&self) -> Statement {
        let insert = "INSERT INTO asset (digest, name, project, media_type, bytes, owner, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (digest) DO NOTHING";
        sql!(insert, &self.digest, &self.name, &self.project, &self.media_type, self.bytes, &self.owner, self.created_at)
    }
}

impl Assets {
    /// Notes an asset whose bytes are there; gives the one that was there before, if one was.
    pub async fn add(&self, asset: &Asset) -> Result<Asset, AssetError> {
        self.database.run(asset.insert()).await?;
        self.asset(&asset.digest).await
    }

    /// The asset of a digest.
    pub async fn asset(&self, digest: &str) -> Result<Asset, AssetError> {
        let query = "SELECT number, digest, name, project, media_type, bytes, owner, created_at FROM asset WHERE digest = $1";
        let row: Option<Row> = self.database.row(sql!(query, digest)).await?;
        row.map(read).ok_or(AssetError::Missing("asset"))
    }

    /// The newest of a project, or of all, before the one with that number: 1 to `ASSETS_PAGE_MAX` of them.
    pub async fn page(&self, project: Option<&str>, limit: u32, before: Option<i64>) -> Result<AssetPage, AssetError> {
        let limit = limit.clamp(1, ASSETS_PAGE_MAX);
        let query = "SELECT number, digest, name, project, media_type, bytes, owner, created_at FROM asset
            WHERE ($1 IS NULL OR project = $1) AND number < $2 ORDER BY number DESC LIMIT $3";
        let mut rows: Vec<Row> = self.database.rows(sql!(query, project, before.unwrap_or(i64::MAX), i64::from(limit) + 1)).await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().filter(|_| more).map(|row| row.0);
        Ok(AssetPage { assets: rows.into_iter().map(read).collect(), next })
    }

    /// All that somebody brought, the oldest first.
    pub async fn of_owner(&self, owner: &str) -> Result<Vec<Asset>, AssetError> {
        let query = "SELECT number, digest, name, project, media_type, bytes, owner, created_at FROM asset
            WHERE owner = $1 ORDER BY number";
        let rows: Vec<Row> = self.database.rows(sql!(query, owner)).await?;
        Ok(rows.into_iter().map(read).collect())
    }

    /// Gives an asset another name, or another project.
    pub async fn change(&self, digest: &str, name: Option<&str>, project: Option<&str>) -> Result<Asset, AssetError> {
        let update = "UPDATE asset SET name = COALESCE($1, name), project = COALESCE($2, project) WHERE digest = $3";
        match self.database.run(sql!(update, name, project, digest)).await? {
            0 => Err(AssetError::Missing("asset")),
            _ => self.asset(digest).await,
        }
    }

    /// Forgets an asset. Its bytes are the caller's business.
    pub async fn remove(&self, digest: &str) -> Result<(), AssetError> {
        match self.database.run(sql!("DELETE FROM asset WHERE digest = $1", digest)).await? {
            0 => Err(AssetError::Missing("asset")),
            _ => Ok(()),
        }
    }

    /// Whether there is an asset of that digest.
    pub async fn has(&self, digest: &str) -> Result<bool, AssetError> {
        let row: Option<(String,)> = self.database.row(sql!("SELECT digest FROM asset WHERE digest = $1", digest)).await?;
        Ok(row.is_some())
    }
}
