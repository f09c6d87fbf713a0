//! Rows of applications and access keys.

use super::{Result, StoreError, from_json, json, run};
use crate::domain::{
    AppId, Change, Millis, State,
    app::{AccessKey, App, Audit, LifeCycle},
};
use rusqlite::{Connection, params};
use std::sync::Arc;

pub fn put(conn: &Connection, app: &App) -> Result<()> {
    let (audit, audit_url) = match &app.audit {
        Audit::None => (0, ""),
        Audit::BuiltIn => (1, ""),
        Audit::Custom(url) => (2, url.as_str()),
    };
    // An update in place: groups refer to the row.
    run(
        conn,
        "INSERT INTO app VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
         ON CONFLICT (id) DO UPDATE SET key = ?2, sign = ?3, name = ?4, sdkappid = ?5, administrators = ?6, data_center = ?7,
         event_callback_url = ?8, audit_type = ?9, audit_url = ?10, life_cycle = ?11, disabled = ?12, created = ?13, modified = ?14",
        params![
            app.id.as_str(),
            app.key,
            app.sign,
            app.name,
            app.sdkappid,
            json(&app.administrators),
            app.data_center,
            app.event_callback_url,
            audit,
            audit_url,
            app.life_cycle.days(),
            app.disabled,
            app.created.0,
            app.modified.0
        ],
    )
}

pub fn put_key(conn: &Connection, key: &AccessKey) -> Result<()> {
    run(conn, "INSERT OR IGNORE INTO mark (name) VALUES ('key')", [])?;
    run(conn, "INSERT OR REPLACE INTO access_key VALUES (?1, ?2, ?3)", params![key.id, key.secret, key.created.0])
}

pub fn load(conn: &Connection, state: &mut State) -> Result<()> {
    let mut rows = conn.prepare(
        "SELECT id, key, sign, name, sdkappid, administrators, data_center, event_callback_url, audit_type, audit_url, life_cycle, disabled,
         created, modified FROM app",
    )?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let audit = match row.get::<_, i64>(8)? {
            0 => Audit::None,
            1 => Audit::BuiltIn,
            2 => Audit::Custom(row.get(9)?),
            n => return Err(StoreError::Row(format!("audit type {n}"))),
        };
        let life_cycle = match row.get::<_, i64>(10)? {
            30 => LifeCycle::Days30,
            90 => LifeCycle::Days90,
            180 => LifeCycle::Days180,
            n => return Err(StoreError::Row(format!("a message life of {n} days"))),
        };
        let app = App {
            id: AppId::trusted(&row.get::<_, String>(0)?),
            key: row.get(1)?,
            sign: row.get(2)?,
            name: row.get(3)?,
            sdkappid: row.get(4)?,
            administrators: from_json(&row.get::<_, String>(5)?)?,
            data_center: row.get(6)?,
            event_callback_url: row.get(7)?,
            audit,
            life_cycle,
            disabled: row.get(11)?,
            created: Millis(row.get(12)?),
            modified: Millis(row.get(13)?),
        };
        state.apply(Change::App(Arc::new(app)));
    }
    state.had_keys = conn.query_row("SELECT count(*) FROM mark WHERE name = 'key'", [], |row| row.get::<_, i64>(0))? > 0;
    let mut rows = conn.prepare("SELECT id, secret, created FROM access_key")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        state.apply(Change::Key(AccessKey { id: row.get(0)?, secret: row.get(1)?, created: Millis(row.get(2)?) }));
    }
    Ok(())
}
