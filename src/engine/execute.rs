//! One command on a batch: the domain decides, its changes and events are written in a savepoint of
//! their own. A refusal, or an error of the store, leaves nothing of the command behind.

use super::{
    SocketCommand, SocketOp,
    acks::PendingAck,
    batch::{Batch, Step},
    look::{Incoming, first},
    queue::Answering,
    socket::linked_or_new,
    timers::Timer,
};
use crate::{
    domain::{
        AppId, Change, GroupId, Refusal, SessionId, Tid, UserId, account,
        app::{self, AppChange},
        ban, channel,
        direct::{self, Direct},
        endpoint::EndpointId,
        event::{Event, Rendered},
        group, membership,
        message::{Draft, Message},
        push::Push,
        report,
        request::{Actor, Added, Answer, GroupRequest, Request},
        revocation, room, roster,
        sending::{self, Outcome, Passed, Sending, Speaker},
        session::{self, Session},
        subscription,
        tx::{Deadline, Mark},
    },
    store,
};
use std::sync::Arc;

/// How far a request of the control API came.
enum Performed {
    Answered(Answer),
    /// It is answered when the receiver's client has confirmed it by `ack`.
    AwaitsAck {
        to: SessionId,
        message: Arc<Direct>,
        ack: Tid,
    },
}

impl Batch<'_> {
    /// A request of the control API.
    pub(super) fn call(&mut self, request: Box<Request>, answer: Answering) {
        if let Some(Incoming::Call(request, answer)) = self.admit(Incoming::Call(request, answer)) {
            self.perform(*request, answer, &[]);
        }
    }

    /// The same, when nothing stands against it any more. `without`: who is not to be brought into the group.
    pub(super) fn perform(&mut self, mut request: Request, answer: Answering, without: &[UserId]) {
        let mark = self.tx.mark();
        let (noted, away) = (self.noted_of_call(&request), turn_away(&mut request, without));
        let done = guarded(|| self.request(request));
        match self.settle(mark, done) {
            Ok(Performed::Answered(told)) => self.out.answers.push((answer, Ok(put_back(told, away)))),
            Ok(Performed::AwaitsAck { to, message, ack }) => self.out.unacked.push(PendingAck { ack, sid: to, message, answer }),
            Err(why) => {
                self.tell_refused(noted, &why);
                self.out.answers.push((answer, Err(why)));
            }
        }
    }

    /// A command of a socket, a try that ended, a verdict or a timer.
    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::Socket(command) => {
                if let Some(Incoming::Socket(command)) = self.admit(Incoming::Socket(command)) {
                    self.run(Step::Socket(command));
                }
            }
            // These change nothing themselves, but let others go on.
            Step::Verdict(id, verdict) => self.decide(id, verdict),
            Step::Timer(Timer::Verdict(id)) => self.out_of_time(id),
            Step::Timer(Timer::Ack(ack)) => self.unacked(ack.as_str()),
            step => self.run(step),
        }
    }

    /// The same, when nothing stands against it any more.
    pub(super) fn run(&mut self, step: Step) {
        let mark = self.tx.mark();
        let precious = match &step {
            Step::Socket(SocketCommand { op: SocketOp::Ended { .. }, .. }) | Step::Outcome(_) => Some(step.clone()),
            // A delivery whose wait is over is already in `due`, which a lost batch does not take back.
            // A purge comes again by itself.
            Step::Timer(Timer::Retry(..) | Timer::Pump | Timer::PurgeCallbacks | Timer::PurgeMessages) => None,
            Step::Socket(_) | Step::Cleared(_) | Step::Verdict(..) => None,
            Step::Timer(_) => Some(step.clone()),
        };
        let asked = match &step {
            Step::Socket(command) | Step::Cleared(command) if command.id > 0 => Some((command.conn, command.id)),
            _ => None,
        };
        let noted = match &step {
            Step::Socket(command) | Step::Cleared(command) => self.noted_of_socket(command),
            _ => None,
        };
        let done = guarded(|| match step {
            Step::Socket(command) => linked_or_new(&self.tx, &command).and_then(|()| self.socket(command)),
            Step::Cleared(command) => self.socket(command),
            Step::Verdict(..) => Ok(()),
            Step::Outcome(outcome) => self.outcome(&outcome),
            Step::Timer(timer) => self.timer(timer),
        });
        let result = self.settle(mark, done);
        if let Some((conn, id)) = asked {
            self.out.owed.push((conn, id));
            if let Err(why) = &result {
                self.tx.push(Push::Refuse { conn, id, why: why.clone() });
            }
        }
        if let Err(why) = &result {
            self.tell_refused(noted, why);
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
    pub(super) fn settle<T>(&mut self, mark: Mark, done: Result<T, Refusal>) -> Result<T, Refusal> {
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
        let mut rendered = Vec::with_capacity(events.len());
        for event in events {
            self.render(event, &mut rendered);
        }
        if stored.is_empty() && rendered.is_empty() {
            // Counters alone are written at the end of the batch, but they must open it.
            let counters = changes.iter().any(|c| matches!(c, Change::Counters(..)));
            return if counters { self.store.begin() } else { Ok(()) };
        }
        let now = self.tx.now;
        let free = self.store.savepoint(|store| {
            for change in &stored {
                store.write(change)?;
            }
            rendered.iter().map(|event| store.add_event(event, now)).collect::<store::Result<Vec<bool>>>()
        })?;
        for (event, free) in rendered.into_iter().zip(free) {
            if free {
                self.lane(&event.endpoint, |lane| lane.ready += 1);
            }
            self.touched.insert(event.endpoint);
        }
        Ok(())
    }

    /// The event as each endpoint will be told that wants to hear of it now.
    fn render(&self, event: &Event, rendered: &mut Vec<Rendered>) {
        let Some(app) = self.tx.state.apps.get(event.app()) else { return };
        match event {
            Event::Session(_) | Event::Group(_) | Event::Message(_) | Event::Direct(_) => rendered.extend((self.ports.render)(event, app)),
            Event::Channel(event) => {
                let mut wanting = self.tx.state.subscriptions_of(&event.app).iter().filter(|s| s.wants.includes(event)).peekable();
                let payload = wanting.peek().map(|_| (self.ports.render_channel)(event)).unwrap_or_default();
                rendered.extend(wanting.map(|s| Rendered {
                    endpoint: EndpointId::Subscription(event.app.clone(), s.id.clone()),
                    subject: event.channel.to_string(),
                    payload: payload.clone(),
                }));
            }
        }
    }

    fn request(&mut self, request: Request) -> Result<Performed, Refusal> {
        Ok(Performed::Answered(match request {
            Request::CreateApp(new) => Answer::App(app::create(&mut self.tx, *new)?),
            Request::ChangeApp { app, change } => self.change_app(app, change)?,
            Request::CreateKey(key) => {
                self.tx.change(Change::Key(key));
                Answer::Done
            }
            Request::DeleteKey { id } => {
                if !self.tx.state.keys.contains_key(&id) {
                    return Err(Refusal::NoSuchKey(id));
                }
                self.tx.change(Change::KeyGone(id));
                Answer::Done
            }
            Request::Group { app, group, by, what } => self.group(&app, &group, by, what, None)?,
            Request::Rooms(page) => Answer::Rooms(room::page(&self.tx, &page)?),
            Request::Revoke { app, user } => {
                revocation::revoke(&mut self.tx, &app, user)?;
                Answer::Done
            }
            Request::ForceOff { app, user } => {
                session::force_off(&mut self.tx, &app, &user)?;
                Answer::Done
            }
            Request::Send { app, group, sender, voice, by, draft } => match self.send(&app, &group, Speaker::Server(&sender, voice), by, &draft)? {
                Outcome::Accepted(said) => Answer::Sent(said),
                Outcome::Dropped(why) => Answer::Dropped { why, at: self.tx.now },
            },
            Request::SendDirect { app, sender, by, draft } => {
                if draft.reliable {
                    self.acks.room(&direct::connection(self.tx.state, &app, &draft.receiver)?.0)?;
                }
                let (to, message) = direct::send(&mut self.tx, &app, sender, (*draft, by), self.ids.tid(), self.ids.tid())?;
                if let (Some(ack), Some(to)) = (message.ack.clone(), to) {
                    return Ok(Performed::AwaitsAck { to, message, ack });
                }
                Answer::Sent(message.said())
            }
            Request::DeleteDirect { app, receiver, tid, by } => {
                self.tx.state.app(&app)?;
                if !self.store.has_direct(&app, &receiver, &tid).map_err(unreadable)? {
                    return Err(Refusal::NoSuchMessage(tid.to_string()));
                }
                direct::delete(&mut self.tx, &app, &receiver, tid, by);
                Answer::Done
            }
            Request::ChangeUserInfo { app, user, info } => Answer::Groups(session::change_info(&mut self.tx, &app, &user, info)?),
            Request::Online { app, users } => {
                self.tx.state.app(&app)?;
                let online = |user| {
                    let is = self.tx.state.session_of(&app, &user).is_some();
                    (user, is)
                };
                Answer::Users(users.into_iter().map(online).collect())
            }
            Request::UserStates { app, users } => Answer::UserStates(account::states(&self.tx, &app, users)?),
            Request::ImportAccounts { app, accounts } => Answer::Users(account::import(&mut self.tx, &app, accounts)?),
            Request::DeleteAccounts { app, users, by } => Answer::Users(account::delete(&mut self.tx, &app, users, &by)?),
            Request::Accounts { app, users } => {
                let found = self.tx.state.app(&app)?;
                Answer::Users(users.into_iter().map(|user| (user.clone(), self.tx.state.has_user(found, &user))).collect())
            }
            Request::Joined(page) => Answer::Joined(roster::joined(&self.tx, &page)?),
            Request::Unsent(unsent) => {
                self.unsent(*unsent)?;
                Answer::Done
            }
            Request::CreateSubscription { app, url, wants } => {
                let id = self.ids.subscription();
                subscription::create(&mut self.tx, &app, id.clone(), url, wants)?;
                Answer::Subscription { id }
            }
            Request::UpdateSubscription { app, id, url, wants } => {
                subscription::update(&mut self.tx, &app, &id, url, wants)?;
                self.touched.insert(EndpointId::Subscription(app, id));
                Answer::Done
            }
            Request::DeleteSubscription { app, id } => {
                subscription::delete(&mut self.tx, &app, &id)?;
                self.touched.insert(EndpointId::Subscription(app, id));
                Answer::Done
            }
            Request::DescribeChannel { app, channel } => Answer::Channel(channel::describe(&self.tx, &app, &channel)?),
            Request::CloseChannel { app, channel } => {
                channel::close(&mut self.tx, &app, &channel)?;
                Answer::Done
            }
            Request::Report { app, channel, reports } => {
                let ids = self.ids;
                Answer::Participants(report::take(&mut self.tx, &app, &channel, reports, || ids.stay())?)
            }
        }))
    }

    /// What is asked of a group, by a server or by a user who may.
    pub(super) fn group(&mut self, app: &AppId, name: &GroupId, by: Actor, what: GroupRequest, user: Option<&Session>) -> Result<Answer, Refusal> {
        match what {
            GroupRequest::DeleteMessage { tid, by } => {
                let group = &self.tx.state.live_group(app, name)?.config;
                let (gid, found) = (group.gid, self.store.find_message(group.gid, tid.as_str()).map_err(unreadable)?);
                let found = found.ok_or_else(|| Refusal::NoSuchMessage(tid.to_string()))?;
                if user.is_some_and(|user| !group.rules_over(&user.user) && found.sender != user.user) {
                    return Err(Refusal::NotAllowed(format!("delete message {tid}; its sender, and the group's creator and administrators may")));
                }
                sending::delete(&mut self.tx, gid, found, by);
                Ok(Answer::Done)
            }
            GroupRequest::Messages(page) => {
                let gid = self.tx.state.live_group(app, name)?.config.gid;
                let found = self.store.messages(gid, &page).map_err(unreadable)?;
                self.read += found.messages.iter().map(Message::wire_size).sum::<usize>();
                Ok(Answer::Messages(found))
            }
            GroupRequest::Recall { seqs } => {
                let gid = self.tx.state.live_group(app, name)?.config.gid;
                let mut found = Vec::with_capacity(seqs.len());
                for seq in &seqs {
                    found.extend(self.store.find_seq(gid, *seq).map_err(unreadable)?);
                }
                let done = seqs.into_iter().map(|seq| (seq, found.iter().any(|message| message.seq == seq))).collect();
                sending::recall(&mut self.tx, gid, found, by);
                Ok(Answer::Recalled(done))
            }
            what => group::perform(&mut self.tx, app, name, by, what, self.ids.epoch()),
        }
    }

    fn change_app(&mut self, id: AppId, change: AppChange) -> Result<Answer, Refusal> {
        let (old, new) = app::change(&mut self.tx, &id, change)?;
        self.app_changed(&old, &new)?;
        Ok(Answer::App(new))
    }

    fn timer(&mut self, timer: Timer) -> Result<(), Refusal> {
        match timer {
            Timer::Deadline(Deadline::Session(sid)) => session::due(&mut self.tx, &sid),
            Timer::Deadline(Deadline::Stay(cid, user, stay)) => report::due(&mut self.tx, cid, &user, &stay),
            Timer::Deadline(Deadline::Lingering(app, channel)) => channel::forget(&mut self.tx, app, channel),
            Timer::Deadline(Deadline::Group(gid)) => ban::due(&mut self.tx, gid),
            Timer::Count(gid) => membership::push_count(&mut self.tx, gid),
            Timer::Retry(endpoint, delivery) => {
                self.due.entry(endpoint.clone()).or_default().push_back(delivery);
                self.touched.insert(endpoint);
            }
            Timer::Pump => {
                self.touched.extend(self.tx.state.lanes.keys().cloned());
                self.touched.extend(self.due.keys().cloned());
            }
            Timer::PurgeCallbacks => self.purge_callbacks()?,
            Timer::PurgeMessages => self.purge_messages()?,
            Timer::SaveCounters | Timer::Redo | Timer::Verdict(_) | Timer::Ack(_) => {}
        }
        Ok(())
    }

    /// A message for a group, about which everybody was asked who had to be.
    pub(super) fn send(&mut self, app: &AppId, group: &GroupId, speaker: Speaker, by: Actor, draft: &Draft) -> Result<Outcome, Refusal> {
        let gid = self.tx.state.live_group(app, group)?.config.gid;
        let first = first(&self.tx, self.store, gid, speaker.user(&self.tx)?, draft)?;
        sending::send(&mut self.tx, &Sending { app, group, speaker, draft, first, passed: Passed::ALL }, by, self.ids.tid())
    }
}

/// Who is not to be brought into a group is taken out of the request; their places say where they stood in it.
fn turn_away(request: &mut Request, without: &[UserId]) -> Vec<(usize, UserId)> {
    let Request::Group { what: GroupRequest::AddMembers { members }, .. } = request else { return Vec::new() };
    let away = members.iter().enumerate().filter(|(_, member)| without.contains(&member.user)).map(|(at, member)| (at, member.user.clone())).collect();
    members.retain(|member| !without.contains(&member.user));
    away
}

/// And they stand in the answer again.
fn put_back(mut answer: Answer, away: Vec<(usize, UserId)>) -> Answer {
    if let Answer::Added(added) = &mut answer {
        away.into_iter().for_each(|(at, user)| added.insert(at, (user, Added::Refused)));
    }
    answer
}

/// A defect in one command must not take all others along: it is refused, and what it changed is
/// taken back like that of any other refused command.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|_| {
        tracing::error!("a command met a defect and was refused; please report it with the lines above");
        Err(Refusal::Internal)
    })
}

pub(super) fn unreadable(error: store::StoreError) -> Refusal {
    tracing::error!(%error, "the store could not be read");
    Refusal::Unavailable
}
