//! What projects may have, and what of it they have had.

use crate::{Ledger, LedgerError, Seconds};
use chrono::DateTime;
use klieg_database::sql;
use std::collections::BTreeMap;

/// Months that are kept of each project.
const MONTHS_KEPT: usize = 13;
/// Uploads of one project that are looked at in one go.
const LOOKED_AT_MAX: i64 = 10_000;

/// What a project may have; `None`: as much as it likes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Jobs that have not ended, at a time.
    pub jobs_open_max: Option<i64>,
    /// Slot-seconds that its attempts take in a calendar month (UTC).
    pub device_seconds_per_month_max: Option<i64>,
    /// Bytes of all its uploads that the farm keeps.
    pub upload_bytes_max: Option<i64>,
    /// Bytes of one upload.
    pub upload_bytes_each_max: Option<i64>,
}

/// Whether there was room for an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// It counts from now on.
    Taken,
    /// It has counted before.
    Counted,
    /// The project's uploads have so many bytes, and this one would be too much.
    Full { used: i64 },
}

/// An upload that somebody made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadInfo {
    pub project: String,
    pub digest: String,
    pub bytes: i64,
    pub uploaded_at: Seconds,
}

/// The calendar month (UTC) of a time, as `2026-11`.
pub fn month(now: Seconds) -> String {
    DateTime::from_timestamp(now, 0).unwrap_or_default().format("%Y-%m").to_string()
}

type Row = (String, Option<i64>, Option<i64>, Option<i64>, Option<i64>);

fn read((project, jobs_open_max, device_seconds_per_month_max, upload_bytes_max, upload_bytes_each_max): Row) -> (String, Quota) {
    (project, Quota { jobs_open_max, device_seconds_per_month_max, upload_bytes_max, upload_bytes_each_max })
}

impl Ledger {
    /// What a project may have.
    pub async fn quota(&self, project: &str) -> Result<Quota, LedgerError> {
        let query = "SELECT project, jobs_open_max, device_seconds_per_month_max, upload_bytes_max, upload_bytes_each_max
            FROM ledger_quota WHERE project = $1";
        Ok(self.database.row::<Row>(sql!(query, project)).await?.map(|row| read(row).1).unwrap_or_default())
    }

    /// The same of all projects of which anything was set.
    pub async fn quotas(&self) -> Result<BTreeMap<String, Quota>, LedgerError> {
        let query = "SELECT project, jobs_open_max, device_seconds_per_month_max, upload_bytes_max, upload_bytes_each_max
            FROM ledger_quota";
        Ok(self.database.rows::<Row>(sql!(query)).await?.into_iter().map(read).collect())
    }

    /// Sets what a project may have from now on.
    pub async fn set_quota(&self, project: &str, quota: Quota) -> Result<(), LedgerError> {
        let Quota { jobs_open_max, device_seconds_per_month_max, upload_bytes_max, upload_bytes_each_max } = quota;
        let put = "INSERT INTO ledger_quota (project, jobs_open_max, device_seconds_per_month_max, upload_bytes_max, upload_bytes_each_max)
            VALUES ($1, $2, $3, $4, $5) ON CONFLICT (project) DO UPDATE SET jobs_open_max = $2, device_seconds_per_month_max = $3,
            upload_bytes_max = $4, upload_bytes_each_max = $5";
        let put = sql!(put, project, jobs_open_max, device_seconds_per_month_max, upload_bytes_max, upload_bytes_each_max);
        self.database.run(put).await?;
        Ok(())
    }

    /// What a project has spent this month (ms), having spent `total_ms` in all. The first to ask in a month says where it begins.
    pub async fn spent_this_month(&self, project: &str, total_ms: i64, now: Seconds) -> Result<i64, LedgerError> {
        let month = month(now);
        let begin = "INSERT INTO ledger_month (project, month, spent_before_ms) VALUES ($1, $2, $3)
            ON CONFLICT (project, month) DO NOTHING";
        self.database.run(sql!(begin, project, &month, total_ms)).await?;
        let query = "SELECT spent_before_ms FROM ledger_month WHERE project = $1 AND month = $2";
        let before: Option<(i64,)> = self.database.row(sql!(query, project, &month)).await?;
        Ok((total_ms - before.map_or(0, |(before,)| before)).max(0))
    }

    /// The months that have begun for any project in this one.
    pub async fn begun_this_month(&self, now: Seconds) -> Result<BTreeMap<String, i64>, LedgerError> {
        let query = "SELECT project, spent_before_ms FROM ledger_month WHERE month = $1";
        Ok(self.database.rows::<(String, i64)>(sql!(query, month(now))).await?.into_iter().collect())
    }

    /// Forgets months of long ago.
    pub async fn forget_old_months(&self, now: Seconds) -> Result<u64, LedgerError> {
        let oldest = month(now - MONTHS_KEPT as i64 * 31 * 86_400);
        Ok(self.database.run(sql!("DELETE FROM ledger_month WHERE month < $1", oldest)).await?)
    }

    /// Counts an upload to a project, if its uploads stay within `most` bytes. Of several at once on different servers of one
    /// PostgreSQL all may find room; on one server the caller keeps them apart.
    pub async fn take_room(&self, upload: &UploadInfo, account: &str, most: Option<i64>) -> Result<Room, LedgerError> {
        let UploadInfo { project, digest, bytes, uploaded_at } = upload;
        let insert = "INSERT INTO ledger_upload (project, digest, bytes, account, uploaded_at) SELECT $1, $2, $3, $4, $5
            WHERE (SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM ledger_upload WHERE project = $1) <= $6
            ON CONFLICT (project, digest) DO NOTHING";
        let left = most.unwrap_or(i64::MAX).saturating_sub(*bytes);
        if self.database.run(sql!(insert, project, digest, *bytes, account, *uploaded_at, left)).await? > 0 {
            return Ok(Room::Taken);
        }
        let query = "SELECT digest FROM ledger_upload WHERE project = $1 AND digest = $2";
        if self.database.row::<(String,)>(sql!(query, project, digest)).await?.is_some() {
            return Ok(Room::Counted);
        }
        Ok(Room::Full { used: self.uploaded(project).await? })
    }

    /// The bytes of a project's uploads.
    pub async fn uploaded(&self, project: &str) -> Result<i64, LedgerError> {
        let query = "SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM ledger_upload WHERE project = $1";
        Ok(self.database.row::<(i64,)>(sql!(query, project)).await?.map_or(0, |(bytes,)| bytes))
    }

    /// The same of all projects that have any.
    pub async fn all_uploaded(&self) -> Result<BTreeMap<String, i64>, LedgerError> {
        let query = "SELECT project, CAST(SUM(bytes) AS BIGINT) FROM ledger_upload GROUP BY project";
        Ok(self.database.rows::<(String, i64)>(sql!(query)).await?.into_iter().collect())
    }

    /// Digests that count to a project and came before a time, in order, those after `after`; ten thousand at most.
    pub async fn uploads_of(&self, project: &str, before: Seconds, after: &str) -> Result<Vec<String>, LedgerError> {
        let query =
            "SELECT digest FROM ledger_upload WHERE project = $1 AND uploaded_at < $2 AND digest > $3 ORDER BY digest LIMIT $4";
        let rows: Vec<(String,)> = self.database.rows(sql!(query, project, before, after, LOOKED_AT_MAX)).await?;
        Ok(rows.into_iter().map(|(digest,)| digest).collect())
    }

    /// What an account uploaded that is still counted, the oldest first; ten thousand at most.
    pub async fn uploads_by(&self, account: &str) -> Result<Vec<UploadInfo>, LedgerError> {
        let query = "SELECT project, digest, bytes, uploaded_at FROM ledger_upload WHERE account = $1 ORDER BY uploaded_at, digest LIMIT $2";
        let rows: Vec<(String, String, i64, i64)> = self.database.rows(sql!(query, account, LOOKED_AT_MAX)).await?;
        let upload = |(project, digest, bytes, uploaded_at)| UploadInfo { project, digest, bytes, uploaded_at };
        Ok(rows.into_iter().map(upload).collect())
    }

    /// An upload that did not come, or that the farm has thrown away, counts no more.
    pub async fn give_room_back(&self, project: &str, digest: &str) -> Result<(), LedgerError> {
        self.database.run(sql!("DELETE FROM ledger_upload WHERE project = $1 AND digest = $2", project, digest)).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::month;

    #[test]
    fn months_are_calendar_months_of_utc() {
        assert_eq!(month(0), "1970-01");
        assert_eq!(month(1_795_996_799), "2026-11", "the last second");
        assert_eq!(month(1_796_083_199), "2026-11");
        assert_eq!(month(1_796_083_200), "2026-12");
    }
}
