//! One command on a batch: the domain decides, its changes and events are written in a savepoint of
//! their own. A refusal, or an error of the store, leaves nothing of the command behind.

use super::{
    Position, SocketCommand, SocketOp,
    batch::{Batch, Step},
    lanes::put_aside,
    queue::Answering,
    timers::Timer,
};
use crate::{
    domain::{
        AppId, Change, ConnRef, Gid, GroupId, Millis, Refusal, SessionId, Tx,
        app::{self, AppChange},
        group::{self, GroupState},
        membership::{self, Recovery},
        message::{Draft, Message},
        push::{self, Closed, Push, Reply},
        quota,
        request::{Answer, Request},
        sending::{self, Known},
        session::{self, Link, SocketEnd},
        state::Mark,
    },
    store::{self, Recovered, Store},
};
use std::sync::Arc;

/// Ended deliveries are kept this long, in ms (`alibaba.md` §3.1: 7 days) …
const KEEP_DELIVERIES: i64 = 7 * 24 * 3_600_000;
/// … and at most so many.
const MOST_DELIVERIES: u32 = 100_000;
/// Events that wait behind so many newer ones are given up as well.
const MOST_WAITING: u32 = 1_000_000;

impl Batch<'_> {
    /// A request of the control API.
    pub(super) fn call(&mut self, request: Request, answer: Answering) {
        let mark = self.tx.mark();
        let done = guarded(|| self.request(request));
        let result = self.settle(mark, done);
        self.out.answers.push((answer, result));
    }

    /// A command of a socket, a try that ended, or a timer.
    pub(super) fn step(&mut self, step: Step) {
        let mark = self.tx.mark();
        let precious = match &step {
            Step::Socket(SocketCommand { op: SocketOp::Ended { .. }, .. }) | Step::Outcome(_) => Some(step.clone()),
            // A delivery whose wait is over is already in `due`, which a lost batch does not take back.
            // A purge comes again by itself.
            Step::Timer(Timer::Retry(..) | Timer::Pump | Timer::Purge) | Step::Socket(_) => None,
            Step::Timer(_) => Some(step.clone()),
        };
        let asked = match &step {
            Step::Socket(command) if command.id > 0 => Some((command.conn, command.id)),
            _ => None,
        };
        let done = guarded(|| match step {
            Step::Socket(command) => self.socket(command),
            Step::Outcome(outcome) => self.outcome(&outcome),
            Step::Timer(timer) => self.timer(timer),
        });
        let result = self.settle(mark, done);
        if let Some((conn, id)) = asked {
            self.out.asked.push((conn, id));
            if let Err(why) = &result {
                self.tx.push(Push::Refuse { conn, id, why: why.clone() });
            }
        }
        if let Some(step) = precious {
            match result {
                Err(Refusal::Unavailable) => self.out.failed.push(step),
                // It would only meet its defect again.
                Err(Refusal::Internal) => {}
                _ => self.out.precious.push(step),
            }
        }
    }

    /// Writes what the command changed and told; takes it back if that fails or it was refused.
    fn settle<T>(&mut self, mark: Mark, done: Result<T, Refusal>) -> Result<T, Refusal> {
        let done = done.and_then(|value| match self.write(mark) {
            Ok(()) => Ok(value),
            Err(error) => {
                tracing::error!(%error, "a command could not be written; its sender is told to try again");
                Err(Refusal::Unavailable)
            }
        });
        if matches!(done, Err(Refusal::Internal)) {
            // Where it stopped inside the transaction nobody knows.
            self.broken = true;
        }
        if done.is_err() {
            self.tx.back_to(mark);
        }
        done
    }

    fn write(&mut self, mark: Mark) -> store::Result<()> {
        let (changes, events) = self.tx.since(mark);
        for change in changes {
            if let Change::Counters(gid, _) | Change::CountersLater(gid, _) = change {
                self.dirty.insert(*gid);
            }
        }
        let stored: Vec<_> = changes.iter().filter(|c| c.is_stored() && !matches!(c, Change::Counters(..))).cloned().collect();
        let rendered: Vec<_> = events
            .iter()
            .filter_map(|event| {
                let app = self.tx.state.apps.get(&event.app)?;
                (self.ports.render)(event, app)
            })
            .collect();
        let emptied = self.emptied.take();
        if stored.is_empty() && rendered.is_empty() && emptied.is_none() {
            // Counters alone are written at the end of the batch, but they must open it.
            let counters = changes.iter().any(|c| matches!(c, Change::Counters(..)));
            return if counters { self.store.begin() } else { Ok(()) };
        }
        let in_flight = emptied.as_ref().and_then(|e| self.tx.state.lanes.get(e)).map(|lane| lane.in_flight.clone()).unwrap_or_default();
        let (now, ids, freeze) = (self.tx.now, self.ids, self.ports.freeze);
        let free = self.store.savepoint(|store| {
            for change in &stored {
                store.write(change)?;
            }
            let free = rendered.iter().map(|event| store.add_event(event, now)).collect::<store::Result<Vec<bool>>>()?;
            if let Some(endpoint) = &emptied {
                put_aside(store, endpoint, &in_flight, ids, freeze, now)?;
            }
            Ok(free)
        })?;
        if let Some(endpoint) = &emptied {
            self.lane(endpoint, |lane| lane.ready = 0);
        }
        for (event, free) in rendered.into_iter().zip(free) {
            if free {
                self.lane(&event.endpoint, |lane| lane.ready += 1);
            }
            self.touched.insert(event.endpoint);
        }
        Ok(())
    }

    fn request(&mut self, request: Request) -> Result<Answer, Refusal> {
        match request {
            Request::CreateApp(new) => app::create(&mut self.tx, *new).map(Answer::App),
            Request::ChangeApp { app, change } => self.change_app(app, change),
            Request::CreateKey(key) => {
                self.tx.change(Change::Key(key));
                Ok(Answer::Done)
            }
            Request::DeleteKey { id } => {
                if !self.tx.state.keys.contains_key(&id) {
                    return Err(Refusal::NoSuchKey(id));
                }
                self.tx.change(Change::KeyGone(id));
                Ok(Answer::Done)
            }
            Request::Group { app, group, what } => group::perform(&mut self.tx, &app, &group, what, self.ids.epoch()),
            Request::ForceOff { app, user } => session::force_off(&mut self.tx, &app, &user).map(|()| Answer::Done),
            Request::Send { app, group, sender, draft } => {
                let known = self.known(self.tx.state.group_named(&app, &group).map(|g| g.config.gid), &draft)?;
                sending::send(&mut self.tx, &app, &group, sender, *draft, self.ids.tid(), known).map(|tid| Answer::Sent { tid })
            }
            Request::SendDirect { .. } | Request::DeleteDirect { .. } => Err(Refusal::Internal),
            Request::ChangeUserInfo { app, user, info } => session::change_info(&mut self.tx, &app, &user, info).map(Answer::Groups),
            Request::Online { app, users } => {
                self.tx.state.app(&app)?;
                let online = |user| {
                    let is = self.tx.state.session_of(&app, &user).is_some();
                    (user, is)
                };
                Ok(Answer::Users(users.into_iter().map(online).collect()))
            }
        }
    }

    fn change_app(&mut self, id: AppId, change: AppChange) -> Result<Answer, Refusal> {
        let (old, new) = app::change(&mut self.tx, &id, change)?;
        self.endpoints_changed(&old, &new);
        Ok(Answer::App(new))
    }

    fn socket(&mut self, command: SocketCommand) -> Result<(), Refusal> {
        let SocketCommand { conn, id, op } = command;
        match op {
            SocketOp::Connect(login) => session::connect(&mut self.tx, conn, id, *login, self.ids.session()),
            SocketOp::Subscribe { sid, group, join_leave, since } => {
                linked(&self.tx, conn, &sid)?;
                let (store, mut read) = (self.store, 0);
                let recover = |found: &GroupState| {
                    let recovery = since.map_or_else(|| Ok(Recovery::default()), |since| recover(store, found, &since))?;
                    read = recovery.messages.iter().map(|m| m.wire_size()).sum();
                    Ok(recovery)
                };
                let done = membership::subscribe(&mut self.tx, &sid, conn, id, &group, join_leave, recover);
                self.read += read;
                done
            }
            SocketOp::Unsubscribe { sid, group } => {
                linked(&self.tx, conn, &sid)?;
                let app = &self.tx.state.session(&sid).ok_or(Refusal::NoSession)?.session.app;
                if let Some(gid) = self.tx.state.group_named(app, &group).map(|g| g.config.gid) {
                    membership::leave(&mut self.tx, &sid, gid);
                }
                self.tx.push(Push::Reply { conn, id, reply: Reply::Unsubscribed });
                Ok(())
            }
            SocketOp::Publish { sid, group, draft } => {
                let gid = self.group_of(conn, &sid, &group)?;
                let known = self.known(Some(gid), &draft)?;
                sending::publish(&mut self.tx, &sid, &group, *draft, self.ids.tid(), known)?;
                self.tx.push(Push::Reply { conn, id, reply: Reply::Published });
                Ok(())
            }
            SocketOp::Presence { sid, group } => {
                self.member_of(conn, &sid, &group)?;
                let app = self.tx.state.session(&sid).ok_or(Refusal::NoSession)?.session.app.clone();
                let members = membership::presence(&self.tx, &app, &group)?;
                self.read += members.iter().map(push::Present::wire_size).sum::<usize>();
                self.tx.push(Push::Reply { conn, id, reply: Reply::Presence(members) });
                Ok(())
            }
            SocketOp::PresenceStats { sid, group } => {
                let gid = self.member_of(conn, &sid, &group)?;
                let users = self.tx.state.group(gid).map_or(0, |g| g.members.len() as u64);
                self.tx.push(Push::Reply { conn, id, reply: Reply::PresenceStats { clients: users, users } });
                Ok(())
            }
            SocketOp::History { sid, group, since, reverse, limit } => {
                let gid = self.member_of(conn, &sid, &group)?;
                let found = self.tx.state.group(gid).ok_or_else(|| Refusal::NoSuchGroup(group.to_string()))?;
                let (top, epoch) = (found.counters.top, found.config.epoch);
                if since.as_ref().is_some_and(|s| !s.is_of(epoch)) {
                    return Err(Refusal::Unrecoverable);
                }
                let messages = match limit {
                    0 => Vec::new(),
                    n => self.store.history(gid, since.map(|s| s.offset), reverse, n.min(quota::MAX_HISTORY)).map_err(unreadable)?,
                };
                self.read += messages.iter().map(Message::wire_size).sum::<usize>();
                let messages = messages.into_iter().map(Arc::new).collect();
                self.tx.push(Push::Reply { conn, id, reply: Reply::History { messages, top, epoch } });
                Ok(())
            }
            SocketOp::Group { .. } | SocketOp::SendDirect { .. } | SocketOp::Confirm { .. } => Err(Refusal::Internal),
            SocketOp::Logoff { sid } => {
                linked(&self.tx, conn, &sid)?;
                self.tx.push(Push::Reply { conn, id, reply: Reply::Rpc(Box::new(Answer::Done)) });
                self.tx.push(Push::Close { conn, why: Closed::LoggedOff });
                session::socket_ended(&mut self.tx, &sid, conn, SocketEnd::LoggedOff);
                Ok(())
            }
            SocketOp::Ended { sid, how } => {
                session::socket_ended(&mut self.tx, &sid, conn, how);
                Ok(())
            }
        }
    }

    fn timer(&mut self, timer: Timer) -> Result<(), Refusal> {
        match timer {
            Timer::Session(sid) => session::due(&mut self.tx, &sid),
            Timer::Count(gid) => membership::push_count(&mut self.tx, gid),
            Timer::Retry(endpoint, delivery) => {
                self.due.entry(endpoint.clone()).or_default().push_back(delivery);
                self.touched.insert(endpoint);
            }
            Timer::Pump => {
                self.touched.extend(self.tx.state.lanes.keys().cloned());
                self.touched.extend(self.due.keys().cloned());
            }
            Timer::Purge => {
                let before = Millis(self.tx.now.0 - KEEP_DELIVERIES);
                let gone = self.store.savepoint(|store| store.purge_callbacks(before, MOST_DELIVERIES, MOST_WAITING)).map_err(|error| {
                    tracing::error!(%error, "old deliveries could not be purged");
                    Refusal::Unavailable
                })?;
                if gone.sum() > 0 {
                    tracing::info!(delivered = gone.delivered, dead = gone.dead, waiting = gone.waiting, "old callbacks were purged");
                }
                for (endpoint, ready) in gone.ready {
                    self.lane(&endpoint, |lane| lane.ready = ready);
                }
                if gone.more {
                    self.out.timers.push((self.tx.tick.after(super::PURGE_AGAIN), Timer::Purge));
                }
            }
            Timer::SaveCounters | Timer::Redo => {}
        }
        Ok(())
    }

    /// The live group that the connection's session names.
    fn group_of(&self, conn: ConnRef, sid: &SessionId, name: &GroupId) -> Result<Gid, Refusal> {
        linked(&self.tx, conn, sid)?;
        let session = self.tx.state.session(sid).ok_or(Refusal::NoSession)?;
        Ok(self.tx.state.live_group(&session.session.app, name)?.config.gid)
    }

    /// The same, and the session is in it.
    fn member_of(&self, conn: ConnRef, sid: &SessionId, name: &GroupId) -> Result<Gid, Refusal> {
        let gid = self.group_of(conn, sid, name)?;
        match self.tx.state.session(sid) {
            Some(state) if state.groups.iter().any(|(_, g)| *g == gid) => Ok(gid),
            _ => Err(Refusal::NotInGroup(name.to_string())),
        }
    }

    fn known(&self, gid: Option<Gid>, draft: &Draft) -> Result<Known, Refusal> {
        match (gid, &draft.tid) {
            (Some(gid), Some(tid)) if self.store.has_tid(gid, tid.as_str()).map_err(unreadable)? => Ok(Known::Yes),
            _ => Ok(Known::No),
        }
    }
}

/// What came after the position. Another epoch, or a position ahead of the stream, is not ours.
fn recover(store: &Store, group: &GroupState, since: &Position) -> Result<Recovery, Refusal> {
    let top = group.counters.top;
    if !since.is_of(group.config.epoch) || since.offset > top {
        return Ok(Recovery { complete: Some(false), ..Recovery::default() });
    }
    Ok(match store.recover(group.config.gid, since.offset, top).map_err(unreadable)? {
        Recovered::All(messages) => Recovery { messages: messages.into_iter().map(Arc::new).collect(), complete: Some(true), offset: Some(since.offset) },
        Recovered::Not => Recovery { complete: Some(false), ..Recovery::default() },
    })
}

/// A defect in one command must not take all others along: it is refused, and what it changed is
/// taken back like that of any other refused command.
fn guarded<T>(work: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|_| {
        tracing::error!("a command met a defect and was refused; please report it with the lines above");
        Err(Refusal::Internal)
    })
}

/// The command came over the session's present connection, not over one that was displaced.
fn linked(tx: &Tx, conn: ConnRef, sid: &SessionId) -> Result<(), Refusal> {
    match tx.state.link(sid) {
        Some(Link::Attached { conn: current, .. }) if current == conn => Ok(()),
        _ => Err(Refusal::NoSession),
    }
}

fn unreadable(error: store::StoreError) -> Refusal {
    tracing::error!(%error, "the store could not be read");
    Refusal::Unavailable
}
