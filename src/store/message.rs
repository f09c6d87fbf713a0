//! Rows of messages. A message's row number is its group's number times 2^32 plus its own.

use super::{Result, run};
use crate::domain::{
    Gid, Millis, SessionId, Tid, UserId,
    message::{Found, HistoryPage, Message, MessagePage},
    quota::{MAX_RECOVERED, MAX_RECOVERED_BYTES, RECENT},
    sending::StoredMessage,
};
use rusqlite::{Connection, Row, params};

/// What was missed since a position.
#[derive(Debug)]
pub enum Recovered {
    /// Everything, in order; messages that are not cached are left out.
    All(Vec<Message>),
    /// Too much, or some of it is gone.
    Not,
}

const COLUMNS: &str = "id, gid, tid, kind, body, sender, info, client, weight, total, at, stored, cached, deleted, elements, custom, options, random";

pub fn row_id(gid: Gid, seq: u64) -> i64 {
    (gid.0 << 32) | (seq.min(u32::MAX as u64) as i64)
}

fn read(row: &Row) -> rusqlite::Result<Message> {
    Ok(Message {
        seq: Some(row.get::<_, i64>(0)? as u64 & 0xffff_ffff),
        gid: Gid(row.get(1)?),
        tid: Tid::trusted(row.get_ref(2)?.as_str()?),
        kind: row.get(3)?,
        body: row.get(4)?,
        sender: UserId::trusted(row.get_ref(5)?.as_str()?),
        sender_info: row.get(6)?,
        client: row.get::<_, Option<String>>(7)?.map(|sid| SessionId::trusted(&sid)),
        weight: row.get(8)?,
        total: row.get(9)?,
        at: Millis(row.get(10)?),
        stored: row.get(11)?,
        cached: row.get(12)?,
        deleted: row.get(13)?,
        elements: row.get(14)?,
        custom: row.get(15)?,
        options: row.get(16)?,
        random: row.get(17)?,
    })
}

pub fn put(conn: &Connection, m: &Message) -> Result<()> {
    let Some(seq) = m.seq else { return Ok(()) };
    run(
        conn,
        "INSERT INTO message (id, gid, tid, kind, body, sender, info, client, weight, total, at, stored, cached, deleted, elements, custom, options,
         random)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        params![
            row_id(m.gid, seq),
            m.gid.0,
            m.tid.as_str(),
            m.kind,
            m.body,
            m.sender.as_str(),
            m.sender_info,
            m.client.as_ref().map(SessionId::as_str),
            m.weight,
            m.total,
            m.at.0,
            m.stored,
            m.cached,
            m.deleted,
            m.elements,
            m.custom,
            m.options,
            m.random
        ],
    )?;
    if !m.stored {
        // Of what is not stored, only the last few are kept, for those who come back.
        run(
            conn,
            "DELETE FROM message WHERE id IN
             (SELECT id FROM message WHERE stored = 0 AND id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT -1 OFFSET ?3)",
            params![row_id(m.gid, 0), row_id(m.gid, u64::MAX), RECENT as i64],
        )?;
    }
    Ok(())
}

/// The messages after `since` up to `top`. Every number must have its row: a gap is never silent
/// (`session.md` §3).
pub fn recover(conn: &Connection, gid: Gid, since: u64, top: u64) -> Result<Recovered> {
    let missed = top.saturating_sub(since);
    if missed as usize > MAX_RECOVERED {
        return Ok(Recovered::Not);
    }
    let mut rows = conn.prepare_cached(&format!("SELECT {COLUMNS} FROM message WHERE id > ?1 AND id <= ?2 ORDER BY id"))?;
    let mut rows = rows.query(params![row_id(gid, since), row_id(gid, top)])?;
    let (mut found, mut bytes, mut messages) = (0, 0, Vec::new());
    while let Some(row) = rows.next()? {
        let message = read(row)?;
        found += 1;
        if message.cached {
            bytes += message.wire_size();
            messages.push(message);
        }
        if bytes > MAX_RECOVERED_BYTES {
            return Ok(Recovered::Not);
        }
    }
    Ok(if found == missed { Recovered::All(messages) } else { Recovered::Not })
}

pub fn history(conn: &Connection, gid: Gid, since: Option<u64>, reverse: bool, limit: u32) -> Result<Vec<Message>> {
    let (first, last, order) = match (since, reverse) {
        (None, false) => (0, u64::MAX, "ASC"),
        (None, true) => (0, u64::MAX, "DESC"),
        (Some(s), false) => (s.saturating_add(1), u64::MAX, "ASC"),
        (Some(s), true) => (0, s.saturating_sub(1), "DESC"),
    };
    let sql = format!("SELECT {COLUMNS} FROM message WHERE id BETWEEN ?1 AND ?2 AND stored = 1 ORDER BY id {order} LIMIT ?3");
    let mut rows = conn.prepare_cached(&sql)?;
    let mut rows = rows.query(params![row_id(gid, first), row_id(gid, last), limit])?;
    let (mut bytes, mut messages) = (0, Vec::new());
    while let Some(row) = rows.next()? {
        let message = read(row)?;
        bytes += message.wire_size();
        // A page that ends early is continued from its last position; the first always fits.
        if bytes > MAX_RECOVERED_BYTES && !messages.is_empty() {
            break;
        }
        messages.push(message);
    }
    Ok(messages)
}

/// The message of this id in the group.
pub fn find(conn: &Connection, gid: Gid, tid: &str) -> Result<Option<StoredMessage>> {
    let mut rows = conn.prepare_cached("SELECT id, sender, deleted, at FROM message WHERE gid = ?1 AND tid = ?2")?;
    let mut rows = rows.query(params![gid.0, tid])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let (id, sender): (i64, String) = (row.get(0)?, row.get(1)?);
    let (sender, at) = (UserId::trusted(&sender), Millis(row.get(3)?));
    Ok(Some(StoredMessage { seq: id as u64 & 0xffff_ffff, tid: Tid::trusted(tid), sender, at, deleted: row.get(2)? }))
}

/// The message with this number in the group.
pub fn numbered(conn: &Connection, gid: Gid, seq: u64) -> Result<Option<StoredMessage>> {
    let mut rows = conn.prepare_cached("SELECT tid, sender, deleted, at FROM message WHERE id = ?1 AND stored = 1")?;
    let mut rows = rows.query([row_id(gid, seq)])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let (tid, sender): (String, String) = (row.get(0)?, row.get(1)?);
    let (sender, at) = (UserId::trusted(&sender), Millis(row.get(3)?));
    Ok(Some(StoredMessage { seq, tid: Tid::trusted(&tid), sender, at, deleted: row.get(2)? }))
}

/// Kept messages up to a place, the newest first.
pub fn newest(conn: &Connection, gid: Gid, page: &HistoryPage) -> Result<Vec<Message>> {
    let gone = if page.deleted { "" } else { "AND deleted = 0" };
    let sql = format!("SELECT {COLUMNS} FROM message WHERE id BETWEEN ?1 AND ?2 AND stored = 1 {gone} ORDER BY id DESC LIMIT ?3");
    let mut rows = conn.prepare_cached(&sql)?;
    let found = rows.query_map(params![row_id(gid, 0), row_id(gid, page.up_to.unwrap_or(u64::MAX)), page.limit], read)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// The content goes, the row stays: a gap in the stream would look like something lost.
pub fn delete(conn: &Connection, gid: Gid, seq: u64) -> Result<()> {
    run(conn, "UPDATE message SET deleted = 1, body = '', elements = NULL, custom = '', options = NULL WHERE id = ?1", params![row_id(gid, seq)])
}

/// How much is looked at for one page: a filter without hits must not read a whole group.
pub struct Looks {
    rows: i64,
    /// On the wire; the first message always fits.
    bytes: usize,
}

impl Looks {
    pub const LONG: Looks = Looks { rows: 20_000, bytes: usize::MAX };
    pub const SHORT: Looks = Looks { rows: 2_000, bytes: MAX_RECOVERED_BYTES };
}

pub fn page(conn: &Connection, gid: Gid, page: &MessagePage, looks: Looks) -> Result<Found> {
    let (first, last) = match (page.after, page.ascending) {
        (None, _) => (0, u64::MAX),
        (Some(s), true) => (s.saturating_add(1), u64::MAX),
        (Some(s), false) => (0, s.saturating_sub(1)),
    };
    let order = if page.ascending { "ASC" } else { "DESC" };
    let sql = format!("SELECT {COLUMNS} FROM message WHERE id BETWEEN ?1 AND ?2 ORDER BY id {order} LIMIT ?3");
    let mut rows = conn.prepare_cached(&sql)?;
    let mut rows = rows.query(params![row_id(gid, first), row_id(gid, last), looks.rows])?;
    let (mut messages, mut looked, mut seen, mut bytes) = (Vec::new(), 0, None, 0);
    while let Some(row) = rows.next()? {
        looked += 1;
        let (kind, at): (i32, i64) = (row.get(3)?, row.get(10)?);
        let (stored, deleted): (bool, bool) = (row.get(11)?, row.get(13)?);
        let wanted = page.kind.is_none_or(|k| k == kind) && page.begin.is_none_or(|t| at >= t.0) && page.end.is_none_or(|t| at <= t.0);
        if stored && !deleted && wanted {
            if messages.len() == page.limit as usize {
                return Ok(Found { messages, next: seen });
            }
            let message = read(row)?;
            bytes += message.wire_size();
            if bytes > looks.bytes && !messages.is_empty() {
                return Ok(Found { messages, next: seen });
            }
            messages.push(message);
        }
        seen = Some(row.get::<_, i64>(0)? as u64 & 0xffff_ffff);
    }
    Ok(Found { messages, next: seen.filter(|_| looked == looks.rows) })
}
