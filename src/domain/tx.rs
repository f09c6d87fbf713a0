//! One batch of commands on the state: what they changed and how to take it back, what happened, what is
//! to be pushed. Nothing of it may leave the engine before it is committed.

use super::{
    Gid, Millis, SessionId, Tick,
    event::{Event, What},
    push::{Push, Target},
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
    /// Sessions whose link changed: their deadlines have to be set.
    pub relinked: Vec<SessionId>,
    /// Super-large groups whose counts changed.
    pub counts: Vec<Gid>,
}

/// A place in a batch to which it can be taken back.
#[derive(Clone, Copy, Debug)]
pub struct Mark([usize; 6]);

impl<'a> Tx<'a> {
    pub fn new(state: &'a mut State, rules: &'a Rules, now: Millis, tick: Tick) -> Self {
        Tx { state, rules, now, tick, undo: vec![], stored: vec![], events: vec![], pushes: vec![], relinked: vec![], counts: vec![] }
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
        self.relinked.push(sid.clone());
    }

    pub fn event(&mut self, session: &Session, what: What) {
        self.events.push(Event { app: session.app.clone(), user: session.user.clone(), sid: session.sid.clone(), what });
    }

    /// Queues a push for the hubs that have a receiver of it at this moment of the batch.
    pub fn push(&mut self, push: Push) {
        let hubs = match push.target() {
            Target::Conn(conn) => 1 << conn.hub,
            Target::Group(gid) => self.state.group(gid).map_or(0, |g| g.on_hubs()),
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
        Mark([self.undo.len(), self.stored.len(), self.events.len(), self.pushes.len(), self.relinked.len(), self.counts.len()])
    }

    /// Takes back everything since `mark`, newest first.
    pub fn back_to(&mut self, mark: Mark) {
        let Mark([undo, stored, events, pushes, relinked, counts]) = mark;
        while self.undo.len() > undo {
            let change = self.undo.pop().expect("longer than the mark");
            self.state.apply(change);
        }
        self.stored.truncate(stored);
        self.events.truncate(events);
        self.pushes.truncate(pushes);
        self.relinked.truncate(relinked);
        self.counts.truncate(counts);
    }
}
