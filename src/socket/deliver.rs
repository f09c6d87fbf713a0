//! The writing half of a hub's tick: what the engine pushed becomes lines, lines become shared frames,
//! and each dirty socket is written once.

use super::{
    connection::{Phase, Place},
    frame,
    reactor::{PING_EVERY, Reactor},
    topics::Attached,
    wire::{self, json},
};
use crate::{
    domain::{
        ConnRef, Refusal, Topic,
        push::{Push, Reply},
        session::SocketEnd,
    },
    engine::{SocketCommand, SocketOp},
};
impl Reactor {
    pub(super) fn push(&mut self, push: Push) {
        match push {
            Push::Reply { conn, id, reply } => self.reply(conn, id, reply),
            Push::Refuse { conn, id, why } => {
                let Some(slot) = self.slot_of(conn) else { return };
                self.answered(slot, id);
                let connecting = matches!(self.connection(slot).map(|c| &c.phase), Some(Phase::Connecting { id: waiting }) if *waiting == id);
                match (connecting, why) {
                    (true, Refusal::AppDisabled(_)) => self.close(slot, wire::DISABLED, None),
                    (true, why) => self.refuse_connect(slot, id, &wire::error(&why)),
                    (false, why) => self.refuse(slot, id, &wire::error(&why)),
                }
            }
            Push::Attach { conn, topic, name, join_leave } => {
                let Some(slot) = self.slot_of(conn).filter(|slot| self.takes(*slot)) else { return };
                self.fan_out_one(topic);
                let at = self.topics.attach(topic, || wire::channel(&name), Attached { slot, join_leave });
                if let Some(connection) = self.connection(slot) {
                    connection.places.push(Place { topic, at });
                }
            }
            Push::Detach { conn, topic } => {
                if let Some(slot) = self.slot_of(conn) {
                    self.detach(slot, topic);
                }
            }
            Push::Unsubscribe { conn, topic, name, why } => {
                let Some(slot) = self.slot_of(conn).filter(|slot| self.takes(*slot)) else { return };
                self.detach(slot, topic);
                let (code, reason) = wire::unsubscribed(why, topic);
                self.line_for(conn, |out| json::unsubscribe(&wire::channel(&name), code, reason, out));
            }
            Push::Message { gid, message } => {
                // Likes and the like: a slow connection goes without them first (`session.md` §7).
                let droppable = message.weight <= 1 && (message.seq.is_none() || !message.cached);
                self.topics.line(Topic::Group(gid), droppable, |name, out| json::message(name, &message, out));
            }
            Push::Count { gid, online, total, at } => self.topics.line(Topic::Group(gid), true, |name, out| json::count(name, online, total, at, out)),
            Push::Presence { topic, joined, who } => {
                // What was said before is read before.
                self.fan_out_one(topic);
                let Some(local) = self.topics.get(topic) else { return };
                let asked: Vec<u32> = local.attached.iter().filter(|a| a.join_leave).map(|a| a.slot).collect();
                if asked.is_empty() {
                    return;
                }
                let mut line = Vec::new();
                json::presence(&local.name, joined, &who, &mut line);
                let line = frame::text(&line);
                for slot in asked {
                    if let Some(connection) = self.connection(slot) {
                        connection.seal();
                        connection.put(line.clone());
                        self.mark_dirty(slot);
                    }
                }
            }
            Push::Participant { cid, doing, who, at } => {
                self.topics.line(Topic::Channel(cid), false, |name, out| json::participant(name, doing, &who, at, out));
            }
            Push::Info { gid, group, at } => self.topics.line(Topic::Group(gid), false, |name, out| json::info(name, &group, at, out)),
            Push::Room { gid, group, at } => self.topics.line(Topic::Group(gid), false, |name, out| json::room(name, &group, at, out)),
            Push::Mutes { gid, mutes, lists, at } => self.topics.line(Topic::Group(gid), false, |name, out| json::mutes(name, &mutes, lists, at, out)),
            Push::MessageDeleted { gid, seq, tid, by, at } => {
                self.topics.line(Topic::Group(gid), false, |name, out| json::deleted(name, seq, &tid, &by, at, out));
            }
            Push::Notice { gid, content, at } => self.topics.line(Topic::Group(gid), false, |name, out| json::notice(name, &content, at, out)),
            Push::Aimed { conn, push } => self.aimed(conn, *push),
            Push::Direct { conn, message } => self.line_for(conn, |out| json::direct(&message, out)),
            Push::DirectDeleted { conn, tid, by, at } => self.line_for(conn, |out| json::direct_deleted(&tid, &by, at, out)),
            Push::Close { conn, why } => {
                if let Some(slot) = self.slot_of(conn) {
                    self.close(slot, wire::close(why), None);
                }
            }
        }
    }

    /// What goes to one of those who are attached to the group.
    fn aimed(&mut self, conn: ConnRef, push: Push) {
        let crate::domain::push::Target::Topic(topic) = push.target() else { return };
        // What was said before is read before.
        self.fan_out_one(topic);
        let Some(name) = self.topics.get(topic).map(|local| local.name.clone()) else { return };
        self.line_for(conn, |out| match push {
            Push::Message { message, .. } => json::message(&name, &message, out),
            Push::Notice { content, at, .. } => json::notice(&name, &content, at, out),
            _ => {}
        });
    }

    /// A line for this connection alone.
    fn line_for(&mut self, conn: ConnRef, write: impl FnOnce(&mut Vec<u8>)) {
        let Some(slot) = self.slot_of(conn).filter(|slot| self.takes(*slot)) else { return };
        if let Some(connection) = self.connection(slot) {
            write(&mut connection.lines);
            self.mark_dirty(slot);
        }
    }

    fn reply(&mut self, conn: ConnRef, id: u32, reply: Reply) {
        let now = self.config.clock.tick();
        let Some(slot) = self.slot_of(conn).filter(|slot| self.takes(*slot)) else {
            // The socket went while its connect was being committed: its session must not stay attached.
            if let Reply::Connected(connected) = reply {
                let how = SocketEnd::Lost { heard: now };
                self.ask(SocketCommand { conn, id: 0, op: SocketOp::Ended { sid: connected.sid, how } });
            }
            return;
        };
        let greeting = json::Greeting { ping: PING_EVERY / 1000 };
        let Some(connection) = self.connection(slot) else { return };
        let (at, room) = (connection.lines.len(), connection.room_for(id));
        json::reply(id, &reply, &greeting, &mut connection.lines);
        let bytes = connection.lines.len() - at;
        if matches!(reply, Reply::Rpc(_)) && bytes > room {
            // Better no answer than a close for being slow, which the same question would bring about again.
            connection.lines.truncate(at);
            json::refuse(id, &wire::too_large(bytes, room), &mut connection.lines);
        }
        if let Reply::Connected(connected) = reply {
            connection.phase = Phase::Live { sid: connected.sid, app: connected.app, user: connected.user };
            connection.ping_at = now.after(PING_EVERY);
            self.look_at(slot, now.after(PING_EVERY));
        }
        self.mark_dirty(slot);
        self.answered(slot, id);
    }

    /// Nothing follows a close frame.
    fn takes(&self, slot: u32) -> bool {
        let connection = self.slots[slot as usize].connection.as_deref();
        connection.is_some_and(|c| !matches!(c.phase, Phase::Closing { .. }))
    }

    /// The command `id` has its answer; what waited for it goes on.
    fn answered(&mut self, slot: u32, id: u32) {
        let Some(connection) = self.connection(slot) else { return };
        if let Some(at) = connection.owed.iter().position(|(owed, _)| *owed == id) {
            connection.owed.swap_remove(at);
        }
        if !connection.held.is_empty() {
            self.release(slot);
        } else {
            self.queue_read(slot);
        }
    }

    fn detach(&mut self, slot: u32, topic: Topic) {
        // What was said before is still theirs.
        self.fan_out_one(topic);
        let Some(connection) = self.connection(slot) else { return };
        let Some(index) = connection.places.iter().position(|p| p.topic == topic) else {
            return;
        };
        let place = connection.places.swap_remove(index);
        self.leave_place(place);
    }

    pub(super) fn leave_place(&mut self, place: Place) {
        if let Some(moved) = self.topics.detach(place.topic, place.at)
            && let Some(connection) = self.connection(moved.slot)
            && let Some(theirs) = connection.places.iter_mut().find(|p| p.topic == place.topic)
        {
            theirs.at = place.at;
        }
    }

    pub(super) fn fan_out(&mut self) {
        for topic in self.topics.take_dirty() {
            self.fan_out_one(topic);
        }
    }

    /// The topic's lines of this tick go to all who are attached now.
    fn fan_out_one(&mut self, topic: Topic) {
        let Some(batch) = self.topics.batch(topic) else { return };
        let Some(local) = self.topics.get(topic) else { return };
        for attached in &local.attached {
            let Some(connection) = self.slots[attached.slot as usize].connection.as_deref_mut() else {
                continue;
            };
            // Answers that stand before this go before it.
            connection.seal();
            match (&batch.kept, connection.half_over()) {
                (Some(kept), true) => connection.put(kept.clone()),
                (None, true) => continue,
                (_, false) => connection.put(batch.all.clone()),
            }
            if !connection.dirty {
                connection.dirty = true;
                self.to_write.push(attached.slot);
            }
        }
    }

    pub(super) fn flush_all(&mut self) {
        let now = self.config.clock.tick();
        for slot in std::mem::take(&mut self.to_write) {
            let Some(connection) = self.connection(slot) else { continue };
            connection.dirty = false;
            let (heard, was_over) = (connection.heard, connection.over());
            match connection.flush() {
                Err(_) => {
                    self.ended(slot, SocketEnd::Lost { heard });
                    self.remove(slot);
                    continue;
                }
                // Nothing is read of who pauses, so that it takes what is written says that it lives.
                Ok(took) if took && connection.pauses() => connection.heard = now,
                Ok(_) => {}
            }
            if matches!(connection.phase, Phase::Closing { .. }) {
                if connection.is_flushed() {
                    // The client's own close, or its end, is awaited, so that it reads ours.
                    let _ = connection.stream().shutdown(std::net::Shutdown::Write);
                }
            } else if connection.over() {
                // Only what the client did not take counts.
                self.close(slot, wire::SLOW, Some(SocketEnd::Lost { heard }));
            } else if !connection.held.is_empty() {
                self.release(slot);
            } else if was_over {
                // It was not read meanwhile.
                self.queue_read(slot);
            }
        }
        // Ends that were found while writing, and commands that were let go on.
        self.submit();
    }
}
