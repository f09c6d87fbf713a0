//! Rows of messages to one user: what is kept of them, and what deleting one looks for.

use super::{Result, run};
use crate::domain::{AppId, Millis, Tid, UserId, direct::Direct};
use rusqlite::{Connection, OptionalExtension, params};

/// Sent again with the same id, it replaces the one before.
pub fn put(conn: &Connection, d: &Direct) -> Result<()> {
    let body = if d.stored { d.body.as_str() } else { "" };
    run(
        conn,
        "INSERT OR REPLACE INTO direct (app, receiver, tid, at, stored, kind, sender, info, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
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

/// Forgets an application's oldest messages, at most so many; returns how many went.
pub fn forget(conn: &Connection, app: &AppId, stored_before: Millis, traces_before: Millis, most: u32) -> Result<u32> {
    let mut gone = 0;
    for (stored, before) in [(true, stored_before), (false, traces_before)] {
        let mut delete = conn.prepare_cached(
            "DELETE FROM direct WHERE rowid IN (SELECT rowid FROM direct WHERE stored = ?1 AND app = ?2 AND at BETWEEN ?3 AND ?4 ORDER BY at LIMIT ?5)",
        )?;
        // What was stamped before any clock could be right has no age.
        gone += delete.execute(params![stored, app.as_str(), Millis::BELIEVABLE.0, before.0, most - gone])? as u32;
    }
    Ok(gone)
}
