//! A hub: one thread, one epoll, the connections of a core. A tick is: read what is ready, hand the
//! commands to the engine in one piece, apply what the engine pushed, write each dirty socket once.
//! Joins, messages and answers come through one ordered inbox, so that nothing of a group can stand
//! before its subscribe reply. Nothing here blocks but the wait in epoll.

use super::{
    connection::{Connection, Input, Phase, Place},
    frame,
    groups::{Attached, Groups},
    login::{self, Refused},
    wire::{self, Close, Command, Method, json},
};
use crate::{
    clock::{Alarm, Clock, Work},
    domain::{
        ConnRef, Gid, GroupId, SessionId, Tick,
        push::{Push, Reply},
        session::SocketEnd,
    },
    door::Upgraded,
    engine::{Handle, Position, SocketCommand, SocketOp},
};
use rustix::{
    event::{EventfdFlags, epoll, eventfd},
    fd::OwnedFd,
};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::Wake,
    thread::JoinHandle,
};

/// A connection must send its connect within this, in ms (`session.md` §7).
const CONNECT_WITHIN: u64 = 10_000;
/// Between two pings, in ms (`session.md` §2).
const PING_EVERY: u64 = 25_000;
/// A close frame waits this long for the client's, in ms.
const CLOSE_WITHIN: u64 = 5_000;
/// A jump of the clock over this is a suspend: nobody was silent meanwhile (`session.md` §2).
const SUSPENDED: u64 = 30_000;
/// Frames read from one connection in a tick, so that a busy one does not starve the others.
const FRAMES_A_TICK: usize = 16;
/// Commands refused in a row for their rate before the connection is closed.
const REFUSED_AT_MOST: u32 = 1_000;
/// Name of the inbox's event among the connections' slots.
const INBOX: u64 = u64::MAX;

/// What a hub needs to know.
#[derive(Clone)]
pub struct HubConfig {
    pub clock: Clock,
    /// Silence after which a session ends, in ms.
    pub silence: u64,
    /// Commands a second and session, with a burst of twice as many; 0 is off.
    pub commands_per_second: u32,
}

enum ToHub {
    Pushes(Vec<Push>),
    Adopt(Box<Upgraded>),
    Stop,
}

/// The way into a hub. Never blocks; the engine's pushes are bounded by what its batches can make,
/// because a hub takes all of them out in each tick.
struct Inbox {
    waiting: Mutex<Vec<(ToHub, Work)>>,
    /// The hub is about to sleep: whoever puts something in must wake it.
    asleep: AtomicBool,
    event: OwnedFd,
    alarmed: Mutex<Option<Work>>,
    clock: Clock,
}

impl Inbox {
    fn put(&self, what: ToHub) {
        let work = self.clock.work();
        self.waiting.lock().expect("no panic while held").push((what, work));
        self.rouse();
    }

    fn rouse(&self) {
        if self.asleep.swap(false, Ordering::SeqCst) {
            // Edge-triggered: each write is an event, and the count is never read.
            let _ = rustix::io::write(&self.event, &1u64.to_ne_bytes());
        }
    }
}

impl Wake for Inbox {
    fn wake(self: Arc<Self>) {
        *self.alarmed.lock().expect("no panic while held") = Some(self.clock.work());
        self.rouse();
    }
}

/// A running hub.
pub struct Hub {
    inbox: Arc<Inbox>,
    thread: JoinHandle<()>,
}

impl Hub {
    /// `number` is its place among the hubs, at most 63.
    pub fn start(number: u8, engine: Handle, config: HubConfig) -> io::Result<Hub> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &event, epoll::EventData::new_u64(INBOX), epoll::EventFlags::IN | epoll::EventFlags::ET)?;
        let clock = config.clock.clone();
        let inbox = Arc::new(Inbox {
            waiting: Mutex::default(),
            asleep: AtomicBool::new(false),
            event,
            alarmed: Mutex::default(),
            clock,
        });
        let shared = inbox.clone();
        let thread = std::thread::Builder::new().name(format!("hub-{number}")).spawn(move || {
            let reactor = Reactor {
                number,
                epoll,
                inbox: shared,
                engine,
                config,
                slots: Vec::new(),
                free: Vec::new(),
                groups: Groups::default(),
                commands: VecDeque::new(),
                to_read: VecDeque::new(),
                to_write: Vec::new(),
                deadlines: BinaryHeap::new(),
                alarm: None,
                stopping: None,
            };
            reactor.run();
        })?;
        Ok(Hub { inbox, thread })
    }

    /// The engine's way in.
    pub fn deliverer(&self) -> Box<dyn Fn(Vec<Push>) + Send> {
        let inbox = self.inbox.clone();
        Box::new(move |pushes| inbox.put(ToHub::Pushes(pushes)))
    }

    /// The door's way in.
    pub fn adopter(&self) -> impl Fn(Upgraded) + Send + use<> {
        let inbox = self.inbox.clone();
        move |upgraded| inbox.put(ToHub::Adopt(Box::new(upgraded)))
    }

    /// Closes every socket with 3001 and ends, after 2 s at the latest.
    pub fn stop(self) {
        self.inbox.put(ToHub::Stop);
        if self.thread.join().is_err() {
            tracing::error!("a hub ended by a panic");
        }
    }
}

#[derive(Default)]
struct Slot {
    generation: u32,
    connection: Option<Box<Connection>>,
}

struct Reactor {
    number: u8,
    epoll: OwnedFd,
    inbox: Arc<Inbox>,
    engine: Handle,
    config: HubConfig,
    slots: Vec<Slot>,
    free: Vec<u32>,
    groups: Groups,
    /// Commands of this tick, and those that the engine had no room for.
    commands: VecDeque<SocketCommand>,
    to_read: VecDeque<u32>,
    to_write: Vec<u32>,
    /// One entry a connection, at the time of its next ping or end.
    deadlines: BinaryHeap<Reverse<(Tick, u32, u32)>>,
    alarm: Option<(Tick, Alarm)>,
    stopping: Option<Tick>,
}

impl Reactor {
    fn run(mut self) {
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
            if !self.commands.is_empty() {
                self.engine.submit(self.number, &mut self.commands);
            }
            let inbox = std::mem::take(&mut *self.inbox.waiting.lock().expect("no panic while held"));
            let mut works = Vec::new();
            for (what, work) in inbox {
                works.push(work);
                match what {
                    ToHub::Pushes(pushes) => pushes.into_iter().for_each(|push| self.push(push)),
                    ToHub::Adopt(upgraded) => self.adopt(*upgraded),
                    ToHub::Stop => self.begin_stop(),
                }
            }
            self.fan_out();
            self.flush_all();
            drop((works, alarmed));
            if self
                .stopping
                .is_some_and(|until| self.config.clock.tick() >= until || self.slots.iter().all(|s| s.connection.is_none()))
            {
                return;
            }
        }
    }

    fn wait(&mut self, events: &mut Vec<epoll::Event>) {
        let busy = !self.to_read.is_empty() && self.commands.is_empty();
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
            connection.readable();
            self.queue_read(slot);
        }
    }

    fn queue_read(&mut self, slot: u32) {
        if let Some(connection) = self.connection(slot)
            && !connection.queued
        {
            connection.queued = true;
            self.to_read.push_back(slot);
        }
    }

    fn mark_dirty(&mut self, slot: u32) {
        if let Some(connection) = self.connection(slot)
            && !connection.dirty
        {
            connection.dirty = true;
            self.to_write.push(slot);
        }
    }

    fn connection(&mut self, slot: u32) -> Option<&mut Connection> {
        self.slots.get_mut(slot as usize)?.connection.as_deref_mut()
    }

    /// The connection that is meant, unless its place was given to another one.
    fn slot_of(&self, conn: ConnRef) -> Option<u32> {
        let slot = self.slots.get(conn.slot as usize)?;
        (slot.generation == conn.generation && slot.connection.is_some()).then_some(conn.slot)
    }

    fn conn_ref(&self, slot: u32) -> ConnRef {
        ConnRef {
            hub: self.number,
            slot,
            generation: self.slots[slot as usize].generation,
        }
    }

    fn adopt(&mut self, upgraded: Upgraded) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() as u32 - 1
        });
        let now = self.config.clock.tick();
        let until = now.after(CONNECT_WITHIN);
        let connection = Connection::new(
            upgraded.stream,
            upgraded.greeting,
            upgraded.leftover,
            upgraded.permit,
            Phase::Fresh { until },
            now,
        );
        let flags = epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::RDHUP | epoll::EventFlags::ET;
        if let Err(error) = epoll::add(&self.epoll, connection.stream(), epoll::EventData::new_u64(slot as u64), flags) {
            tracing::warn!(%error, "a connection could not be watched and is dropped");
            self.free.push(slot);
            return;
        }
        self.slots[slot as usize].connection = Some(Box::new(connection));
        self.deadlines.push(Reverse((until, slot, self.slots[slot as usize].generation)));
        self.mark_dirty(slot);
        self.queue_read(slot);
        if self.stopping.is_some() {
            self.close(slot, wire::SHUTDOWN, None);
        }
    }

    // --- reading ---

    fn read_all(&mut self) {
        for _ in 0..self.to_read.len() {
            let Some(slot) = self.to_read.pop_front() else { return };
            self.read(slot);
        }
    }

    fn read(&mut self, slot: u32) {
        let now = self.config.clock.tick();
        let Some(connection) = self.connection(slot) else { return };
        connection.queued = false;
        for _ in 0..FRAMES_A_TICK {
            let Some(connection) = self.connection(slot) else { return };
            // Behind a connect nothing is read before its answer.
            if matches!(connection.phase, Phase::Connecting { .. }) {
                return;
            }
            let input = connection.next_input();
            if !matches!(input, Input::Pending | Input::Gone) {
                connection.heard = now;
                if std::mem::take(&mut connection.pinged) {
                    self.config.clock.ping(-1);
                }
            }
            match input {
                Input::Pending => {
                    self.mark_dirty(slot);
                    return;
                }
                Input::Text(text) => {
                    // A defect of ours must not end the thread that all the others live on.
                    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.frame(slot, &text))).is_err() {
                        tracing::error!("a frame met a defect; its connection is closed, please report it with the lines above");
                        self.close(slot, wire::INTERNAL, Some(SocketEnd::Lost { heard: now }));
                    }
                }
                Input::Closed(code) => {
                    let how = if matches!(code, 1000 | 1005) {
                        SocketEnd::Goodbye
                    } else {
                        SocketEnd::Lost { heard: now }
                    };
                    self.ended(slot, how);
                    // tungstenite queued the answer to the close; it goes out before the socket does.
                    if let Some(connection) = self.connection(slot) {
                        let _ = connection.flush();
                    }
                    self.remove(slot);
                    return;
                }
                Input::Gone => {
                    let heard = self.connection(slot).map_or(now, |c| c.heard);
                    self.ended(slot, SocketEnd::Lost { heard });
                    self.remove(slot);
                    return;
                }
                Input::Bad(close) => {
                    self.close(slot, close, Some(SocketEnd::Lost { heard: now }));
                    return;
                }
            }
        }
        self.queue_read(slot);
        self.mark_dirty(slot);
    }

    fn frame(&mut self, slot: u32, text: &str) {
        for line in text.split('\n').filter(|line| !line.trim().is_empty()) {
            let Some(connection) = self.connection(slot) else { return };
            if matches!(connection.phase, Phase::Closing { .. }) {
                return;
            }
            match json::decode(line) {
                Some(command) => self.command(slot, command),
                None => return self.bad_request(slot),
            }
        }
    }

    fn bad_request(&mut self, slot: u32) {
        let heard = self.config.clock.tick();
        self.close(slot, wire::BAD_REQUEST, Some(SocketEnd::Lost { heard }));
    }

    fn command(&mut self, slot: u32, command: Command) {
        if command.method == Method::Pong {
            return;
        }
        if command.id == 0 && command.method != Method::Send {
            return self.bad_request(slot);
        }
        let conn = self.conn_ref(slot);
        let Some(connection) = self.connection(slot) else { return };
        let sid = match &connection.phase {
            Phase::Fresh { .. } => return self.connect(slot, command),
            Phase::Connecting { .. } => {
                connection.held.push_back(command);
                return;
            }
            Phase::Closing { .. } => return,
            Phase::Live { sid } => sid.clone(),
        };
        match self.rate(slot) {
            Rate::Within => {}
            Rate::Over => return self.refuse(slot, command.id, &wire::Error::new(111, "too many requests")),
            Rate::FarOver => {
                let heard = self.config.clock.tick();
                return self.close(slot, wire::TOO_MANY, Some(SocketEnd::Lost { heard }));
            }
        }
        match self.meaning(sid, &command) {
            Ok(Some(op)) => self.commands.push_back(SocketCommand { conn, id: command.id, op }),
            Ok(None) => {}
            Err(Wrong::Reply(error)) => self.refuse(slot, command.id, &error),
            Err(Wrong::Close) => self.bad_request(slot),
        }
    }

    /// What the engine is asked, if anything.
    fn meaning(&self, sid: SessionId, command: &Command) -> Result<Option<SocketOp>, Wrong> {
        Ok(Some(match &command.method {
            Method::Connect { .. } => return Err(Wrong::Close),
            Method::Pong | Method::Send => return Ok(None),
            Method::Subscribe(s) => {
                let since = s.recover.then(|| Position {
                    offset: s.offset,
                    epoch: s.epoch.clone(),
                });
                SocketOp::Subscribe {
                    sid,
                    group: group(&s.channel)?,
                    join_leave: s.join_leave,
                    since,
                }
            }
            Method::Unsubscribe { channel } => SocketOp::Unsubscribe { sid, group: group(channel)? },
            Method::Publish { channel, data } => {
                let group = group(channel)?;
                let draft = json::draft(data)
                    .and_then(|d| d.check().map(|()| d))
                    .map_err(|why| Wrong::Reply(wire::error(&why)))?;
                SocketOp::Publish {
                    sid,
                    group,
                    draft: Box::new(draft),
                }
            }
            Method::Presence { channel } => SocketOp::Presence { sid, group: group(channel)? },
            Method::PresenceStats { channel } => SocketOp::PresenceStats { sid, group: group(channel)? },
            Method::History {
                channel,
                limit,
                since,
                reverse,
            } => SocketOp::History {
                sid,
                group: group(channel)?,
                since: since.clone().map(|(offset, epoch)| Position { offset, epoch }),
                reverse: *reverse,
                // -1 asks for all there is; a page has its bound.
                limit: u32::try_from(*limit).unwrap_or(u32::MAX),
            },
            Method::Rpc { method } if method == "session.logoff" => SocketOp::Logoff { sid },
            Method::Rpc { method } => return Err(Wrong::Reply(wire::Error::new(104, format!("method {method:?} not found")))),
            Method::Unknown => return Err(Wrong::Reply(wire::Error::new(104, "method not found"))),
        }))
    }

    /// Counts a command against the session's rate.
    fn rate(&mut self, slot: u32) -> Rate {
        let rate = self.config.commands_per_second as u64;
        if rate == 0 {
            return Rate::Within;
        }
        let now = self.config.clock.tick();
        let Some(connection) = self.connection(slot) else { return Rate::Over };
        let full = rate * 2 * 1000;
        let earned = now.since(connection.counted).saturating_mul(rate);
        connection.tokens = connection.tokens.saturating_add(earned).min(full);
        connection.counted = now;
        if connection.tokens >= 1000 {
            connection.tokens -= 1000;
            connection.refused = 0;
            return Rate::Within;
        }
        connection.refused += 1;
        if connection.refused > REFUSED_AT_MOST { Rate::FarOver } else { Rate::Over }
    }

    fn connect(&mut self, slot: u32, command: Command) {
        let Command {
            id,
            method: Method::Connect { token, data },
        } = command
        else {
            return self.bad_request(slot);
        };
        let checked = login::check(&self.engine.directory(), self.config.clock.now(), &token, data.as_deref());
        match checked {
            Ok(login) => {
                let conn = self.conn_ref(slot);
                if let Some(connection) = self.connection(slot) {
                    connection.phase = Phase::Connecting { id };
                }
                self.commands.push_back(SocketCommand {
                    conn,
                    id,
                    op: SocketOp::Connect(Box::new(login)),
                });
            }
            Err(Refused::Invalid) => self.close(slot, wire::INVALID_TOKEN, None),
            Err(Refused::Disabled) => self.close(slot, wire::DISABLED, None),
            Err(Refused::Expired) => self.refuse_connect(slot, id, &wire::Error::new(109, "token expired")),
            Err(Refused::Bad(why)) => self.refuse_connect(slot, id, &wire::Error::new(107, why)),
        }
    }

    /// The answer, then the close; what was held behind the connect is dropped unanswered.
    fn refuse_connect(&mut self, slot: u32, id: u32, error: &wire::Error) {
        self.refuse(slot, id, error);
        self.close(slot, wire::REFUSED, None);
    }

    fn refuse(&mut self, slot: u32, id: u32, error: &wire::Error) {
        if id == 0 {
            return;
        }
        if let Some(connection) = self.connection(slot) {
            json::refuse(id, error, &mut connection.lines);
            self.mark_dirty(slot);
        }
    }

    // --- pushes ---

    fn push(&mut self, push: Push) {
        match push {
            Push::Reply { conn, id, reply } => self.reply(conn, id, reply),
            Push::Refuse { conn, id, why } => {
                let Some(slot) = self.slot_of(conn) else { return };
                let connecting = matches!(self.connection(slot).map(|c| &c.phase), Some(Phase::Connecting { id: waiting }) if *waiting == id);
                match (connecting, why) {
                    (true, crate::domain::Refusal::AppDisabled(_)) => self.close(slot, wire::DISABLED, None),
                    (true, why) => self.refuse_connect(slot, id, &wire::error(&why)),
                    (false, why) => self.refuse(slot, id, &wire::error(&why)),
                }
            }
            Push::Attach { conn, gid, group, join_leave } => {
                let Some(slot) = self.slot_of(conn) else { return };
                self.fan_out_one(gid);
                let at = self.groups.attach(gid, &group, Attached { slot, join_leave });
                if let Some(connection) = self.connection(slot) {
                    connection.places.push(Place { gid, at });
                }
            }
            Push::Detach { conn, gid } => {
                if let Some(slot) = self.slot_of(conn) {
                    self.detach(slot, gid);
                }
            }
            Push::Unsubscribe { conn, gid, group, why } => {
                let Some(slot) = self.slot_of(conn) else { return };
                self.detach(slot, gid);
                let (code, reason) = wire::unsubscribed(why);
                if let Some(connection) = self.connection(slot) {
                    json::unsubscribe(&group, code, reason, &mut connection.lines);
                    self.mark_dirty(slot);
                }
            }
            Push::Message { gid, message } => {
                // Likes and the like: a slow connection goes without them first (`session.md` §7).
                let droppable = message.weight <= 1 && (message.seq.is_none() || !message.cached);
                self.groups.line(gid, droppable, |group, out| json::message(group, &message, out));
            }
            Push::Count { gid, online, total, at } => self.groups.line(gid, true, |group, out| json::count(group, online, total, at, out)),
            Push::Presence { gid, joined, who } => {
                let Some(group) = self.groups.get(gid) else { return };
                let asked: Vec<u32> = group.attached.iter().filter(|a| a.join_leave).map(|a| a.slot).collect();
                if asked.is_empty() {
                    return;
                }
                let mut line = Vec::new();
                json::presence(&group.name, joined, &who, &mut line);
                for slot in asked {
                    if let Some(connection) = self.connection(slot) {
                        connection.lines.extend_from_slice(&line);
                        self.mark_dirty(slot);
                    }
                }
            }
            Push::Close { conn, why } => {
                if let Some(slot) = self.slot_of(conn) {
                    self.close(slot, wire::close(why), None);
                }
            }
        }
    }

    fn reply(&mut self, conn: ConnRef, id: u32, reply: Reply) {
        let Some(slot) = self.slot_of(conn) else {
            // The socket went while its connect was being committed: its session must not stay attached.
            if let Reply::Connected(connected) = reply {
                let how = SocketEnd::Lost {
                    heard: self.config.clock.tick(),
                };
                self.commands.push_back(SocketCommand {
                    conn,
                    id: 0,
                    op: SocketOp::Ended { sid: connected.sid, how },
                });
            }
            return;
        };
        let now = self.config.clock.tick();
        let greeting = json::Greeting { ping: PING_EVERY / 1000 };
        let Some(connection) = self.connection(slot) else { return };
        json::reply(id, &reply, &greeting, &mut connection.lines);
        let Reply::Connected(connected) = reply else { return self.mark_dirty(slot) };
        if let Phase::Closing { .. } = connection.phase {
            let how = SocketEnd::Lost { heard: now };
            self.commands.push_back(SocketCommand {
                conn,
                id: 0,
                op: SocketOp::Ended { sid: connected.sid, how },
            });
            return;
        }
        connection.phase = Phase::Live { sid: connected.sid };
        connection.ping_at = now.after(PING_EVERY);
        let held = std::mem::take(&mut connection.held);
        self.deadlines.push(Reverse((now.after(PING_EVERY), slot, conn.generation)));
        self.mark_dirty(slot);
        held.into_iter().for_each(|command| self.command(slot, command));
        self.queue_read(slot);
    }

    fn detach(&mut self, slot: u32, gid: Gid) {
        // What was said before is still theirs.
        self.fan_out_one(gid);
        let Some(connection) = self.connection(slot) else { return };
        let Some(index) = connection.places.iter().position(|p| p.gid == gid) else {
            return;
        };
        let place = connection.places.swap_remove(index);
        self.leave_place(place);
    }

    fn leave_place(&mut self, place: Place) {
        if let Some(moved) = self.groups.detach(place.gid, place.at)
            && let Some(connection) = self.connection(moved.slot)
            && let Some(theirs) = connection.places.iter_mut().find(|p| p.gid == place.gid)
        {
            theirs.at = place.at;
        }
    }

    // --- writing ---

    fn fan_out(&mut self) {
        for gid in self.groups.take_dirty() {
            self.fan_out_one(gid);
        }
    }

    /// The group's lines of this tick go to all who are attached now.
    fn fan_out_one(&mut self, gid: Gid) {
        let Some(batch) = self.groups.batch(gid) else { return };
        let Some(group) = self.groups.get(gid) else { return };
        for attached in &group.attached {
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

    fn flush_all(&mut self) {
        for slot in std::mem::take(&mut self.to_write) {
            let Some(connection) = self.connection(slot) else { continue };
            connection.dirty = false;
            connection.seal();
            let heard = connection.heard;
            if connection.over() && !matches!(connection.phase, Phase::Closing { .. }) {
                self.close(slot, wire::SLOW, Some(SocketEnd::Lost { heard }));
            }
            let Some(connection) = self.connection(slot) else { continue };
            match connection.flush() {
                Err(_) => {
                    self.ended(slot, SocketEnd::Lost { heard });
                    self.remove(slot);
                }
                Ok(()) => {
                    if matches!(connection.phase, Phase::Closing { .. }) && connection.is_flushed() {
                        // The client's own close, or its end, is awaited, so that it reads ours.
                        let _ = connection.stream().shutdown(std::net::Shutdown::Write);
                    }
                }
            }
        }
        // Ends that were found while writing go to the engine with the next tick.
        if !self.commands.is_empty() {
            self.engine.submit(self.number, &mut self.commands);
        }
    }

    // --- the end of a connection ---

    /// Sends a close frame. `how`: what the engine is told; `None` when it knows already.
    fn close(&mut self, slot: u32, close: Close, how: Option<SocketEnd>) {
        let until = self.config.clock.tick().after(CLOSE_WITHIN);
        let Some(connection) = self.connection(slot) else { return };
        if matches!(connection.phase, Phase::Closing { .. }) {
            return;
        }
        connection.put_close(close, close == wire::SLOW);
        if let Some(how) = how {
            self.ended(slot, how);
        }
        let generation = self.slots[slot as usize].generation;
        let Some(connection) = self.connection(slot) else { return };
        connection.held.clear();
        connection.phase = Phase::Closing { until };
        let places = std::mem::take(&mut connection.places);
        if std::mem::take(&mut connection.pinged) {
            self.config.clock.ping(-1);
        }
        places.into_iter().for_each(|place| self.leave_place(place));
        self.deadlines.push(Reverse((until, slot, generation)));
        self.mark_dirty(slot);
    }

    /// Tells the engine that a live session's socket is gone.
    fn ended(&mut self, slot: u32, how: SocketEnd) {
        let conn = self.conn_ref(slot);
        if let Some(Phase::Live { sid }) = self.connection(slot).map(|c| &c.phase) {
            let sid = sid.clone();
            self.commands.push_back(SocketCommand {
                conn,
                id: 0,
                op: SocketOp::Ended { sid, how },
            });
        }
    }

    fn remove(&mut self, slot: u32) {
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
        self.stopping = Some(self.config.clock.tick().after(2_000));
        for slot in 0..self.slots.len() as u32 {
            self.close(slot, wire::SHUTDOWN, None);
        }
    }

    // --- time ---

    fn set_alarm(&mut self) {
        let next = self.deadlines.peek().map(|Reverse((at, ..))| *at).into_iter().chain(self.stopping).min();
        if self.alarm.as_ref().map(|(at, _)| *at) != next {
            self.alarm = next.map(|at| (at, self.config.clock.wake_at(at, self.inbox.clone().into())));
        }
    }

    fn serve_deadlines(&mut self) {
        let now = self.config.clock.tick();
        let Some((at, _)) = &self.alarm else { return };
        if *at > now {
            return;
        }
        let slept = now.since(*at) > SUSPENDED;
        self.alarm = None;
        if slept {
            for slot in &mut self.slots {
                if let Some(connection) = &mut slot.connection {
                    connection.heard = now;
                }
            }
        }
        while let Some(Reverse((at, slot, generation))) = self.deadlines.peek().copied() {
            if at > now {
                break;
            }
            self.deadlines.pop();
            if self.slots[slot as usize].generation == generation {
                self.deadline(slot, generation, now);
            }
        }
    }

    fn deadline(&mut self, slot: u32, generation: u32, now: Tick) {
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
        self.deadlines.push(Reverse((next, slot, generation)));
    }
}

enum Rate {
    Within,
    /// Refused, and told so.
    Over,
    /// It does not listen: closed.
    FarOver,
}

/// What is wrong with a command: an error reply, or the connection ends.
enum Wrong {
    Reply(wire::Error),
    Close,
}

/// The group that a channel names.
fn group(channel: &str) -> Result<GroupId, Wrong> {
    let unknown = || {
        Wrong::Reply(wire::Error::new(
            102,
            format!("unknown channel {channel:?}: channels are called {}<id>", wire::GROUP),
        ))
    };
    let name = channel.strip_prefix(wire::GROUP).ok_or_else(unknown)?;
    GroupId::new(name).map_err(|_| unknown())
}
