//! The connections that get the pushes of a group or a channel. In memory only: subscription belongs
//! to the connection, membership to the session (`session.md` §2). Here is also how a connection stops
//! getting them.

use super::{
    ConnRef, Named, Topic, UserId,
    push::{Push, Unsubscribed},
    state::{Change, put},
    tx::Tx,
};
use std::collections::HashMap;

/// At most one connection a user.
#[derive(Clone, Debug, Default)]
pub struct Audience {
    conns: HashMap<UserId, ConnRef>,
    /// How many of them each hub has.
    hub_counts: Vec<u32>,
}

impl Audience {
    pub fn get(&self, user: &UserId) -> Option<ConnRef> {
        self.conns.get(user).copied()
    }

    /// Sets or clears the user's connection; returns the one before.
    pub fn set(&mut self, user: &UserId, conn: Option<ConnRef>) -> Option<ConnRef> {
        let old = put(&mut self.conns, user, conn);
        if let Some(conn) = conn {
            let hub = conn.hub as usize;
            if self.hub_counts.len() <= hub {
                self.hub_counts.resize(hub + 1, 0);
            }
            self.hub_counts[hub] += 1;
        }
        if let Some(old) = old {
            self.hub_counts[old.hub as usize] -= 1;
        }
        old
    }

    /// The hubs that have connections of it, as bits.
    pub fn on_hubs(&self) -> u64 {
        self.hub_counts.iter().enumerate().filter(|(_, n)| **n > 0).fold(0, |bits, (hub, _)| bits | 1 << hub)
    }
}

/// The user's connection gets no more pushes of the topic; the user stays in it. Returns the connection, if it got any.
pub fn detach(tx: &mut Tx, topic: Topic, user: &UserId) -> Option<ConnRef> {
    let conn = tx.state.audience(topic)?.get(user)?;
    tx.change(Change::Attached(topic, user.clone(), None));
    tx.push(Push::Detach { conn, topic });
    Some(conn)
}

/// The same, and the client is told why.
pub fn put_out(tx: &mut Tx, topic: Topic, name: Named, user: &UserId, why: Unsubscribed) {
    if let Some(conn) = detach(tx, topic, user) {
        tx.push(Push::Unsubscribe { conn, topic, name, why });
    }
}
