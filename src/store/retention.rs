//! What is too old goes, a little at a time, so that nobody waits for it. Which age is too old, the
//! engine says.

use super::Result;
use super::message::row_id;
use crate::domain::{AppId, Gid, Millis};
use rusqlite::{Connection, OptionalExtension, params};

/// Rows that go in one step at most.
pub const STEP: u32 = 200;
/// Groups that are looked at in one step.
pub const GROUPS: u32 = 200;

/// A group, as far as its age matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Old {
    pub gid: Gid,
    pub app: AppId,
    pub deleted: Option<Millis>,
}

/// The next groups behind this number; fewer than asked for: there are no more.
pub fn groups(conn: &Connection, after: Gid) -> Result<Vec<Old>> {
    let mut rows = conn.prepare_cached("SELECT gid, app, deleted FROM grp WHERE gid > ?1 ORDER BY gid LIMIT ?2")?;
    let rows = rows.query_map(params![after.0, GROUPS], |row| {
        Ok(Old { gid: Gid(row.get(0)?), app: AppId::trusted(row.get_ref(1)?.as_str()?), deleted: row.get::<_, Option<i64>>(2)?.map(Millis) })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Forgets a group's oldest messages, at most [`STEP`]: those from before the moment, or all (`None`).
/// Returns how many went.
///
/// Numbers grow with time, so among the first rows whatever stands before an old one is old as well: also
/// what was stamped before the machine had a clock that could be right.
pub fn messages(conn: &Connection, gid: Gid, before: Option<Millis>) -> Result<u32> {
    let (first, last) = (row_id(gid, 0), row_id(gid, u64::MAX));
    let before = before.map_or(i64::MAX, |at| at.0);
    // Of most groups, the first row says that there is nothing to do.
    let mut first_at = conn.prepare_cached("SELECT at FROM message WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT 1")?;
    let first_at: Option<i64> = first_at.query_row(params![first, last], |row| row.get(0)).optional()?;
    if first_at.is_none_or(|at| at >= before) {
        return Ok(0);
    }
    let mut oldest = conn.prepare_cached(
        "SELECT max(id) FROM (SELECT id, at FROM message WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3) WHERE at < ?4 AND (at >= ?5 OR ?4 = ?6)",
    )?;
    let edge: Option<i64> = oldest.query_row(params![first, last, STEP, before, Millis::BELIEVABLE.0, i64::MAX], |row| row.get(0))?;
    let Some(edge) = edge else { return Ok(0) };
    let gone = conn.prepare_cached("DELETE FROM message WHERE id BETWEEN ?1 AND ?2")?.execute(params![first, edge])?;
    Ok(gone as u32)
}
