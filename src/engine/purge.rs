//! What is too old goes: ended callbacks, messages, groups that were deleted. A little at a time, so that
//! nobody waits for it; what is left is looked at again soon.

use super::{batch::Batch, timers::Timer};
use crate::{
    domain::{Change, Gid, Millis, Refusal, deletion, direct},
    store::{self, GROUPS_A_STEP, ROWS_A_STEP, Store},
};

/// Ended deliveries are kept this long, in ms (`alibaba.md` §3.1: 7 days) …
const KEEP_DELIVERIES: i64 = 7 * Millis::DAY;
/// … and at most so many.
const MOST_DELIVERIES: u32 = 100_000;
/// Events that wait behind so many newer ones are given up as well.
const MOST_WAITING: u32 = 1_000_000;
/// Old callbacks are looked for this often, in ms, because there are bounds on their number, too …
pub(super) const CALLBACKS_EVERY: u64 = 60_000;
/// … and old messages and groups so often; both sooner when there were many.
pub(super) const MESSAGES_EVERY: u64 = 3_600_000;
pub(super) const AGAIN: u64 = 200;

impl Batch<'_> {
    pub(super) fn purge_callbacks(&mut self) -> Result<(), Refusal> {
        let before = Millis(self.tx.now.0 - KEEP_DELIVERIES);
        let gone = self.store.savepoint(|store| store.purge_callbacks(before, MOST_DELIVERIES, MOST_WAITING)).map_err(failed)?;
        if gone.sum() > 0 {
            tracing::info!(delivered = gone.delivered, dead = gone.dead, waiting = gone.waiting, "old callbacks were purged");
        }
        for (endpoint, ready) in gone.ready {
            self.lane(&endpoint, |lane| lane.ready = ready);
        }
        if gone.more {
            self.out.timers.push((self.tx.tick.after(AGAIN), Timer::PurgeCallbacks));
        }
        Ok(())
    }

    /// Messages older than their application keeps them, and deleted groups that can be recovered no more.
    pub(super) fn purge_messages(&mut self) -> Result<(), Refusal> {
        let more = [self.purge_direct()?, self.purge_groups()?];
        if more.contains(&true) {
            self.out.timers.push((self.tx.tick.after(AGAIN), Timer::PurgeMessages));
        }
        Ok(())
    }

    /// Looks at the next groups. True: there may be more to do.
    fn purge_groups(&mut self) -> Result<bool, Refusal> {
        let (now, days, from) = (self.tx.now, self.tx.rules.quotas.deleted_group_days, *self.retention);
        let old_groups = self.store.groups_to_look_at(from).map_err(failed)?;
        let (mut last, mut room, mut forgotten, mut undated) = (from, ROWS_A_STEP, Vec::new(), Vec::new());
        let step = |store: &Store| -> store::Result<()> {
            for old in &old_groups {
                let is_forgotten = old.deleted.is_some_and(|at| deletion::is_forgotten(at, now, days));
                let kept = self.tx.state.apps.get(&old.app).map(|app| app.life_cycle.days() * Millis::DAY);
                let before = kept.filter(|_| !is_forgotten).map(|kept| Millis(now.0 - kept));
                let gone = store.forget_messages(old.gid, before, now)?;
                room = room.saturating_sub(gone);
                if gone >= ROWS_A_STEP {
                    // There may be more of this one.
                    return Ok(());
                }
                if is_forgotten {
                    forgotten.push(old.gid);
                }
                if old.deleted.is_some_and(|at| !at.is_credible(now)) && now >= Millis::BELIEVABLE {
                    undated.push(old.gid);
                }
                last = old.gid;
                if room == 0 {
                    return Ok(());
                }
            }
            Ok(())
        };
        self.store.savepoint(step).map_err(failed)?;
        for gid in forgotten {
            self.tx.change(Change::GroupGone(gid));
        }
        for gid in undated {
            deletion::redate(&mut self.tx, gid);
        }
        let more = room == 0 || old_groups.len() == GROUPS_A_STEP as usize;
        *self.retention = if more { last } else { Gid(0) };
        Ok(more)
    }

    /// Messages to one user. True: there may be more.
    fn purge_direct(&self) -> Result<bool, Refusal> {
        let (now, mut room) = (self.tx.now, ROWS_A_STEP);
        let step = |store: &Store| -> store::Result<()> {
            for app in self.tx.state.apps.values() {
                let (stored, traces) = (Millis(now.0 - app.life_cycle.days() * Millis::DAY), Millis(now.0 - direct::TRACE_KEPT));
                room -= store.forget_direct(&app.id, stored, traces, now, room)?;
                if room == 0 {
                    break;
                }
            }
            Ok(())
        };
        self.store.savepoint(step).map_err(failed)?;
        Ok(room == 0)
    }
}

fn failed(error: store::StoreError) -> Refusal {
    tracing::error!(%error, "what is too old could not be purged; it is tried again");
    Refusal::Unavailable
}
