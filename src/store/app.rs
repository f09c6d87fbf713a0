//! Rows of applications, their revoked credentials, and access keys.

use super::{Result, StoreError, from_json, json, run};
use crate::domain::{
    AppId, Change, Millis, State, UserId,
    account::Account,
    app::{AccessKey, App, Audit, LifeCycle, Webhook, WebhookToken},
};
use rusqlite::{Connection, Row, params};
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
        "INSERT INTO app (id, key, sign, name, sdkappid, administrators, data_center, event_callback_url, audit_type, audit_url, life_cycle,
         disabled, created, modified, live_url, live_words, live_token, live_token_enabled, after_retry, ord,
         chat_url, chat_words, chat_token, chat_token_enabled, chat)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)
         ON CONFLICT (id) DO UPDATE SET key = ?2, sign = ?3, name = ?4, sdkappid = ?5, administrators = ?6, data_center = ?7,
         event_callback_url = ?8, audit_type = ?9, audit_url = ?10, life_cycle = ?11, disabled = ?12, created = ?13, modified = ?14,
         live_url = ?15, live_words = ?16, live_token = ?17, live_token_enabled = ?18, after_retry = ?19,
         chat_url = ?21, chat_words = ?22, chat_token = ?23, chat_token_enabled = ?24, chat = ?25",
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
            app.modified.0,
            app.live_webhook.as_ref().map(|webhook| &webhook.url),
            json(&app.live_webhook.as_ref().map_or(&[][..], |webhook| &webhook.words)),
            app.live_token.as_ref().map(|token| &token.token),
            app.live_token.as_ref().is_some_and(|token| token.enabled),
            app.after_retry,
            app.order as i64,
            app.chat_webhook.as_ref().map(|webhook| &webhook.url),
            json(&app.chat_webhook.as_ref().map_or(&[][..], |webhook| &webhook.words)),
            app.chat_token.as_ref().map(|token| &token.token),
            app.chat_token.as_ref().is_some_and(|token| token.enabled),
            json(&app.chat)
        ],
    )
}

pub fn put_key(conn: &Connection, key: &AccessKey) -> Result<()> {
    run(conn, "INSERT OR IGNORE INTO mark (name) VALUES ('key')", [])?;
    run(conn, "INSERT OR REPLACE INTO access_key VALUES (?1, ?2, ?3)", params![key.id, key.secret, key.created.0])
}

/// Until when, in unix seconds of their making, a user's UserSigs are worth nothing; `None`: no more.
pub fn put_revoked(conn: &Connection, app: &AppId, user: &UserId, at: Option<i64>) -> Result<()> {
    match at {
        Some(at) => run(conn, "INSERT OR REPLACE INTO revoked VALUES (?1, ?2, ?3)", params![app.as_str(), user.as_str(), at]),
        None => run(conn, "DELETE FROM revoked WHERE app = ?1 AND user = ?2", params![app.as_str(), user.as_str()]),
    }
}

/// Columns from `first` on: its URL, NULL where there is none, and its words.
fn webhook(row: &Row, first: usize) -> Result<Option<Webhook>> {
    let words = from_json(&row.get::<_, String>(first + 1)?)?;
    Ok(row.get::<_, Option<String>>(first)?.map(|url| Webhook { url, words }))
}

/// Columns from `first` on: the token, NULL where there is none, and whether it is in use.
fn token(row: &Row, first: usize) -> Result<Option<WebhookToken>> {
    let enabled = row.get(first + 1)?;
    Ok(row.get::<_, Option<String>>(first)?.map(|token| WebhookToken { token, enabled }))
}

pub fn put_account(conn: &Connection, app: &AppId, a: &Account) -> Result<()> {
    run(conn, "INSERT OR REPLACE INTO account VALUES (?1, ?2, ?3, ?4)", params![app.as_str(), a.user.as_str(), a.nick, a.face_url])
}

pub fn load(conn: &Connection, state: &mut State) -> Result<()> {
    let mut rows = conn.prepare(
        "SELECT id, key, sign, name, sdkappid, administrators, data_center, event_callback_url, audit_type, audit_url, life_cycle, disabled,
         created, modified, live_url, live_words, live_token, live_token_enabled, after_retry, ord,
         chat_url, chat_words, chat_token, chat_token_enabled, chat FROM app",
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
            live_webhook: webhook(row, 14)?,
            live_token: token(row, 16)?,
            chat_webhook: webhook(row, 20)?,
            chat_token: token(row, 22)?,
            chat: from_json(&row.get::<_, String>(24)?)?,
            after_retry: row.get(18)?,
            order: row.get::<_, i64>(19)? as u64,
        };
        state.apply(Change::App(Arc::new(app)));
    }
    let mut rows = conn.prepare("SELECT app, user, at FROM revoked")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let (app, user) = (AppId::trusted(&row.get::<_, String>(0)?), UserId::trusted(&row.get::<_, String>(1)?));
        state.apply(Change::Revoked(app, user, Some(row.get(2)?)));
    }
    let mut rows = conn.prepare("SELECT app, user, nick, face_url FROM account")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let account = Account { user: UserId::trusted(&row.get::<_, String>(1)?), nick: row.get(2)?, face_url: row.get(3)? };
        state.apply(Change::Account(AppId::trusted(&row.get::<_, String>(0)?), Arc::new(account)));
    }
    state.had_keys = conn.query_row("SELECT count(*) FROM mark WHERE name = 'key'", [], |row| row.get::<_, i64>(0))? > 0;
    let mut rows = conn.prepare("SELECT id, secret, created FROM access_key")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        state.apply(Change::Key(AccessKey { id: row.get(0)?, secret: row.get(1)?, created: Millis(row.get(2)?) }));
    }
    Ok(())
}
