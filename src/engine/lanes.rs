//! Lanes on a batch (`design.md` §4.4–4.7): freezing waiting events into deliveries before the first
//! byte is sent, what a try's end means, and which delivery goes next.

use super::{batch::Batch, execute::unreadable, timers::Timer};
use crate::{
    domain::{
        Change, Refusal, Tick,
        app::App,
        endpoint::EndpointId,
        outbox::{DeliveryId, Freezing, Frozen, IN_FLIGHT, Job, Lane, Outcome, TryEnd},
        retry::{self, Next},
    },
    store,
};
use std::collections::{BTreeSet, HashMap, VecDeque};

/// Wait before a try that was not the endpoint's fault is made again, in ms.
const OURS_WAIT: u64 = 5_000;
/// Why a delivery whose URL was taken away is dead.
const REMOVED: &str = "endpoint removed";
/// So many deliveries of an endpoint that is no more are made and put aside at once; however many wait, nobody else does …
const ASIDE: usize = 100;
/// … and the next so many ms later.
const ASIDE_AGAIN: u64 = 10;

/// Between two warnings of an endpoint's dead deliveries, in ms: webhooks that are not repeated die as fast as they are made.
const WARN_EVERY: u64 = 60_000;
/// Above this many endpoints, those are forgotten that may be warned of again.
const MOST_WARNED: usize = 1_024;

/// Dead deliveries, so that the log tells of them and is not filled with them.
#[derive(Default)]
pub(super) struct Deaths(HashMap<EndpointId, (Tick, u64)>);

impl Deaths {
    /// Counts one. How many there were since the last warning, if it is time for one.
    fn count(&mut self, endpoint: &EndpointId, now: Tick) -> Option<u64> {
        if self.0.len() > MOST_WARNED {
            self.0.retain(|_, (next, _)| *next > now);
        }
        let (next, unsaid) = self.0.entry(endpoint.clone()).or_insert((now, 0));
        *unsaid += 1;
        if *next > now {
            return None;
        }
        *next = now.after(WARN_EVERY);
        Some(std::mem::take(unsaid))
    }
}

impl Batch<'_> {
    pub(super) fn lane(&mut self, endpoint: &EndpointId, change: impl FnOnce(&mut Lane)) {
        let mut lane = self.tx.state.lanes.get(endpoint).cloned().unwrap_or_default();
        change(&mut lane);
        let idle = lane == Lane::default();
        self.tx.change(Change::Lane(endpoint.clone(), (!idle).then_some(lane)));
    }

    /// Fills the lanes in which something changed, in the commit of what changed.
    pub(super) fn pump_touched(&mut self) {
        while let Some(endpoint) = self.touched.pop_first() {
            if let Err(error) = self.pump(&endpoint) {
                tracing::error!(%error, %endpoint, "a delivery could not be frozen; it is tried again");
                self.out.timers.push((self.tx.tick.after(super::REDO_AFTER), Timer::Pump));
            }
        }
    }

    fn pump(&mut self, endpoint: &EndpointId) -> store::Result<()> {
        if self.tx.state.url(endpoint).is_none() {
            return self.put_aside(endpoint);
        }
        // A disabled application's lane is parked: what waits is kept.
        if self.tx.state.apps.get(endpoint.app()).is_none_or(|app| app.disabled) {
            return Ok(());
        }
        let pumped = self.fill(endpoint);
        // An endpoint that is gone must leave nothing behind.
        if self.due.get(endpoint).is_some_and(VecDeque::is_empty) {
            self.due.remove(endpoint);
        }
        pumped
    }

    fn fill(&mut self, endpoint: &EndpointId) -> store::Result<()> {
        loop {
            let lane = self.tx.state.lanes.get(endpoint).cloned().unwrap_or_default();
            if lane.in_flight.len() >= IN_FLIGHT {
                return Ok(());
            }
            // Repeats leave the last place to fresh events, so that failing subjects hold back only themselves.
            let repeat = lane.in_flight.len() < IN_FLIGHT - 1 || lane.ready == 0;
            let due = if repeat { self.due.get_mut(endpoint).and_then(|due| due.pop_front()) } else { None };
            if let Some(delivery) = due {
                self.out.popped.push((endpoint.clone(), delivery.clone()));
                if lane.in_flight.contains(&delivery) {
                    continue;
                }
                let found = self.store.thaw(&delivery).inspect_err(|_| {
                    self.due.entry(endpoint.clone()).or_default().push_front(delivery.clone());
                    self.out.popped.pop();
                })?;
                let Some((Frozen { query, body }, tries)) = found else { continue };
                self.lane(endpoint, |lane| lane.in_flight.push(delivery.clone()));
                self.out.jobs.push(Job { delivery, endpoint: endpoint.clone(), query, body: body.into(), tries });
            } else if lane.ready > 0 {
                let id = self.ids.delivery();
                let (at, freeze) = (self.tx.now, &self.ports.freeze);
                let taken = self.store.savepoint(|store| {
                    let taken = store.take(endpoint, &id)?;
                    let frozen = freeze(&Freezing { delivery: &id, endpoint, at, events: &taken.events });
                    if !taken.events.is_empty() {
                        store.freeze(&id, endpoint, &frozen, at)?;
                    }
                    Ok((frozen, taken))
                });
                let (Frozen { query, body }, taken) = taken?;
                if taken.events.is_empty() {
                    tracing::error!(%endpoint, ready = lane.ready, "a lane counted events that the store has not; counting anew");
                    self.lane(endpoint, |lane| lane.ready = 0);
                    continue;
                }
                self.lane(endpoint, |lane| {
                    lane.ready = lane.ready.saturating_sub(taken.fewer_ready);
                    lane.in_flight.push(id.clone());
                });
                self.out.jobs.push(Job { delivery: id, endpoint: endpoint.clone(), query, body: body.into(), tries: 0 });
            } else {
                return Ok(());
            }
        }
    }

    /// Records a try and decides what comes next.
    pub(super) fn outcome(&mut self, outcome: &Outcome) -> Result<(), Refusal> {
        let Outcome { delivery, endpoint, attempt, end } = outcome;
        let gone = self.tx.state.url(endpoint).is_none();
        let ladder = retry::ladder(endpoint, self.tx.state.apps.get(endpoint.app()));
        let (now, tick, deaths) = (self.tx.now, self.tx.tick, &mut *self.deaths);
        let (freed, wait) = self
            .store
            .savepoint(|store| {
                // A try that never reached the endpoint's door is no attempt on its record.
                let tries = match end {
                    TryEnd::NotSpent => 0,
                    _ => store.add_attempt(delivery, endpoint, attempt)?,
                };
                let next = match end {
                    TryEnd::Delivered => return Ok((store.finish(delivery, endpoint, None, now)?, None)),
                    _ if gone => return Ok((store.finish(delivery, endpoint, Some(REMOVED), now)?, None)),
                    TryEnd::NotSpent => return Ok((0, Some(OURS_WAIT))),
                    TryEnd::Failed => retry::after_failure(tries, ladder),
                };
                match next {
                    Next::Wait(ms) => Ok((0, Some(ms))),
                    Next::Dead => {
                        let why = match &attempt.result {
                            Ok(status) => format!("the last of {tries} tries was answered {status}"),
                            Err(error) => format!("the last of {tries} tries failed: {error}"),
                        };
                        if let Some(deliveries) = deaths.count(endpoint, tick) {
                            tracing::warn!(%delivery, %endpoint, why, deliveries, "dead: nobody is told of these deliveries' events; they are kept for 7 days");
                        }
                        Ok((store.finish(delivery, endpoint, Some(&why), now)?, None))
                    }
                }
            })
            .map_err(|error| {
                tracing::error!(%error, %delivery, "a try's end could not be recorded; it is recorded again");
                Refusal::Unavailable
            })?;
        self.lane(endpoint, |lane| {
            lane.in_flight.retain(|id| id != delivery);
            lane.ready += freed;
        });
        if let Some(ms) = wait {
            let ms = ms * self.config.retry_percent as u64 / 100;
            self.out.timers.push((self.tx.tick.after(ms), Timer::Retry(endpoint.clone(), delivery.clone())));
        }
        self.touched.insert(endpoint.clone());
        Ok(())
    }

    /// An application was changed: one of its URLs, or it was switched on or off.
    pub(super) fn app_changed(&mut self, old: &App, new: &App) -> Result<(), Refusal> {
        for endpoint in [EndpointId::LiveEvents, EndpointId::LiveRooms, EndpointId::Chat].map(|of| of(new.id.clone())) {
            if endpoint.url(old, &[]).is_none() && endpoint.url(new, &[]).is_some() && self.has_waiting(&endpoint).map_err(unreadable)? {
                // What was told to nobody is not told to the next one.
                return Err(Refusal::Busy);
            }
            self.touched.insert(endpoint);
        }
        let subscriptions = self.tx.state.subscriptions_of(&new.id);
        let endpoints = subscriptions.iter().map(|s| EndpointId::Subscription(new.id.clone(), s.id.clone()));
        self.touched.extend(endpoints.collect::<Vec<_>>());
        Ok(())
    }

    fn in_flight(&self, endpoint: &EndpointId) -> Vec<DeliveryId> {
        self.tx.state.lanes.get(endpoint).map(|lane| lane.in_flight.clone()).unwrap_or_default()
    }

    fn has_waiting(&self, endpoint: &EndpointId) -> store::Result<bool> {
        let in_flight = self.in_flight(endpoint);
        Ok(self.store.has_events(endpoint)? || self.store.frozen(Some(endpoint))?.iter().any(|frozen| !in_flight.contains(&frozen.id)))
    }

    /// What waits for an endpoint that is no more becomes dead, a little at a time. Deliveries in flight may still arrive:
    /// their outcome decides.
    fn put_aside(&mut self, endpoint: &EndpointId) -> store::Result<()> {
        let (in_flight, ids, freeze, now) = (self.in_flight(endpoint), self.ids, &self.ports.freeze, self.tx.now);
        let ready = self.store.savepoint(|store| {
            let frozen = store.frozen(Some(endpoint))?.into_iter().map(|frozen| frozen.id).filter(|id| !in_flight.contains(id));
            let (mut room, mut subjects) = (ASIDE, BTreeSet::new());
            for id in frozen.take(ASIDE) {
                store.finish(&id, endpoint, Some(REMOVED), now)?;
                room -= 1;
            }
            for _ in 0..room {
                let (rows, events): (Vec<i64>, Vec<_>) = store.next_waiting(endpoint)?.into_iter().unzip();
                if rows.is_empty() {
                    return Ok(None);
                }
                let id = ids.delivery();
                let frozen = freeze(&Freezing { delivery: &id, endpoint, at: now, events: &events });
                store.bury(&id, endpoint, &frozen, &rows, REMOVED, now)?;
                subjects.extend(events.into_iter().map(|(subject, _)| subject));
            }
            // What is left of the last subject must be ready: a lane without anything ready is not looked at again.
            store.go_on(endpoint, subjects.iter())?;
            store.ready(endpoint).map(Some)
        })?;
        for delivery in self.due.remove(endpoint).into_iter().flatten() {
            self.out.popped.push((endpoint.clone(), delivery));
        }
        self.lane(endpoint, |lane| lane.ready = ready.unwrap_or(0));
        if ready.is_some() {
            self.out.timers.push((self.tx.tick.after(ASIDE_AGAIN), Timer::Pump));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AppId;

    #[test]
    fn dead_deliveries_are_warned_of_once_a_minute() {
        let (mut deaths, one) = (Deaths::default(), EndpointId::LiveRooms(AppId::trusted("a")));
        let told: Vec<_> = [0, 1, 59_999, 60_000, 60_001].map(|at| deaths.count(&one, Tick(at))).into();
        assert_eq!(told, [Some(1), None, None, Some(3), None]);
        assert_eq!(deaths.count(&EndpointId::LiveRooms(AppId::trusted("b")), Tick(60_001)), Some(1));
    }
}
