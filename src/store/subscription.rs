//! Rows of subscriptions of channel events.

use super::{Result, from_json, json, run};
use crate::domain::{
    AppId, Change, ChannelId, Millis, State, SubscriptionId,
    subscription::{Subscription, Wants},
};
use rusqlite::{Connection, params};
use std::sync::Arc;

pub fn put(conn: &Connection, s: &Subscription) -> Result<()> {
    run(
        conn,
        "INSERT OR REPLACE INTO subscription VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            s.id.as_str(),
            s.app.as_str(),
            s.url,
            s.wants.channel.as_ref().map(ChannelId::as_str),
            json(&s.wants.users),
            s.wants.channel_events,
            s.wants.user_events,
            s.created.0,
            s.modified.0,
            s.order as i64
        ],
    )
}

pub fn remove(conn: &Connection, id: &SubscriptionId) -> Result<()> {
    run(conn, "DELETE FROM subscription WHERE id = ?1", params![id.as_str()])
}

pub fn load(conn: &Connection, state: &mut State) -> Result<()> {
    let mut rows = conn.prepare("SELECT id, app, url, channel, users, channel_events, user_events, created, modified, ord FROM subscription")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let subscription = Subscription {
            id: SubscriptionId::trusted(&row.get::<_, String>(0)?),
            app: AppId::trusted(&row.get::<_, String>(1)?),
            url: row.get(2)?,
            wants: Wants {
                channel: row.get::<_, Option<String>>(3)?.map(|id| ChannelId::trusted(&id)),
                users: from_json(&row.get::<_, String>(4)?)?,
                channel_events: row.get(5)?,
                user_events: row.get(6)?,
            },
            created: Millis(row.get(7)?),
            modified: Millis(row.get(8)?),
            order: row.get::<_, i64>(9)? as u64,
        };
        state.apply(Change::Subscription(Arc::new(subscription)));
    }
    Ok(())
}
