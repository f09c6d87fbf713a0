//! Rows of the outbox: waiting events, the deliveries frozen out of them, and each try.

use super::{Result, Store, StoreError, attempt, run};
use crate::domain::{
    Change, Millis, State,
    endpoint::EndpointId,
    event::Rendered,
    outbox::{Attempt, DeliveryId, Frozen, Lane},
};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeSet;

/// A delivery that was neither delivered nor given up, as it is found at a start.
#[derive(Debug)]
pub struct Unfinished {
    pub id: DeliveryId,
    pub endpoint: EndpointId,
    pub tries: u32,
}

/// Events taken out of an endpoint's queue for one delivery.
#[derive(Debug)]
pub struct Taken {
    /// Subjects and payloads, in order.
    pub events: Vec<(String, String)>,
    /// How many fewer events are ready: those taken, and those whose subject is now held.
    pub fewer_ready: u64,
}

/// Lanes as a start finds them: nothing is in flight.
pub fn load(conn: &Connection, state: &mut State) -> Result<()> {
    let mut rows = conn.prepare("SELECT endpoint, count(*) FROM outbox WHERE ready = 1 AND delivery IS NULL GROUP BY endpoint")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let lane = Lane { ready: row.get::<_, i64>(1)? as u64, in_flight: Vec::new() };
        state.apply(Change::Lane(endpoint(&row.get::<_, String>(0)?)?, Some(lane)));
    }
    Ok(())
}

fn endpoint(text: &str) -> Result<EndpointId> {
    EndpointId::parse(text).ok_or_else(|| StoreError::Row(format!("the endpoint {text:?}")))
}

impl Store {
    /// Appends an event. True when its subject is free, so that it may be sent next. Of a subject no more are ready than
    /// one delivery takes, and those stand before its others: so the last one tells, however many wait.
    pub fn add_event(&self, event: &Rendered, now: Millis) -> Result<bool> {
        let conn = self.conn();
        let name = event.endpoint.to_string();
        let mut last =
            conn.prepare_cached("SELECT delivery IS NULL AND ready = 1 FROM outbox WHERE endpoint = ?1 AND subject = ?2 ORDER BY id DESC LIMIT 1")?;
        let mut full = conn.prepare_cached("SELECT 1 FROM outbox WHERE endpoint = ?1 AND subject = ?2 ORDER BY id LIMIT 1 OFFSET ?3 - 1")?;
        let free = match last.query_row(params![name, event.subject], |row| row.get(0)).optional()? {
            None => true,
            Some(false) => false,
            Some(true) => !full.exists(params![name, event.subject, event.endpoint.takes().events as i64])?,
        };
        run(
            conn,
            "INSERT INTO outbox (endpoint, subject, payload, at, ready, delivery) VALUES (?1, ?2, ?3, ?4, ?5, NULL)",
            params![name, event.subject, event.payload, now.0, free],
        )?;
        Ok(free)
    }

    /// Takes the oldest ready events for the delivery `id`; their subjects are held by it from now on.
    pub fn take(&self, lane: &EndpointId, id: &DeliveryId) -> Result<Taken> {
        let conn = self.conn();
        let events = self.claim(id, lane)?;
        let mut fewer_ready = events.len() as u64;
        let name = lane.to_string();
        for subject in events.iter().map(|(subject, _)| subject).collect::<BTreeSet<_>>() {
            // Behind those that were taken; there are no ready ones further on.
            let mut hold = conn.prepare_cached(
                "UPDATE outbox SET ready = 0 WHERE id IN (SELECT id FROM outbox WHERE endpoint = ?1 AND subject = ?2 ORDER BY id LIMIT ?3)
                 AND delivery IS NULL AND ready = 1",
            )?;
            fewer_ready += hold.execute(params![name, subject, 2 * lane.takes().events as i64])? as u64;
        }
        Ok(Taken { events, fewer_ready })
    }

    /// The next waiting events, ready or not, for a delivery that will not be sent: rows, subjects and payloads. Subject by
    /// subject, because that is how the index has them: those of an endpoint are not sorted anew for each delivery.
    pub fn next_waiting(&self, lane: &EndpointId) -> Result<Vec<(i64, (String, String))>> {
        self.oldest(lane, "1", "subject, id")
    }

    /// Does any event wait that no delivery has?
    pub fn has_events(&self, lane: &EndpointId) -> Result<bool> {
        let mut any = self.conn().prepare_cached("SELECT 1 FROM outbox WHERE endpoint = ?1 AND delivery IS NULL LIMIT 1")?;
        Ok(any.exists(params![lane.to_string()])?)
    }

    /// How many events may be sent next.
    pub fn ready(&self, lane: &EndpointId) -> Result<u64> {
        let mut count = self.conn().prepare_cached("SELECT count(*) FROM outbox WHERE endpoint = ?1 AND ready = 1 AND delivery IS NULL")?;
        Ok(count.query_row(params![lane.to_string()], |row| row.get::<_, i64>(0))? as u64)
    }

    /// Writes a delivery that will not be sent, and takes its events, these rows, out of what waits.
    pub fn bury(&self, id: &DeliveryId, lane: &EndpointId, frozen: &Frozen, rows: &[i64], why: &str, now: Millis) -> Result<()> {
        self.freeze(id, lane, frozen, now)?;
        run(self.conn(), "UPDATE delivery SET state = 2, reason = ?2, ended = ?3 WHERE id = ?1", params![&*id.0, why, now.0])?;
        for row in rows {
            run(self.conn(), "DELETE FROM outbox WHERE id = ?1", params![row])?;
        }
        Ok(())
    }

    /// Events of these subjects were taken out, perhaps those that were ready: the next of each are, unless a delivery holds it.
    pub fn go_on<'a>(&self, lane: &EndpointId, subjects: impl Iterator<Item = &'a String>) -> Result<()> {
        let conn = self.conn();
        for subject in subjects {
            let mut holds = conn.prepare_cached("SELECT delivery FROM outbox WHERE endpoint = ?1 AND subject = ?2 ORDER BY id LIMIT 1")?;
            let first: Option<Option<String>> = holds.query_row(params![lane.to_string(), subject], |row| row.get(0)).optional()?;
            if first == Some(None) {
                free(conn, lane, subject)?;
            }
        }
        Ok(())
    }

    /// Gives the oldest ready events to the delivery; returns their subjects and payloads, in order.
    fn claim(&self, id: &DeliveryId, lane: &EndpointId) -> Result<Vec<(String, String)>> {
        let found = self.oldest(lane, "ready = 1", "id")?;
        for (row_id, _) in &found {
            run(self.conn(), "UPDATE outbox SET delivery = ?2 WHERE id = ?1", params![row_id, &*id.0])?;
        }
        Ok(found.into_iter().map(|(_, event)| event).collect())
    }

    /// The oldest waiting events of a kind, as many as one delivery takes: rows, subjects and payloads, in order.
    /// Where only one subject's may be taken, it is the first by `order`.
    fn oldest(&self, lane: &EndpointId, kind: &str, order: &str) -> Result<Vec<(i64, (String, String))>> {
        let (conn, name) = (self.conn(), lane.to_string());
        let waiting = format!("FROM outbox WHERE endpoint = ?1 AND {kind} AND delivery IS NULL");
        let takes = lane.takes();
        let only: Option<String> = match takes.one_subject {
            true => {
                conn.prepare_cached(&format!("SELECT subject {waiting} ORDER BY {order} LIMIT 1"))?.query_row(params![name], |row| row.get(0)).optional()?
            }
            false => None,
        };
        let of = if only.is_some() { "subject = ?3" } else { "?3 IS NULL" };
        let mut rows = conn.prepare_cached(&format!("SELECT id, subject, payload {waiting} AND {of} ORDER BY {order} LIMIT ?2"))?;
        let found = rows.query_map(params![name, takes.events as i64, only], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
        // All are read before the first is changed: the change takes a row out of what is being read.
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// Writes a frozen delivery. Committed before its first byte is sent.
    pub fn freeze(&self, id: &DeliveryId, lane: &EndpointId, frozen: &Frozen, now: Millis) -> Result<()> {
        run(
            self.conn(),
            "INSERT INTO delivery (id, endpoint, query, body, created, tries, state, reason, ended) VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, NULL, NULL)",
            params![&*id.0, lane.to_string(), frozen.query, frozen.body, now.0],
        )
    }

    /// Records a try of the ladder; returns how many there are now.
    pub fn add_attempt(&self, id: &DeliveryId, endpoint: &EndpointId, attempt: &Attempt) -> Result<u32> {
        let conn = self.conn();
        attempt::put(conn, id, endpoint, attempt)?;
        run(conn, "UPDATE delivery SET tries = tries + 1 WHERE id = ?1", params![&*id.0])?;
        let mut tries = conn.prepare_cached("SELECT tries FROM delivery WHERE id = ?1")?;
        Ok(tries.query_row(params![&*id.0], |row| row.get(0)).optional()?.unwrap_or(0))
    }

    /// Ends a delivery and frees its subjects; returns how many events became ready by that.
    /// `dead`: the reason it was given up.
    pub fn finish(&self, id: &DeliveryId, lane: &EndpointId, dead: Option<&str>, now: Millis) -> Result<u64> {
        let conn = self.conn();
        let state = if dead.is_some() { 2 } else { 1 };
        run(conn, "UPDATE delivery SET state = ?2, reason = ?3, ended = ?4 WHERE id = ?1", params![&*id.0, state, dead, now.0])?;
        let mut subjects = conn.prepare_cached("SELECT DISTINCT subject FROM outbox WHERE delivery = ?1")?;
        let subjects: Vec<String> = subjects.query_map(params![&*id.0], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        run(conn, "DELETE FROM outbox WHERE delivery = ?1", params![&*id.0])?;
        let mut freed = 0;
        for subject in subjects {
            freed += free(conn, lane, &subject)?;
        }
        Ok(freed)
    }

    /// What a frozen delivery says, and the tries made of it.
    pub fn thaw(&self, id: &DeliveryId) -> Result<Option<(Frozen, u32)>> {
        let mut find = self.conn().prepare_cached("SELECT query, body, tries FROM delivery WHERE id = ?1 AND state = 0")?;
        Ok(find.query_row(params![&*id.0], |row| Ok((Frozen { query: row.get(0)?, body: row.get(1)? }, row.get(2)?))).optional()?)
    }

    /// All frozen deliveries, oldest first; of one endpoint, if it is named.
    pub fn frozen(&self, of: Option<&EndpointId>) -> Result<Vec<Unfinished>> {
        let mut rows = self.conn().prepare_cached("SELECT id, endpoint, tries FROM delivery WHERE state = 0 ORDER BY n")?;
        let mut rows = rows.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let frozen = Unfinished { id: DeliveryId(row.get::<_, String>(0)?.into()), endpoint: endpoint(&row.get::<_, String>(1)?)?, tries: row.get(2)? };
            if of.is_none_or(|of| *of == frozen.endpoint) {
                found.push(frozen);
            }
        }
        Ok(found)
    }

    /// Forgets deliveries that ended before `before` and those behind the newest `most`, and waiting events
    /// behind `most_waiting` newer ones (never by their time: it may have been stamped before the clock was
    /// set); a few hundred at a time.
    pub fn purge_callbacks(&self, before: Millis, most: u32, most_waiting: u32) -> Result<Purged> {
        let conn = self.conn();
        let mut purged = Purged::default();
        for (state, count) in [(1, &mut purged.delivered), (2, &mut purged.dead)] {
            let mut old = conn.prepare_cached("SELECT id FROM delivery WHERE state = ?1 AND ended < ?2 ORDER BY ended LIMIT ?3")?;
            *count += forget(conn, old.query_map(params![state, before.0, AT_ONCE as i64], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)?;
            let mut over = conn.prepare_cached("SELECT id FROM delivery WHERE n <= (SELECT max(n) FROM delivery) - ?2 AND state = ?1 ORDER BY n LIMIT ?3")?;
            *count += forget(conn, over.query_map(params![state, most, AT_ONCE as i64], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)?;
        }
        let mut oldest = conn.prepare_cached(
            "SELECT id, endpoint, subject FROM outbox WHERE delivery IS NULL AND id <= (SELECT max(id) FROM outbox) - ?2 ORDER BY id LIMIT ?1",
        )?;
        let mut rows = oldest.query(params![AT_ONCE as i64, most_waiting])?;
        let (mut names, mut subjects) = (BTreeSet::new(), BTreeSet::new());
        let mut gone: Vec<i64> = Vec::new();
        while let Some(row) = rows.next()? {
            gone.push(row.get(0)?);
            let name: String = row.get(1)?;
            subjects.insert((name.clone(), row.get::<_, String>(2)?));
            names.insert(name);
        }
        drop(rows);
        for id in &gone {
            run(conn, "DELETE FROM outbox WHERE id = ?1", params![id])?;
        }
        purged.waiting = gone.len();
        for (name, subject) in &subjects {
            self.go_on(&endpoint(name)?, std::iter::once(subject))?;
        }
        for name in names {
            let lane = endpoint(&name)?;
            let ready = self.ready(&lane)?;
            purged.ready.push((lane, ready));
        }
        purged.more = [purged.delivered, purged.dead, purged.waiting].iter().any(|n| *n >= AT_ONCE);
        Ok(purged)
    }
}

/// Rows of one kind that a purge takes at once, so that it never stalls the writer.
const AT_ONCE: usize = 500;

/// What a purge took.
#[derive(Debug, Default)]
pub struct Purged {
    pub delivered: usize,
    pub dead: usize,
    pub waiting: usize,
    /// How many events are ready now, at each endpoint that lost some.
    pub ready: Vec<(EndpointId, u64)>,
    /// There may be more to take.
    pub more: bool,
}

impl Purged {
    pub fn sum(&self) -> usize {
        self.delivered + self.dead + self.waiting
    }
}

/// The oldest events of a subject that no delivery holds may be sent next: as many as one delivery takes. Returns how many
/// of them could not before.
fn free(conn: &Connection, lane: &EndpointId, subject: &str) -> Result<u64> {
    let mut free = conn.prepare_cached(
        "UPDATE outbox SET ready = 1 WHERE id IN (SELECT id FROM outbox WHERE endpoint = ?1 AND subject = ?2 ORDER BY id LIMIT ?3)
         AND delivery IS NULL AND ready = 0",
    )?;
    Ok(free.execute(params![lane.to_string(), subject, lane.takes().events as i64])? as u64)
}

fn forget(conn: &Connection, deliveries: Vec<String>) -> Result<usize> {
    for id in &deliveries {
        run(conn, "DELETE FROM attempt WHERE delivery = ?1", params![id])?;
        run(conn, "DELETE FROM delivery WHERE id = ?1", params![id])?;
    }
    Ok(deliveries.len())
}
