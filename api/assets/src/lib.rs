//! What people have brought to a farm: the records of assets, whose bytes are the farm's artifacts, and of uploads that are under way.
//!
//! No clock is read here: `now` is handed in, in seconds since 1970. Bytes are no business of this crate.

mod record;
mod upload;

pub use klieg_database::{Database, DatabaseError};
pub use record::{ASSETS_PAGE_MAX, Asset, AssetPage};
pub use upload::Upload;

use klieg_database::Schema;

/// Seconds since 1970.
pub type Seconds = i64;

static STEPS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");
const SCHEMA: Schema = Schema { whose: "assets", table: "_asset_migrations", steps: &STEPS };

/// Handle on a farm's assets. Servers that share a database share them.
#[derive(Clone, Debug)]
pub struct Assets {
    database: Database,
}

/// Why something about an asset does not go.
#[derive(Debug, thiserror::Error)]
pub enum AssetError {
    /// Whether it was done may not be known.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("begin an upload: {0} of one account may be under way; finish some, or remove them")]
    TooManyUploads(i64),
    #[error("find the {0}")]
    Missing(&'static str),
}

impl Assets {
    /// Brings the tables up to date.
    pub async fn open(database: Database) -> Result<Self, DatabaseError> {
        database.prepare(&SCHEMA).await?;
        Ok(Self { database })
    }
}
