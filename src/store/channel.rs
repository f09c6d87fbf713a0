//! Rows of open channels and who is in them: what brings them back after a power cut.

use super::{Result, StoreError, run};
use crate::domain::{
    AppId, Change, ChannelId, Cid, SessionId, State, StayId, UserId,
    channel::Channel,
    participant::{Holder, Medias, Participant, Role},
};
use rusqlite::{Connection, params};
use std::sync::Arc;

pub fn put(conn: &Connection, c: &Channel) -> Result<()> {
    run(conn, "INSERT INTO channel VALUES (?1, ?2, ?3)", params![c.cid.0, c.app.as_str(), c.id.as_str()])
}

pub fn remove(conn: &Connection, cid: Cid) -> Result<()> {
    run(conn, "DELETE FROM channel WHERE cid = ?1", params![cid.0])
}

pub fn put_participant(conn: &Connection, cid: Cid, p: &Participant) -> Result<()> {
    let sid = match &p.holder {
        Holder::Session(sid) => Some(sid.as_str()),
        Holder::Reported => None,
    };
    run(
        conn,
        "INSERT OR REPLACE INTO participant VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![cid.0, p.user.as_str(), p.stay.as_str(), sid, p.role.number(), p.medias.bits(), p.order as i64],
    )
}

pub fn remove_participant(conn: &Connection, cid: Cid, user: &UserId) -> Result<()> {
    run(conn, "DELETE FROM participant WHERE cid = ?1 AND user = ?2", params![cid.0, user.as_str()])
}

/// Sessions are loaded before: a participant is listed with its session.
pub fn load(conn: &Connection, state: &mut State) -> Result<()> {
    let mut rows = conn.prepare("SELECT cid, app, id FROM channel")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let channel = Channel { cid: Cid(row.get(0)?), app: AppId::trusted(&row.get::<_, String>(1)?), id: ChannelId::trusted(&row.get::<_, String>(2)?) };
        state.apply(Change::Channel(Arc::new(channel)));
    }
    let mut rows = conn.prepare("SELECT cid, user, stay, sid, role, medias, ord FROM participant ORDER BY ord")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let (role, medias): (i64, u8) = (row.get(4)?, row.get(5)?);
        let participant = Participant {
            user: UserId::trusted(&row.get::<_, String>(1)?),
            stay: StayId::trusted(&row.get::<_, String>(2)?),
            holder: row.get::<_, Option<String>>(3)?.map_or(Holder::Reported, |sid| Holder::Session(SessionId::trusted(&sid))),
            role: Role::numbered(role).ok_or_else(|| StoreError::Row(format!("a user in a channel in role {role}")))?,
            medias: Medias::from_bits(medias).ok_or_else(|| StoreError::Row(format!("a user's medias {medias}")))?,
            order: row.get::<_, i64>(6)? as u64,
        };
        state.apply(Change::Participant(Cid(row.get(0)?), Arc::new(participant)));
    }
    Ok(())
}
