//! Rows of open sessions: what makes presence survive a power cut.

use super::{Result, run};
use crate::domain::{AppId, Change, Millis, SessionId, State, UserId, session::Session};
use rusqlite::{Connection, params};
use std::sync::Arc;

pub fn put(conn: &Connection, s: &Session) -> Result<()> {
    run(
        conn,
        "INSERT OR REPLACE INTO session (sid, app, user, device, info, said, role, started, address, away, usersig)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            s.sid.as_str(),
            s.app.as_str(),
            s.user.as_str(),
            s.device,
            s.info,
            s.login_info,
            s.role,
            s.started.0,
            s.address.map(|address| address.to_string()),
            s.away,
            s.usersig
        ],
    )
}

pub fn load(conn: &Connection, state: &mut State) -> Result<()> {
    let mut rows = conn.prepare("SELECT sid, app, user, device, info, said, role, started, address, away, usersig FROM session")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let session = Session {
            sid: SessionId::trusted(&row.get::<_, String>(0)?),
            app: AppId::trusted(&row.get::<_, String>(1)?),
            user: UserId::trusted(&row.get::<_, String>(2)?),
            device: row.get(3)?,
            info: row.get(4)?,
            login_info: row.get(5)?,
            role: row.get(6)?,
            started: Millis(row.get(7)?),
            address: row.get::<_, Option<String>>(8)?.and_then(|text| text.parse().ok()),
            away: row.get(9)?,
            usersig: row.get(10)?,
        };
        state.apply(Change::Session(Arc::new(session)));
    }
    Ok(())
}
