//! What is too old goes, a little at a time, so that nobody waits for it. Which age is too old, the
//! engine says.

use super::Result;
use super::message::row_id;
use crate::domain::{AppId, Gid, Millis};
use rusqlite::{Connection, OptionalExtension, params};

/// Rows that go in one step at most.
pub const STEP: u32 = 200;
/// Rows that get a credible stamp in one step at most.
const STAMPED: u32 = 5_000;
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
/// Returns how many rows it has dealt with.
///
/// Numbers grow with time, so among the first rows whatever stands before an old one is old as well. Where
/// nothing is, stamps that cannot be right (from before the machine's clock was set, or from the future)
/// become the present: from then on, such messages have an age.
pub fn messages(conn: &Connection, gid: Gid, before: Option<Millis>, now: Millis) -> Result<u32> {
    let (first, last) = (row_id(gid, 0), row_id(gid, u64::MAX));
    let edge: Option<i64> = match before {
        None => {
            let mut all = conn.prepare_cached("SELECT max(id) FROM (SELECT id FROM message WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3)")?;
            all.query_row(params![first, last, STEP], |row| row.get(0))?
        }
        Some(before) => {
            // Of most groups, the first row says that there is nothing to do.
            let mut first_at = conn.prepare_cached("SELECT at FROM message WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT 1")?;
            let first_at: Option<i64> = first_at.query_row(params![first, last], |row| row.get(0)).optional()?;
            let Some(at) = first_at.map(Millis).filter(|at| *at < before || !at.is_credible(now)) else { return Ok(0) };
            let mut oldest = conn.prepare_cached(
                "SELECT max(id) FROM (SELECT id, at FROM message WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3) WHERE at >= ?4 AND at < ?5",
            )?;
            let edge = oldest.query_row(params![first, last, STEP, Millis::BELIEVABLE.0, before.0], |row| row.get::<_, Option<i64>>(0))?;
            if edge.is_none() && !at.is_credible(now) && now >= Millis::BELIEVABLE {
                let mut stamp = conn.prepare_cached(
                    "UPDATE message SET at = ?1 WHERE id IN (SELECT id FROM message WHERE id BETWEEN ?2 AND ?3 ORDER BY id LIMIT ?4) AND (at < ?5 OR at > ?6)",
                )?;
                return Ok(stamp.execute(params![now.0, first, last, STAMPED, Millis::BELIEVABLE.0, now.0 + Millis::DAY])? as u32);
            }
            edge
        }
    };
    let Some(edge) = edge else { return Ok(0) };
    let gone = conn.prepare_cached("DELETE FROM message WHERE id BETWEEN ?1 AND ?2")?.execute(params![first, edge])?;
    Ok(gone as u32)
}
