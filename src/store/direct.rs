//! Rows of messages to one user: what is kept of them, and what deleting one looks for.

use super::{Result, run};
use crate::domain::{
    AppId, Millis, Tid, UserId,
    direct::{Direct, DirectPage, DirectsFound},
};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Sent again by the same sender with the same id, it replaces the one before, but never what is stored by
/// what is not. What is stored takes the place of a trace, whoever left it: no client can keep a message out.
pub fn put(conn: &Connection, d: &Direct) -> Result<()> {
    let body = if d.stored { d.body.as_str() } else { "" };
    run(
        conn,
        "INSERT INTO direct (app, receiver, tid, at, stored, kind, sender, info, body, elements, custom, options, seq, random)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
         ON CONFLICT (app, receiver, tid) DO UPDATE SET at = ?4, stored = ?5, kind = ?6, sender = ?7, info = ?8, body = ?9, elements = ?10, custom = ?11, options = ?12,
         seq = ?13, random = ?14 WHERE stored < ?5 OR (sender = ?7 AND stored = ?5)",
        params![
            d.app.as_str(),
            d.receiver.as_str(),
            d.tid.as_str(),
            d.at.0,
            d.stored,
            d.kind,
            d.sender.as_str(),
            d.sender_info,
            body,
            d.elements.as_ref().filter(|_| d.stored),
            if d.stored { d.custom.as_str() } else { "" },
            d.options,
            d.seq,
            d.random
        ],
    )
}

/// What two users said to each other, the newest first.
pub fn page(conn: &Connection, page: &DirectPage) -> Result<DirectsFound> {
    // A message that is continued behind is found by its place, and by its row among those of the same moment.
    let mut place = conn.prepare_cached("SELECT at, rowid FROM direct WHERE app = ?1 AND tid = ?2 AND receiver IN (?3, ?4)")?;
    let behind: Option<(i64, i64)> = match &page.before {
        Some(tid) => place
            .query_row(params![page.app.as_str(), tid.as_str(), page.one.as_str(), page.other.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?,
        None => None,
    };
    let (at, rowid) = behind.unwrap_or((i64::MAX, i64::MAX));
    let mut rows = conn.prepare_cached(
        "SELECT receiver, tid, kind, body, elements, custom, options, seq, random, sender, info, at FROM direct
         WHERE stored = 1 AND app = ?1 AND ((sender = ?2 AND receiver = ?3) OR (sender = ?3 AND receiver = ?2)) AND at BETWEEN ?4 AND ?5
         AND (at, rowid) < (?6, ?7) ORDER BY at DESC, rowid DESC LIMIT ?8",
    )?;
    let asked = params![page.app.as_str(), page.one.as_str(), page.other.as_str(), page.from.0, page.to.0, at, rowid, i64::from(page.limit) + 1];
    let read = |row: &Row| {
        Ok(Direct {
            app: page.app.clone(),
            receiver: UserId::trusted(row.get_ref(0)?.as_str()?),
            tid: Tid::trusted(row.get_ref(1)?.as_str()?),
            kind: row.get(2)?,
            body: row.get(3)?,
            elements: row.get(4)?,
            custom: row.get(5)?,
            options: row.get(6)?,
            seq: row.get(7)?,
            random: row.get(8)?,
            sender: UserId::trusted(row.get_ref(9)?.as_str()?),
            sender_info: row.get(10)?,
            at: Millis(row.get(11)?),
            stored: true,
            ack: None,
        })
    };
    let mut messages = rows.query_map(asked, read)?.collect::<rusqlite::Result<Vec<Direct>>>()?;
    let more = messages.len() > page.limit as usize;
    messages.truncate(page.limit as usize);
    Ok(DirectsFound { messages, more })
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
