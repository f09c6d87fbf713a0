//! What the engine has to do later. A timer that has lost its reason is ignored when it comes: it
//! names a subject, and the state says whether anything is due for it.

use super::{Engine, REDO_AFTER, batch::Step, purge};
use crate::domain::{
    Gid, Tick, Tid, ban, endpoint::EndpointId, membership::COUNT_EVERY, moderation::QuestionId, outbox::DeliveryId, session::Link, tx::Deadline,
};
use std::collections::BTreeMap;

/// Counters of messages that are not stored are saved within this many ms (`design.md` §1).
const SAVE_COUNTERS_AFTER: u64 = 1_000;
/// Mutes and bans of a group are looked at this often while there is one that ends, in ms: a timer that was set for the
/// end of each would stay for as long, also when its group is gone.
pub(super) const LOOK_AT_ENDS: u64 = 600_000;

#[derive(Clone, Debug)]
pub enum Timer {
    /// Something may be due; the state says whether it is.
    Deadline(Deadline),
    /// The wait before a delivery's next try is over.
    Retry(EndpointId, DeliveryId),
    /// The counts of a super-large group may be pushed again.
    Count(Gid),
    SaveCounters,
    /// A business's server has had its time for this question.
    Verdict(QuestionId),
    /// A client has had its time to confirm the message with this ack.
    Ack(Tid),
    /// Look at every lane.
    Pump,
    PurgeCallbacks,
    PurgeMessages,
    Redo,
}

#[derive(Default)]
pub struct Timers {
    due: BTreeMap<(Tick, u64), Timer>,
    count: u64,
}

impl Timers {
    pub fn at(&mut self, at: Tick, timer: Timer) {
        self.count += 1;
        self.due.insert((at, self.count), timer);
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.due.len()
    }

    pub fn next(&self) -> Option<Tick> {
        self.due.keys().next().map(|(at, _)| *at)
    }

    /// Takes out all whose time has come, in order.
    pub fn ripe(&mut self, now: Tick) -> Vec<Timer> {
        let mut ripe = Vec::new();
        while let Some(entry) = self.due.first_entry() {
            if entry.key().0 > now {
                break;
            }
            ripe.push(entry.remove());
        }
        ripe
    }
}

/// What a batch leaves to be done later, and what of it has come.
impl Engine {
    /// What is to be done again, and what the timers ask for; true when counters are to be saved.
    pub(super) fn due_steps(&mut self, tick: Tick) -> (Vec<Step>, bool) {
        if self.alarm.as_ref().is_some_and(|(at, _)| *at <= tick) {
            self.alarm = None;
        }
        let (mut steps, mut save) = (std::mem::take(&mut self.redo), false);
        for timer in self.timers.ripe(tick) {
            match &timer {
                Timer::Redo => continue,
                Timer::SaveCounters => {
                    save = true;
                    continue;
                }
                Timer::Count(gid) => drop(self.counts.insert(*gid, (tick, false))),
                Timer::Deadline(Deadline::Group(gid)) => match self.ends.get(gid) {
                    Some(later) if *later > tick => continue,
                    _ => drop(self.ends.remove(gid)),
                },
                _ => {}
            }
            match self.purges.next(&timer) {
                Some(Some(at)) if *at > tick => continue,
                Some(next) => *next = None,
                None => {}
            }
            steps.push(Step::Timer(timer));
        }
        (steps, save)
    }

    /// Timers of which there is one each.
    pub(super) fn set_upkeep(&mut self, tick: Tick, saved: bool) {
        if !self.redo.is_empty() {
            self.timers.at(tick.after(REDO_AFTER), Timer::Redo);
        }
        for (timer, every) in [(Timer::PurgeCallbacks, purge::CALLBACKS_EVERY), (Timer::PurgeMessages, purge::MESSAGES_EVERY)] {
            if self.purges.next(&timer).is_some_and(|next| next.is_none()) {
                self.set_timer(tick.after(every), timer);
            }
        }
        self.save_set &= !saved;
        if !self.dirty.is_empty() && !self.save_set {
            self.save_set = true;
            self.timers.at(tick.after(SAVE_COUNTERS_AFTER), Timer::SaveCounters);
        }
    }

    /// Of purges there is one of each kind: the earlier one.
    pub(super) fn set_timer(&mut self, at: Tick, timer: Timer) {
        match self.purges.next(&timer) {
            Some(Some(next)) if *next <= at => return,
            Some(next) => *next = Some(at),
            None => {}
        }
        self.timers.at(at, timer);
    }

    pub(super) fn set_deadlines(&mut self, deadlines: Vec<Deadline>, tick: Tick) {
        for deadline in deadlines {
            let state = &self.core.state;
            let at = match &deadline {
                Deadline::Session(sid) => state.link(sid).and_then(Link::due),
                Deadline::Stay(cid, user, _) => state.channels.get(*cid).and_then(|c| c.heard_until.get(user)).copied(),
                Deadline::Lingering(app, channel) => state.channels.lingers(app, channel),
                Deadline::Group(gid) => self.next_end(*gid, tick),
            };
            if let Some(at) = at {
                self.timers.at(at, Timer::Deadline(deadline));
            }
        }
    }

    /// When mutes and bans of the group are to be looked at again, unless they are sooner anyway.
    fn next_end(&mut self, gid: Gid, tick: Tick) -> Option<Tick> {
        let end = ban::next_end(&self.core.state, gid)?;
        let wait = end.0.saturating_sub(self.core.clock.now().0).max(1).unsigned_abs();
        let at = tick.after(wait.min(LOOK_AT_ENDS));
        if self.ends.get(&gid).is_some_and(|sooner| *sooner <= at) {
            return None;
        }
        self.ends.insert(gid, at);
        Some(at)
    }

    pub(super) fn set_counts(&mut self, gids: Vec<Gid>, tick: Tick) {
        for gid in gids {
            let (last, set) = self.counts.entry(gid).or_insert((Tick(0), false));
            if !*set {
                *set = true;
                let at = last.after(COUNT_EVERY).max(tick);
                self.timers.at(at, Timer::Count(gid));
            }
        }
    }
}
