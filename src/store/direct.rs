//! Rows of messages to one user: what is kept of them, and what deleting one looks for.

use super::{Result, run};
use crate::domain::{AppId, Millis, Tid, UserId, direct::Direct};
use rusqlite::{Connection, OptionalExtension, params};

/// Sent again by the same sender with the same id, it replaces the one before, but never what is stored by
/// what is not.
pub fn put(conn: &Connection, d: &Direct) -> Result<()> {
    let body = if d.stored { d.body.as_str() } else { "" };
    run(
        conn,
        "INSERT INTO direct (app, receiver, tid, at, stored, kind, sender, info, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (app, receiver, tid) DO UPDATE SET at = ?4, stored = ?5, kind = ?6, info = ?8, body = ?9 WHERE sender = ?7 AND stored <= ?5",
        params![d.app.as_str(), d.receiver.as_str(), d.tid.as_str(), d.at.0, d.stored, d.kind, d.sender.as_str(), d.sender_info, body],
    )
}

pub fn delete(conn: &Connection, app: &AppId, receiver: &UserId, tid: &Tid) -> Result<()> {
    run(conn, "DELETE FROM direct WHERE app = ?1 AND receiver = ?2 AND tid = ?3", params![app.as_str(), receiver.as_str(), tid.as_str()])
}

pub fn has(conn: &Connection, app: &AppId, receiver: &UserId, tid: &Tid) -> Result<bool> {
    let mut found = conn.prepare_cached("SELECT 1 FROM direct WHERE app = ?1 AND receiver = ?2 AND tid = ?3")?;
    Ok(found.query_row(params![app.as_str(), receiver.as_str(), tid.as_str()], |_| Ok(())).optional()?.is_some())
}

/// Forgets an application's oldest messages, at most so many; returns how many rows it has dealt with. Stamps
/// that cannot be right become the present.
pub fn forget(conn: &Connection, app: &AppId, stored_before: Millis, traces_before: Millis, now: Millis, most: u32) -> Result<u32> {
    let mut gone = 0;
    for (stored, before) in [(true, stored_before), (false, traces_before)] {
        let mut delete = conn.prepare_cached(
            "DELETE FROM direct WHERE rowid IN (SELECT rowid FROM direct WHERE stored = ?1 AND app = ?2 AND at BETWEEN ?3 AND ?4 ORDER BY at LIMIT ?5)",
        )?;
        for (from, to) in [(i64::MIN, Millis::BELIEVABLE.0 - 1), (now.0 + Millis::DAY + 1, i64::MAX)] {
            let mut stamp = conn.prepare_cached(
                "UPDATE direct SET at = ?1 WHERE rowid IN (SELECT rowid FROM direct WHERE stored = ?2 AND app = ?3 AND at BETWEEN ?4 AND ?5 LIMIT ?6)",
            )?;
            if now >= Millis::BELIEVABLE {
                gone += stamp.execute(params![now.0, stored, app.as_str(), from, to, most - gone])? as u32;
            }
        }
        gone += delete.execute(params![stored, app.as_str(), Millis::BELIEVABLE.0, before.0, most - gone])? as u32;
    }
    Ok(gone)
}
