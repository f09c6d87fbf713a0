//! One batch of commands on the state: what they changed and how to take it back, what happened, what is
//! to be pushed. Nothing of it may leave the engine before it is committed.

use super::{
    AppId, ChannelId, Cid, Gid, Millis, SessionId, StayId, Tick, UserId,
    channel::Channel,
    event::{ChannelEvent, Event, GroupEvent, InChannel, InGroup, SessionEvent, What},
    push::{Push, Target},
    request::Actor,
    session::{Link, Session},
    state::{Change, Rules, State},
};

/// The batch, command by command.
pub struct Tx<'a> {
    pub state: &'a mut State,
    pub rules: &'a Rules,
    pub now: Millis,
    pub tick: Tick,
    undo: Vec<Change>,
    /// What reaches the store, in order.
    pub stored: Vec<Change>,
    pub events: Vec<Event>,
    /// With the hubs that they go to, as bits.
    pub pushes: Vec<(u64, Push)>,
    /// What may be due later: timers have to be set.
    pub deadlines: Vec<Deadline>,
    /// Super-large groups whose counts changed.
    pub counts: Vec<Gid>,
}

/// Something of which the state says whether, and when, it is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// The end of a session's grace, or of its time to subscribe anew.
    Session(SessionId),
    /// The end of a stay that was reported and not confirmed since.
    Stay(Cid, UserId, StayId),
    /// A channel that was closed is forgotten.
    Lingering(AppId, ChannelId),
    /// The end of a mute or a ban in a group.
    Group(Gid),
}

/// A place in a batch to which it can be taken back.
#[derive(Clone, Copy, Debug)]
pub struct Mark([usize; 6]);

impl<'a> Tx<'a> {
    pub fn new(state: &'a mut State, rules: &'a Rules, now: Millis, tick: Tick) -> Self {
        Tx { state, rules, now, tick, undo: vec![], stored: vec![], events: vec![], pushes: vec![], deadlines: vec![], counts: vec![] }
    }

    pub fn change(&mut self, change: Change) {
        if change.is_saved() {
            self.stored.push(change.clone());
        }
        let back = self.state.apply(change);
        self.undo.push(back);
    }

    pub fn link(&mut self, sid: &SessionId, link: Option<Link>) {
        self.change(Change::Link(sid.clone(), link));
        self.deadlines.push(Deadline::Session(sid.clone()));
    }

    pub fn event(&mut self, session: &Session, what: What) {
        let event = SessionEvent { app: session.app.clone(), user: session.user.clone(), sid: session.sid.clone(), by: session.actor(), at: self.now, what };
        self.events.push(Event::Session(event));
    }

    /// Of a group that is there.
    pub fn group_event(&mut self, gid: Gid, by: Actor, what: InGroup) {
        let Some(found) = self.state.group(gid) else { return };
        let (group, views) = (found.config.clone(), found.counters.joins);
        self.events.push(Event::Group(GroupEvent { app: group.app.clone(), group, views, at: self.now, by, what }));
    }

    pub fn channel_event(&mut self, channel: &Channel, what: InChannel) {
        let event = ChannelEvent { app: channel.app.clone(), channel: channel.id.clone(), at: self.now, what };
        self.events.push(Event::Channel(event));
    }

    /// The channel is gone, and is still said to exist for `ms`.
    pub fn linger(&mut self, app: &AppId, channel: &ChannelId, ms: u64) {
        let name = (app.clone(), channel.clone());
        self.change(Change::Lingers(name.clone(), Some(self.tick.after(ms))));
        self.deadlines.push(Deadline::Lingering(name.0, name.1));
    }

    /// Queues a push for the hubs that have a receiver of it at this moment of the batch.
    pub fn push(&mut self, push: Push) {
        let hubs = match push.target() {
            Target::Conn(conn) => 1 << conn.hub,
            Target::Topic(topic) => self.state.audience(topic).map_or(0, |audience| audience.on_hubs()),
        };
        if hubs != 0 {
            self.pushes.push((hubs, push));
        }
    }

    pub fn count_later(&mut self, gid: Gid) {
        self.counts.push(gid);
    }

    /// What was changed and what happened since `mark`, in order.
    pub fn since(&self, mark: Mark) -> (&[Change], &[Event]) {
        (&self.stored[mark.0[1]..], &self.events[mark.0[2]..])
    }

    /// Takes back the whole batch.
    pub fn back_to_start(&mut self) {
        self.back_to(Mark([0; 6]));
    }

    pub fn mark(&self) -> Mark {
        Mark([self.undo.len(), self.stored.len(), self.events.len(), self.pushes.len(), self.deadlines.len(), self.counts.len()])
    }

    /// Takes back everything since `mark`, newest first.
    pub fn back_to(&mut self, mark: Mark) {
        let Mark([undo, stored, events, pushes, deadlines, counts]) = mark;
        while self.undo.len() > undo {
            let change = self.undo.pop().expect("longer than the mark");
            self.state.apply(change);
        }
        self.stored.truncate(stored);
        self.events.truncate(events);
        self.pushes.truncate(pushes);
        self.deadlines.truncate(deadlines);
        self.counts.truncate(counts);
    }
}
