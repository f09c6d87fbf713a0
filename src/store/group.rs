//! Rows of groups, their counters and their members.

use super::{Result, StoreError, from_json, json, run};
use crate::domain::{
    AppId, Change, Epoch, Gid, GroupId, Millis, SessionId, State, UserId,
    group::{Counters, Group, Member, MemberKind},
};
use rusqlite::{Connection, params};
use std::sync::Arc;

pub fn put(conn: &Connection, g: &Group) -> Result<()> {
    let (deleted, by) = match &g.deleted {
        Some((at, by)) => (Some(at.0), Some(by)),
        None => (None, None),
    };
    run(
        conn,
        "INSERT INTO grp (gid, app, id, name, info, creator, admins, created, deleted, deleted_by, epoch, muted_all, muted, unmuted)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
         ON CONFLICT (gid) DO UPDATE SET name = ?4, info = ?5, creator = ?6, admins = ?7, deleted = ?9, deleted_by = ?10, epoch = ?11,
         muted_all = ?12, muted = ?13, unmuted = ?14",
        params![
            g.gid.0,
            g.app.as_str(),
            g.id.as_str(),
            g.name,
            g.info,
            g.creator,
            json(&g.admins),
            g.created.0,
            deleted,
            by,
            g.epoch.0 as i64,
            g.muted_all,
            json(&g.muted),
            json(&g.unmuted)
        ],
    )
}

pub fn put_counters(conn: &Connection, gid: Gid, c: &Counters) -> Result<()> {
    let amounts = json(&c.amounts);
    run(conn, "INSERT OR REPLACE INTO counter VALUES (?1, ?2, ?3, ?4)", params![gid.0, c.top as i64, c.joins as i64, amounts])
}

pub fn put_member(conn: &Connection, gid: Gid, m: &Member) -> Result<()> {
    let kind = match m.kind {
        MemberKind::Live => 0,
        MemberKind::Kept => 1,
    };
    run(
        conn,
        "INSERT OR REPLACE INTO member VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![gid.0, m.user.as_str(), m.sid.as_ref().map(SessionId::as_str), kind, m.joined.0, m.order as i64],
    )
}

/// Sessions are loaded before: a member is listed with its session.
pub fn load(conn: &Connection, state: &mut State) -> Result<()> {
    let mut rows = conn.prepare(
        "SELECT gid, app, id, name, info, creator, admins, created, deleted, deleted_by, epoch, muted_all, muted, unmuted, super_large FROM grp ORDER BY gid",
    )?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let deleted = row.get::<_, Option<i64>>(8)?.map(Millis);
        let group = Group {
            gid: Gid(row.get(0)?),
            app: AppId::trusted(&row.get::<_, String>(1)?),
            id: GroupId::trusted(&row.get::<_, String>(2)?),
            name: row.get(3)?,
            info: row.get(4)?,
            creator: row.get(5)?,
            admins: from_json(&row.get::<_, String>(6)?)?,
            created: Millis(row.get(7)?),
            deleted: match deleted {
                Some(at) => Some((at, row.get::<_, Option<String>>(9)?.unwrap_or_default())),
                None => None,
            },
            epoch: Epoch(row.get::<_, i64>(10)? as u64),
            muted_all: row.get(11)?,
            muted: from_json(&row.get::<_, String>(12)?)?,
            unmuted: from_json(&row.get::<_, String>(13)?)?,
        };
        let gid = group.gid;
        state.apply(Change::Group(Arc::new(group)));
        state.apply(Change::SuperLarge(gid, row.get(14)?));
    }
    let mut rows = conn.prepare("SELECT gid, top, joins, amounts FROM counter")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let counters = Counters { top: row.get::<_, i64>(1)? as u64, joins: row.get::<_, i64>(2)? as u64, amounts: from_json(&row.get::<_, String>(3)?)? };
        state.apply(Change::Counters(Gid(row.get(0)?), counters));
    }
    let mut rows = conn.prepare("SELECT gid, user, sid, kind, joined, ord FROM member ORDER BY ord")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let kind = match row.get::<_, i64>(3)? {
            0 => MemberKind::Live,
            1 => MemberKind::Kept,
            n => return Err(StoreError::Row(format!("a membership of kind {n}"))),
        };
        let member = Member {
            user: UserId::trusted(&row.get::<_, String>(1)?),
            sid: row.get::<_, Option<String>>(2)?.map(|sid| SessionId::trusted(&sid)),
            kind,
            joined: Millis(row.get(4)?),
            order: row.get::<_, i64>(5)? as u64,
        };
        state.apply(Change::Member(Gid(row.get(0)?), Arc::new(member)));
    }
    Ok(())
}
