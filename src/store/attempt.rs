//! The record of tries (`alibaba.md` §3.1, ListEventSubEvent): written with each try's end, listed for
//! the callbacks of subscriptions, and purged with their deliveries.

use super::{Result, run};
use crate::domain::{
    Millis, SubscriptionId,
    endpoint::EndpointId,
    outbox::{Attempt, DeliveryId},
    request::{AttemptFound, AttemptPage, AttemptsFound},
};
use rusqlite::{Connection, params};

/// `n` is its number among the tries of its delivery, from 1.
pub fn put(conn: &Connection, delivery: &DeliveryId, endpoint: &EndpointId, attempt: &Attempt) -> Result<()> {
    let (status, error) = match &attempt.result {
        Ok(status) => (Some(*status), None),
        Err(text) => (None, Some(text)),
    };
    // Only those of subscriptions are listed.
    let (app, subscription) = match endpoint {
        EndpointId::Subscription(app, id) => (Some(app.as_str()), Some(id.as_str())),
        EndpointId::LiveEvents(_) | EndpointId::LiveRooms(_) | EndpointId::Chat(_) => (None, None),
    };
    run(
        conn,
        "INSERT INTO attempt (delivery, n, at, url, status, error, took, answer, app, subscription, delivery_n)
         SELECT ?1, coalesce(max(n), 0) + 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, CASE WHEN ?8 IS NULL THEN NULL ELSE (SELECT n FROM delivery WHERE id = ?1) END
         FROM attempt WHERE delivery = ?1",
        params![&*delivery.0, attempt.at.0, attempt.url, status, error, attempt.took_ms, attempt.answer, app, subscription],
    )
}

/// In the order of the tries; those of the same millisecond in that of their deliveries.
pub fn page(conn: &Connection, page: &AttemptPage) -> Result<AttemptsFound> {
    let of = if page.subscription.is_some() { "a.subscription = ?2" } else { "?2 IS NULL" };
    // The pages before are skipped in the index alone.
    let sql = format!(
        "SELECT p.delivery, a.subscription, p.at, a.url, a.status, a.took, d.body FROM (
             SELECT a.delivery, a.n, a.at, a.delivery_n FROM attempt a WHERE a.app = ?1 AND {of} AND a.at BETWEEN ?3 AND ?4
             ORDER BY a.at, a.delivery_n, a.delivery, a.n LIMIT ?5 OFFSET ?6
         ) p JOIN attempt a ON a.delivery = p.delivery AND a.n = p.n JOIN delivery d ON d.id = p.delivery ORDER BY p.at, p.delivery_n, p.n"
    );
    let mut rows = conn.prepare_cached(&sql)?;
    let skip = i64::try_from(page.skip).unwrap_or(i64::MAX);
    let subscription = page.subscription.as_ref().map(SubscriptionId::as_str);
    let mut rows = rows.query(params![page.app.as_str(), subscription, page.from.0, page.to.0, i64::from(page.limit) + 1, skip])?;
    let mut found = AttemptsFound::default();
    while let Some(row) = rows.next()? {
        found.more = found.attempts.len() == page.limit as usize;
        if found.more {
            break;
        }
        found.attempts.push(AttemptFound {
            delivery: DeliveryId(row.get::<_, String>(0)?.into()),
            subscription: SubscriptionId::trusted(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?),
            at: Millis(row.get(2)?),
            url: row.get(3)?,
            status: row.get(4)?,
            took_ms: row.get(5)?,
            body: String::from_utf8_lossy(row.get_ref(6)?.as_bytes().map_err(rusqlite::Error::from)?).into_owned(),
        });
    }
    Ok(found)
}
