//! The reading half of a hub's tick: frames to commands, and what is refused before the engine hears
//! of it: bad requests, wrong logins, too many commands.

use super::{
    connection::{Discarded, Input, Phase, Size},
    draft,
    login::{self, Refused},
    reactor::Reactor,
    rpc,
    wire::{self, Command, Method, json},
};
use crate::{
    domain::{AppId, ChannelId, GroupId, Named, Refusal, SessionId, UserId, channel::Joining, request::GroupRequest, session::SocketEnd},
    engine::{Position, SocketCommand, SocketOp},
};

/// Frames read from one connection in a tick, so that a busy one does not starve the others.
const FRAMES_A_TICK: usize = 16;
/// Commands and bytes of messages that are handed to the engine in one piece.
const COMMANDS_AT_ONCE: usize = 1_024;
const BYTES_AT_ONCE: usize = 1024 * 1024;
/// Commands refused in a row for their rate before the connection is closed.
const REFUSED_AT_MOST: u32 = 1_000;
/// Of which there were too many.
const COMMANDS: &str = "this session sends more commands than limits.session_commands_per_second allows; wait a moment";
const MESSAGES: &str = "this session sends more messages than limits.session_messages_per_second allows; wait a moment";

impl Reactor {
    /// Reads each connection that is ready once. What the engine has no room for stops it: the rest stays
    /// in the kernel.
    pub(super) fn read_all(&mut self) {
        for _ in 0..self.to_read.len() {
            let Some(slot) = self.to_read.pop_front() else { return };
            self.read(slot);
            if (self.commands.len() >= COMMANDS_AT_ONCE || self.command_bytes >= BYTES_AT_ONCE) && !self.submit() {
                return;
            }
        }
    }

    fn read(&mut self, slot: u32) {
        let now = self.config.clock.tick();
        let Some(connection) = self.connection(slot) else { return };
        connection.queued = false;
        connection.grant();
        for _ in 0..FRAMES_A_TICK {
            let Some(connection) = self.connection(slot) else { return };
            if connection.pauses() || connection.over() {
                return;
            }
            let input = connection.next_input();
            let more = connection.has_more();
            if !matches!(input, Input::Pending | Input::Gone) {
                connection.heard = now;
                if std::mem::take(&mut connection.pinged) {
                    self.config.clock.ping(-1);
                }
            }
            match input {
                Input::Pending => {
                    self.mark_dirty(slot);
                    if more {
                        self.queue_read(slot);
                    }
                    return;
                }
                Input::Control => {}
                Input::Text(text) => {
                    // A defect of ours must not end the thread that all the others live on.
                    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.frame(slot, &text))).is_err() {
                        tracing::error!("a frame met a defect; its connection is closed, please report it with the lines above");
                        self.close(slot, wire::INTERNAL, Some(SocketEnd::Lost { heard: now }));
                    }
                }
                Input::Closed(code) => {
                    let how = if matches!(code, 1000 | 1005) { SocketEnd::Goodbye } else { SocketEnd::Lost { heard: now } };
                    self.ended(slot, how);
                    // tungstenite queued the answer to the close; it goes out before the socket does.
                    if let Some(connection) = self.connection(slot) {
                        let _ = connection.flush();
                    }
                    self.remove(slot);
                    return;
                }
                // Nothing more is understood of it, but to close on unread bytes would be a reset, and take our
                // close frame with it.
                Input::Gone if matches!(self.connection(slot).map(|c| &c.phase), Some(Phase::Closing { .. })) => {
                    let Some(connection) = self.connection(slot) else { return };
                    match connection.discard() {
                        Discarded::All => {}
                        Discarded::Some => self.queue_read(slot),
                        Discarded::Ended => self.remove(slot),
                    }
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
        let mut pongs = 0;
        for line in text.split('\n').filter(|line| !line.trim().is_empty()) {
            let Some(connection) = self.connection(slot) else { return };
            if matches!(connection.phase, Phase::Closing { .. }) {
                return;
            }
            match json::decode(line) {
                Some(Command { id: 0, method: Method::Pong }) => {
                    pongs += 1;
                    // One answers a ping; more are commands like any other.
                    if pongs > 1 && !self.command(slot, Command { id: 0, method: Method::Pong }) {
                        return;
                    }
                }
                Some(command) => {
                    if !self.command(slot, command) {
                        return;
                    }
                }
                None => return self.bad_request(slot),
            }
        }
    }

    fn bad_request(&mut self, slot: u32) {
        let heard = self.config.clock.tick();
        self.close(slot, wire::BAD_REQUEST, Some(SocketEnd::Lost { heard }));
    }

    /// False: the connection is closing, and the rest of its frame is not looked at.
    fn command(&mut self, slot: u32, command: Command) -> bool {
        let Some(connection) = self.connection(slot) else { return false };
        match &connection.phase {
            Phase::Closing { .. } => return false,
            _ if command.id == 0 && !matches!(command.method, Method::Send { .. } | Method::Pong) => self.bad_request(slot),
            Phase::Fresh { .. } => self.connect(slot, command),
            _ if connection.pauses() => connection.held.push_back(command),
            _ => self.execute(slot, command),
        }
        true
    }

    /// What was held goes on, as far as answers and room for them allow; then the socket is read again.
    pub(super) fn release(&mut self, slot: u32) {
        loop {
            let Some(connection) = self.connection(slot) else { return };
            if connection.owes_much() || connection.half_over() || !matches!(connection.phase, Phase::Live { .. }) {
                return;
            }
            match connection.held.pop_front() {
                Some(command) => self.execute(slot, command),
                None => return self.queue_read(slot),
            }
        }
    }

    fn execute(&mut self, slot: u32, command: Command) {
        let conn = self.conn_ref(slot);
        let Some(Phase::Live { sid, app, user }) = self.connection(slot).map(|c| &c.phase) else { return };
        let (sid, app, user) = (sid.clone(), app.clone(), user.clone());
        match self.rate(slot) {
            Rate::Within => {}
            // Of messages, the cloud's own code says that they are too many.
            Rate::Over if self.config.messages_per_second > 0 && is_message(&command.method) => {
                return self.refuse(slot, command.id, &wire::error(&Refusal::TooFast(COMMANDS)));
            }
            Rate::Over => return self.refuse(slot, command.id, &wire::Error::new(111, COMMANDS)),
            Rate::FarOver => {
                let heard = self.config.clock.tick();
                return self.close(slot, wire::TOO_MANY, Some(SocketEnd::Lost { heard }));
            }
        }
        match self.meaning(sid, &app, &user, &command) {
            Ok(Some(mut op)) => {
                if op.counts_as_message() && !self.may_say(slot) {
                    return self.refuse(slot, command.id, &wire::error(&Refusal::TooFast(MESSAGES)));
                }
                self.look_up_words(&app, &mut op);
                // The next command waits for large answers, so that they cannot pile up, and many
                // recoveries at once do not run over the connection's budget.
                if let (Some(size), Some(connection)) = (size(&op), self.connection(slot)) {
                    connection.owed.push((command.id, size));
                }
                // A confirmation gets no reply, whatever it is numbered.
                let id = if matches!(op, SocketOp::Ack { .. }) { 0 } else { command.id };
                self.ask(SocketCommand { conn, id, op });
            }
            Ok(None) => {}
            Err(Wrong::Reply(error)) => self.refuse(slot, command.id, &error),
            Err(Wrong::Close) => self.bad_request(slot),
        }
    }

    /// The built-in moderation's list is asked here, where only this connection waits; what it means is
    /// the engine's.
    fn look_up_words(&self, app: &AppId, op: &mut SocketOp) {
        if let Some(draft) = op.draft_mut()
            && let Some(app) = self.engine.directory().apps.get(app)
        {
            self.config.words.look_up(app, draft);
        }
    }

    /// What the engine is asked, if anything.
    fn meaning(&self, sid: SessionId, app: &AppId, user: &UserId, command: &Command) -> Result<Option<SocketOp>, Wrong> {
        Ok(Some(match &command.method {
            Method::Connect { .. } => return Err(Wrong::Close),
            Method::Pong => return Ok(None),
            Method::Send { data } => match rpc::confirmed(data) {
                acks if acks.is_empty() => return Ok(None),
                acks => SocketOp::Ack { sid, acks },
            },
            Method::Subscribe(s) => match named(&s.channel)? {
                Named::Group(group) => {
                    let since = s.recover.then(|| Position { offset: s.offset, epoch: s.epoch.clone() });
                    SocketOp::Subscribe { sid, group, join_leave: s.join_leave, since }
                }
                Named::Channel(channel) => SocketOp::Join { sid, joining: Box::new(self.joining(app, user, channel, s)?) },
            },
            Method::Unsubscribe { channel } => SocketOp::Unsubscribe { sid, from: named(channel)? },
            Method::Publish { channel, data } => {
                let group = group(channel, "publish")?;
                // How long it may be is looked at where the business is told of it as well.
                let draft = draft::to_group(data).map_err(|why| Wrong::Reply(wire::error(&why)))?;
                SocketOp::Publish { sid, group, draft: Box::new(draft) }
            }
            Method::Presence { channel } => SocketOp::Presence { sid, of: named(channel)? },
            Method::PresenceStats { channel } => SocketOp::PresenceStats { sid, of: named(channel)? },
            Method::History { channel, limit, since, reverse } => SocketOp::History {
                sid,
                group: group(channel, "history")?,
                since: since.clone().map(|(offset, epoch)| Position { offset, epoch }),
                reverse: *reverse,
                // -1 asks for all there is; a page has its bound.
                limit: u32::try_from(*limit).unwrap_or(u32::MAX),
            },
            Method::Rpc { method, data } => rpc::read(method, data, &self.config.quotas).map_err(Wrong::Reply)?.asked_by(sid),
            Method::Unknown => return Err(Wrong::Reply(wire::Error::new(104, "method not found"))),
        }))
    }

    fn joining(&self, app: &AppId, user: &UserId, channel: ChannelId, s: &wire::Subscribe) -> Result<Joining, Wrong> {
        let role = rpc::joining_role(s.data.as_deref()).map_err(|why| Wrong::Reply(wire::error(&why)))?;
        let ticket = login::ticket(&self.engine.directory(), self.config.clock.now(), self.config.nonces, (app, user), &channel, &s.token);
        Ok(Joining { channel, role, ticket, join_leave: s.join_leave })
    }

    /// Counts a command against the session's rate.
    fn rate(&mut self, slot: u32) -> Rate {
        let (rate, now) = (self.config.commands_per_second, self.config.clock.tick());
        let Some(connection) = self.connection(slot) else { return Rate::Over };
        if connection.commands.take(rate, now) {
            connection.refused = 0;
            return Rate::Within;
        }
        connection.refused += 1;
        if connection.refused > REFUSED_AT_MOST { Rate::FarOver } else { Rate::Over }
    }

    /// Counts a message against the session's rate.
    fn may_say(&mut self, slot: u32) -> bool {
        let (rate, now) = (self.config.messages_per_second, self.config.clock.tick());
        self.connection(slot).is_some_and(|connection| connection.messages.take(rate, now))
    }

    fn connect(&mut self, slot: u32, command: Command) {
        let Command { id, method: Method::Connect { token, data } } = command else {
            return self.bad_request(slot);
        };
        let Some(address) = self.connection(slot).map(|connection| connection.address) else { return };
        let (directory, now, most_info) = (self.engine.directory(), self.config.clock.now(), self.config.quotas.user_info_bytes);
        let checked = login::check(&directory, now, self.config.nonces, (&token, data.as_deref()), most_info, address);
        match checked {
            Ok(login) => {
                let conn = self.conn_ref(slot);
                if let Some(connection) = self.connection(slot) {
                    connection.phase = Phase::Connecting { id };
                }
                self.ask(SocketCommand { conn, id, op: SocketOp::Connect(Box::new(login)) });
            }
            Err(Refused::Invalid) => self.close(slot, wire::INVALID_TOKEN, None),
            Err(Refused::Disabled) => self.close(slot, wire::DISABLED, None),
            Err(Refused::Expired) => self.refuse_connect(slot, id, &wire::Error::new(109, "token expired")),
            Err(Refused::Bad(why)) => self.refuse_connect(slot, id, &wire::Error::new(107, why)),
        }
    }

    /// The answer, then the close; what was held behind the connect is dropped unanswered.
    pub(super) fn refuse_connect(&mut self, slot: u32, id: u32, error: &wire::Error) {
        self.refuse(slot, id, error);
        self.close(slot, wire::REFUSED, None);
    }

    pub(super) fn refuse(&mut self, slot: u32, id: u32, error: &wire::Error) {
        if let Some(connection) = self.connection(slot).filter(|c| id > 0 && !matches!(c.phase, Phase::Closing { .. })) {
            json::refuse(id, error, &mut connection.lines);
            self.mark_dirty(slot);
        }
    }
}

fn is_message(method: &Method) -> bool {
    match method {
        Method::Publish { .. } => true,
        Method::Rpc { method, .. } => method == "user.send",
        _ => false,
    }
}

enum Rate {
    Within,
    /// Refused, and told so.
    Over,
    /// It does not listen: closed.
    FarOver,
}

/// How large the answer may get; `None`: it is small.
fn size(op: &SocketOp) -> Option<Size> {
    match op {
        SocketOp::Subscribe { since: Some(_), .. } | SocketOp::Presence { .. } | SocketOp::History { .. } => Some(Size::Large),
        SocketOp::Subscribe { .. } => Some(Size::Medium),
        SocketOp::Group { what, .. } => match **what {
            GroupRequest::Messages(_) => Some(Size::Large),
            GroupRequest::Describe | GroupRequest::Mutes | GroupRequest::Members(_) => Some(Size::Medium),
            _ => None,
        },
        _ => None,
    }
}

/// What is wrong with a command: an error reply, or the connection ends.
enum Wrong {
    Reply(wire::Error),
    Close,
}

/// The group or RTC channel that a channel of the protocol is.
fn named(channel: &str) -> Result<Named, Wrong> {
    let unknown = || Wrong::Reply(wire::Error::new(102, format!("unknown channel {channel:?}: channels are called {}<id> and {}<id>", wire::GROUP, wire::RTC)));
    wire::named(channel).ok_or_else(unknown)
}

/// The group, for what only groups have.
fn group(channel: &str, what: &'static str) -> Result<GroupId, Wrong> {
    match named(channel)? {
        Named::Group(group) => Ok(group),
        Named::Channel(_) => Err(Wrong::Reply(wire::error(&Refusal::NotForChannels(what)))),
    }
}
