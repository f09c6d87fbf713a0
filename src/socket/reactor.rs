//! A hub's thread: one epoll, the connections of a core. A tick is: read what is ready, hand the
//! commands to the engine in one piece, apply what the engine pushed, write each dirty socket once.
//! Joins, messages and answers come through one ordered inbox, so that nothing of a group can stand
//! before its subscribe reply. Nothing here blocks but the wait in epoll.

use super::{
    connection::{Connection, Phase},
    frame,
    hub::{HubConfig, Inbox, ToHub},
    topics::Topics,
    wire::{self, Close},
};
use crate::{
    clock::Alarm,
    domain::{
        ConnRef, Tick,
        session::{SUSPENDED, SocketEnd},
    },
    door::Upgraded,
    engine::{Handle, SocketCommand, SocketOp},
};
use rustix::{event::epoll, fd::OwnedFd};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    io,
    sync::{Arc, atomic::Ordering},
};

/// A connection must send its connect within this, in ms (`session.md` §7).
const CONNECT_WITHIN: u64 = 10_000;
/// Between two pings, in ms (`session.md` §2).
pub(super) const PING_EVERY: u64 = 25_000;
/// A stopping hub waits this long for the clients' closes, in ms.
const STOP_WITHIN: u64 = 2_000;
/// A close frame waits this long for the client's, in ms.
const CLOSE_WITHIN: u64 = 5_000;
/// Bytes of group lines after which a tick writes before it goes on.
const LINES_AT_ONCE: usize = 256 * 1024;
/// Name of the inbox's event among the connections' slots.
const INBOX: u64 = u64::MAX;

#[derive(Default)]
pub(super) struct Slot {
    generation: u32,
    pub(super) connection: Option<Box<Connection>>,
}

pub(super) struct Reactor {
    pub(super) number: u8,
    pub(super) epoll: OwnedFd,
    pub(super) inbox: Arc<Inbox>,
    pub(super) engine: Handle,
    pub(super) config: HubConfig,
    pub(super) slots: Vec<Slot>,
    pub(super) free: Vec<u32>,
    pub(super) topics: Topics,
    /// Commands of this tick, and those that the engine had no room for.
    pub(super) commands: VecDeque<SocketCommand>,
    /// Bytes of message bodies among them.
    pub(super) command_bytes: usize,
    pub(super) to_read: VecDeque<u32>,
    pub(super) to_write: Vec<u32>,
    /// When to look at a connection: its next ping or its end. An entry that a connection does not
    /// name any more is passed over.
    pub(super) deadlines: BinaryHeap<Reverse<(Tick, u32, u32)>>,
    pub(super) alarm: Option<(Tick, Alarm)>,
    /// How long the machine had slept since its boot when that was last looked at, in ms.
    pub(super) slept: u64,
    pub(super) stopping: Option<Tick>,
}

/// What a reactor is made of, on its way to its thread.
pub(super) struct Parts {
    number: u8,
    epoll: OwnedFd,
    inbox: Arc<Inbox>,
    engine: Handle,
    config: HubConfig,
}

impl Parts {
    pub fn new(number: u8, inbox: Arc<Inbox>, engine: Handle, config: HubConfig) -> io::Result<Parts> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &inbox.event, epoll::EventData::new_u64(INBOX), epoll::EventFlags::IN | epoll::EventFlags::ET)?;
        Ok(Parts { number, epoll, inbox, engine, config })
    }
}

impl Reactor {
    pub fn new(parts: Parts) -> Reactor {
        let Parts { number, epoll, inbox, engine, config } = parts;
        let slept = config.clock.slept();
        Reactor {
            number,
            epoll,
            inbox,
            engine,
            config,
            slots: Vec::new(),
            free: Vec::new(),
            topics: Topics::default(),
            commands: VecDeque::new(),
            command_bytes: 0,
            to_read: VecDeque::new(),
            to_write: Vec::new(),
            deadlines: BinaryHeap::new(),
            alarm: None,
            slept,
            stopping: None,
        }
    }

    pub fn run(mut self) {
        let mut events = Vec::with_capacity(256);
        loop {
            self.set_alarm();
            self.wait(&mut events);
            let alarmed = self.inbox.alarmed.lock().expect("no panic while held").take();
            for event in events.drain(..) {
                self.socket_event(event.data.u64(), event.flags);
            }
            self.serve_deadlines();
            // While the engine has no room, no socket is read: that is the clients' backpressure.
            if self.commands.is_empty() {
                self.read_all();
            }
            self.submit();
            let inbox = std::mem::take(&mut *self.inbox.waiting.lock().expect("no panic while held"));
            let mut works = Vec::new();
            for (what, work) in inbox {
                works.push(work);
                match what {
                    ToHub::Pushes(pushes) => {
                        for push in pushes {
                            self.push(push);
                            // Much at once is written in between, so that fast readers can keep up.
                            if self.topics.lined() > LINES_AT_ONCE {
                                self.fan_out();
                                self.flush_all();
                            }
                        }
                    }
                    ToHub::Adopt(upgraded) => self.adopt(*upgraded),
                    ToHub::Stop => self.begin_stop(),
                }
            }
            self.fan_out();
            self.flush_all();
            drop((works, alarmed));
            if self.stopping.is_some_and(|until| self.config.clock.tick() >= until || self.slots.iter().all(|s| s.connection.is_none())) {
                return;
            }
        }
    }

    fn wait(&mut self, events: &mut Vec<epoll::Event>) {
        let busy = (!self.to_read.is_empty() && self.commands.is_empty()) || !self.to_write.is_empty();
        let zero = rustix::time::Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut patience = None;
        if busy {
            patience = Some(&zero);
        } else {
            self.inbox.asleep.store(true, Ordering::SeqCst);
            if !self.inbox.waiting.lock().expect("no panic while held").is_empty() || self.inbox.alarmed.lock().expect("no panic while held").is_some() {
                patience = Some(&zero);
            }
        }
        events.clear();
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(events), patience) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => tracing::error!(%error, "epoll"),
        }
        self.inbox.asleep.store(false, Ordering::SeqCst);
    }

    fn socket_event(&mut self, slot: u64, flags: epoll::EventFlags) {
        let slot = slot as u32;
        let Some(connection) = self.slots.get_mut(slot as usize).and_then(|s| s.connection.as_mut()) else {
            return;
        };
        if flags.contains(epoll::EventFlags::OUT) {
            connection.writable();
            self.mark_dirty(slot);
        }
        if flags.intersects(epoll::EventFlags::IN | epoll::EventFlags::RDHUP | epoll::EventFlags::HUP | epoll::EventFlags::ERR) {
            let connection = self.slots[slot as usize].connection.as_mut().expect("found above");
            connection.readable(flags.intersects(epoll::EventFlags::RDHUP | epoll::EventFlags::HUP | epoll::EventFlags::ERR));
            self.queue_read(slot);
        }
    }

    pub(super) fn ask(&mut self, command: SocketCommand) {
        self.command_bytes += command.op.bytes();
        self.commands.push_back(command);
    }

    /// Hands the commands to the engine. False: it had no room for all; it will wake this hub.
    pub(super) fn submit(&mut self) -> bool {
        self.command_bytes = 0;
        self.commands.is_empty() || self.engine.submit(self.number, &mut self.commands)
    }

    pub(super) fn queue_read(&mut self, slot: u32) {
        if let Some(connection) = self.connection(slot)
            && !connection.queued
        {
            connection.queued = true;
            self.to_read.push_back(slot);
        }
    }

    pub(super) fn mark_dirty(&mut self, slot: u32) {
        if let Some(connection) = self.connection(slot)
            && !connection.dirty
        {
            connection.dirty = true;
            self.to_write.push(slot);
        }
    }

    pub(super) fn connection(&mut self, slot: u32) -> Option<&mut Connection> {
        self.slots.get_mut(slot as usize)?.connection.as_deref_mut()
    }

    /// The connection that is meant, unless its place was given to another one.
    pub(super) fn slot_of(&self, conn: ConnRef) -> Option<u32> {
        let slot = self.slots.get(conn.slot as usize)?;
        (slot.generation == conn.generation && slot.connection.is_some()).then_some(conn.slot)
    }

    pub(super) fn conn_ref(&self, slot: u32) -> ConnRef {
        ConnRef { hub: self.number, slot, generation: self.slots[slot as usize].generation }
    }

    fn adopt(&mut self, upgraded: Upgraded) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() as u32 - 1
        });
        let now = self.config.clock.tick();
        let until = now.after(CONNECT_WITHIN);
        let connection = Connection::new(upgraded, Phase::Fresh { until }, now);
        let flags = epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::RDHUP | epoll::EventFlags::ET;
        if let Err(error) = epoll::add(&self.epoll, connection.stream(), epoll::EventData::new_u64(slot as u64), flags) {
            tracing::warn!(%error, "a connection could not be watched and is dropped");
            self.free.push(slot);
            return;
        }
        self.slots[slot as usize].connection = Some(Box::new(connection));
        self.look_at(slot, until);
        self.mark_dirty(slot);
        self.queue_read(slot);
        if self.stopping.is_some() {
            self.close(slot, wire::SHUTDOWN, None);
        }
    }

    /// Sends a close frame. `how`: what the engine is told; `None` when it knows already.
    pub(super) fn close(&mut self, slot: u32, close: Close, how: Option<SocketEnd>) {
        let until = self.config.clock.tick().after(CLOSE_WITHIN);
        let Some(connection) = self.connection(slot) else { return };
        if matches!(connection.phase, Phase::Closing { .. }) {
            return;
        }
        connection.put_close(close, close == wire::SLOW);
        if let Phase::Live { sid, app, .. } = &connection.phase {
            tracing::debug!(%app, %sid, code = close.code, reason = close.reason, "a session's connection is closed");
        }
        if let Some(how) = how {
            self.ended(slot, how);
        }
        let Some(connection) = self.connection(slot) else { return };
        connection.held.clear();
        connection.phase = Phase::Closing { until };
        let places = std::mem::take(&mut connection.places);
        if std::mem::take(&mut connection.pinged) {
            self.config.clock.ping(-1);
        }
        places.into_iter().for_each(|place| self.leave_place(place));
        self.look_at(slot, until);
        self.mark_dirty(slot);
    }

    /// Tells the engine that a live session's socket is gone.
    pub(super) fn ended(&mut self, slot: u32, how: SocketEnd) {
        let conn = self.conn_ref(slot);
        if let Some(Phase::Live { sid, .. }) = self.connection(slot).map(|c| &c.phase) {
            let sid = sid.clone();
            self.ask(SocketCommand { conn, id: 0, op: SocketOp::Ended { sid, how } });
        }
    }

    pub(super) fn remove(&mut self, slot: u32) {
        let Some(connection) = self.slots[slot as usize].connection.take() else {
            return;
        };
        if connection.pinged {
            self.config.clock.ping(-1);
        }
        let _ = epoll::delete(&self.epoll, connection.stream());
        for place in connection.places {
            self.leave_place(place);
        }
        self.slots[slot as usize].generation = self.slots[slot as usize].generation.wrapping_add(1);
        self.free.push(slot);
    }

    fn begin_stop(&mut self) {
        // A standing clock would not come to the end of any patience.
        let patience = if self.config.clock.is_virtual() { 0 } else { STOP_WITHIN };
        self.stopping = Some(self.config.clock.tick().after(patience));
        for slot in 0..self.slots.len() as u32 {
            self.close(slot, wire::SHUTDOWN, None);
        }
    }

    fn set_alarm(&mut self) {
        let next = self.deadlines.peek().map(|Reverse((at, ..))| *at).into_iter().chain(self.stopping).min();
        if self.alarm.as_ref().map(|(at, _)| *at) != next {
            self.alarm = next.map(|at| (at, self.config.clock.wake_at(at, self.inbox.clone().into())));
        }
    }

    fn serve_deadlines(&mut self) {
        let now = self.config.clock.tick();
        let slept = self.config.clock.slept();
        if slept.saturating_sub(self.slept) > SUSPENDED {
            self.slept = slept;
            for slot in &mut self.slots {
                if let Some(connection) = &mut slot.connection {
                    connection.heard = now;
                }
            }
        }
        if self.alarm.as_ref().is_none_or(|(at, _)| *at > now) {
            return;
        }
        self.alarm = None;
        while let Some(Reverse((at, slot, generation))) = self.deadlines.peek().copied() {
            if at > now {
                break;
            }
            self.deadlines.pop();
            let same = self.slots[slot as usize].generation == generation;
            if let Some(connection) = self.connection(slot).filter(|c| same && c.looks_at == Some(at)) {
                connection.looks_at = None;
                self.deadline(slot, now);
            }
        }
    }

    /// Looks at the connection at `at`, if it would not do so earlier.
    pub(super) fn look_at(&mut self, slot: u32, at: Tick) {
        let generation = self.slots[slot as usize].generation;
        let Some(connection) = self.connection(slot) else { return };
        if connection.looks_at.is_none_or(|set| at < set) {
            connection.looks_at = Some(at);
            self.deadlines.push(Reverse((at, slot, generation)));
        }
    }

    fn deadline(&mut self, slot: u32, now: Tick) {
        let silence = self.config.silence;
        let Some(connection) = self.connection(slot) else { return };
        let next = match connection.phase {
            Phase::Fresh { until } if until <= now => return self.close(slot, wire::STALE, None),
            Phase::Fresh { until } => until,
            // Its deadline is set with the answer.
            Phase::Connecting { .. } => return,
            Phase::Closing { until } if until <= now => return self.remove(slot),
            Phase::Closing { until } => until,
            Phase::Live { .. } => {
                let silent = connection.heard.after(silence);
                if silent <= now {
                    return self.close(slot, wire::NO_PONG, Some(SocketEnd::Silent));
                }
                let pings = connection.ping_at <= now;
                if pings {
                    connection.ping_at = now.after(PING_EVERY);
                    connection.seal();
                    connection.put(frame::text(b"{}"));
                }
                let (next, first) = (connection.ping_at.min(silent), pings && !connection.pinged);
                connection.pinged |= pings;
                if first {
                    self.config.clock.ping(1);
                }
                if pings {
                    self.mark_dirty(slot);
                }
                next
            }
        };
        self.look_at(slot, next);
    }
}
