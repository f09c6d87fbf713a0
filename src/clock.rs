//! The only place that reads a clock or arms a timer (`design.md` §4.9). Waits run on the boot-time
//! clock, which counts suspend; wall time is for stamps. The virtual twin stands still until it is
//! advanced, and then steps from due timer to due timer, waiting after each until all work is done.

use crate::{
    domain::{Millis, Tick},
    fatal,
};
use rustix::{
    event::{PollFd, PollFlags, poll},
    fd::OwnedFd,
    time::{ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime, timerfd_create, timerfd_settime},
};
use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

/// Reads both times and wakes at a tick. Cheap to clone; all clones are one clock.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    timers: Mutex<Timers>,
    /// The thread that waits for the earliest timer; real clocks only.
    timerfd: Option<OwnedFd>,
    /// A virtual clock's times; `None` for a real one.
    still: Option<Mutex<Still>>,
    /// Work under way: queued commands, pushes, deliveries.
    work: AtomicUsize,
    /// Pings that were sent and not answered; a clock that is advanced gives the clients a moment.
    pings: AtomicI64,
}

#[derive(Clone, Copy)]
struct Still {
    now: Millis,
    tick: Tick,
}

#[derive(Default)]
struct Timers {
    next: u64,
    due: BTreeMap<(Tick, u64), Waker>,
}

/// How long, in real time, an advancing clock waits for the clients to answer their pings.
const PONG_PATIENCE: Duration = Duration::from_millis(250);
/// How long, in real time, it waits for work to be done before it says that something hangs.
const WORK_PATIENCE: Duration = Duration::from_secs(20);

impl Clock {
    /// The machine's clock. Starts a thread.
    pub fn real() -> std::io::Result<Clock> {
        let timerfd = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::CLOEXEC)?;
        let clock = Clock(Arc::new(Inner::new(Some(timerfd), None)));
        let weak = Arc::downgrade(&clock.0);
        std::thread::Builder::new().name("clock".into()).stack_size(64 * 1024).spawn(move || fatal::or_abort("clock", || run(weak)))?;
        Ok(clock)
    }

    /// A clock that stands at the machine's present wall time until it is advanced.
    pub fn standing() -> Clock {
        Clock::standing_at(wall())
    }

    /// The same at another wall time.
    pub fn standing_at(now: Millis) -> Clock {
        let still = Still { now, tick: Tick(1_000_000) };
        Clock(Arc::new(Inner::new(None, Some(Mutex::new(still)))))
    }

    pub fn is_virtual(&self) -> bool {
        self.0.still.is_some()
    }

    /// Wall time.
    pub fn now(&self) -> Millis {
        match &self.0.still {
            Some(still) => still.lock().expect("no panic while held").now,
            None => wall(),
        }
    }

    /// Time since boot, suspend included.
    pub fn tick(&self) -> Tick {
        match &self.0.still {
            Some(still) => still.lock().expect("no panic while held").tick,
            None => boot(),
        }
    }

    /// How long the machine has slept since it was started, in ms. A virtual clock never sleeps.
    pub fn slept(&self) -> u64 {
        if self.is_virtual() {
            return 0;
        }
        let awake = clock_gettime(ClockId::Monotonic);
        boot().since(Tick(awake.tv_sec as u64 * 1000 + awake.tv_nsec as u64 / 1_000_000))
    }

    /// Wakes once at `at`, or at once if that is past. Dropping the alarm takes it back.
    pub fn wake_at(&self, at: Tick, waker: Waker) -> Alarm {
        if at <= self.tick() {
            // A standing clock would not come to it by itself.
            waker.wake();
            return Alarm { clock: self.clone(), key: (at, u64::MAX) };
        }
        let mut timers = self.0.timers.lock().expect("no panic while held");
        let key = (at, timers.next);
        timers.next += 1;
        let first = timers.due.first_key_value().is_none_or(|(k, _)| key < *k);
        timers.due.insert(key, waker);
        if first {
            self.arm(at);
        }
        Alarm { clock: self.clone(), key }
    }

    /// Completes at `at`.
    pub fn sleep_until(&self, at: Tick) -> Sleep {
        Sleep { clock: self.clone(), at, alarm: None }
    }

    fn arm(&self, at: Tick) {
        if let Some(fd) = &self.0.timerfd {
            // 0 would disarm.
            let at = at.0.max(1);
            let value = Timespec { tv_sec: (at / 1000) as i64, tv_nsec: (at % 1000) as i64 * 1_000_000 };
            let spec = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
            timerfd_settime(fd, TimerfdTimerFlags::ABSTIME, &spec).expect("a valid time on our own timerfd");
        }
    }

    /// Wakes all whose time has come, outside the lock.
    fn fire(&self, now: Tick) {
        let mut ripe = Vec::new();
        {
            let mut timers = self.0.timers.lock().expect("no panic while held");
            while let Some(entry) = timers.due.first_entry() {
                if entry.key().0 > now {
                    let at = entry.key().0;
                    self.arm(at);
                    break;
                }
                ripe.push(entry.remove());
            }
        }
        ripe.into_iter().for_each(Waker::wake);
    }

    /// Counts as work until it is dropped; a clock that is being advanced waits for it.
    pub fn work(&self) -> Work {
        if !self.is_virtual() {
            return Work(None);
        }
        self.0.work.fetch_add(1, Ordering::SeqCst);
        Work(Some(self.clone()))
    }

    /// A ping was sent (1), or answered or given up (-1).
    pub fn ping(&self, by: i64) {
        self.0.pings.fetch_add(by, Ordering::SeqCst);
    }

    /// Moves a virtual clock on, from due timer to due timer. Returns the new time, or why not.
    pub fn advance(&self, ms: u64) -> Result<Millis, String> {
        let Some(still) = &self.0.still else {
            return Err("the clock is the machine's own; start with --clock virtual to move it".into());
        };
        self.settle()?;
        let end = self.tick().after(ms);
        loop {
            let due = self.0.timers.lock().expect("no panic while held").due.keys().next().map(|k| k.0);
            let step = due.filter(|at| *at < end).unwrap_or(end);
            {
                let mut still = still.lock().expect("no panic while held");
                let by = step.since(still.tick);
                still.tick = still.tick.after(by);
                still.now.0 += by as i64;
            }
            self.fire(step);
            self.settle()?;
            if step == end && self.0.timers.lock().expect("no panic while held").due.keys().next().is_none_or(|k| k.0 > end) {
                return Ok(self.now());
            }
        }
    }

    /// Waits, in real time, until nothing is under way and the clients have answered their pings.
    fn settle(&self) -> Result<(), String> {
        let began = Instant::now();
        let mut quiet = 0;
        // Bytes that are in a socket are nobody's work yet, so quiet must last a moment.
        while quiet < 4 {
            let busy = self.0.work.load(Ordering::SeqCst) > 0;
            let asked = self.0.pings.load(Ordering::SeqCst) > 0 && began.elapsed() < PONG_PATIENCE;
            quiet = if busy || asked { 0 } else { quiet + 1 };
            if began.elapsed() > WORK_PATIENCE {
                return Err(format!("work is still under way after {} s", WORK_PATIENCE.as_secs()));
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        Ok(())
    }
}

impl Inner {
    fn new(timerfd: Option<OwnedFd>, still: Option<Mutex<Still>>) -> Inner {
        Inner { timers: Mutex::default(), timerfd, still, work: AtomicUsize::new(0), pings: AtomicI64::new(0) }
    }
}

/// The clock's thread: sleeps in the timerfd, fires, and ends when the clock is gone.
fn run(weak: Weak<Inner>) {
    while let Some(inner) = weak.upgrade() {
        let clock = Clock(inner);
        let fd = clock.0.timerfd.as_ref().expect("only real clocks have this thread");
        // Woken at least every minute, to notice that the clock is gone.
        let minute = Timespec { tv_sec: 60, tv_nsec: 0 };
        let mut fds = [PollFd::new(fd, PollFlags::IN)];
        if poll(&mut fds, Some(&minute)).is_ok_and(|n| n > 0) {
            let _ = rustix::io::read(fd, &mut [0u8; 8]);
            clock.fire(boot());
        }
    }
}

/// Waits in real time, for a retry of something outside the process, while no server runs in it.
pub fn pause(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

fn wall() -> Millis {
    let t = clock_gettime(ClockId::Realtime);
    Millis(t.tv_sec * 1000 + t.tv_nsec / 1_000_000)
}

fn boot() -> Tick {
    let t = clock_gettime(ClockId::Boottime);
    Tick(t.tv_sec as u64 * 1000 + t.tv_nsec as u64 / 1_000_000)
}

/// A pending wake; dropping it takes it back.
pub struct Alarm {
    clock: Clock,
    key: (Tick, u64),
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.clock.0.timers.lock().expect("no panic while held").due.remove(&self.key);
    }
}

/// See [`Clock::work`].
pub struct Work(Option<Clock>);

impl Drop for Work {
    fn drop(&mut self) {
        if let Some(clock) = &self.0 {
            clock.0.work.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// See [`Clock::sleep_until`].
pub struct Sleep {
    clock: Clock,
    at: Tick,
    alarm: Option<Alarm>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context) -> Poll<()> {
        if self.clock.tick() >= self.at {
            return Poll::Ready(());
        }
        let alarm = self.clock.wake_at(self.at, cx.waker().clone());
        self.alarm = Some(alarm);
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Wake;

    struct Note(Mutex<Vec<Tick>>, Clock);

    impl Wake for Note {
        fn wake(self: Arc<Self>) {
            self.0.lock().unwrap().push(self.1.tick());
        }
    }

    #[test]
    fn a_virtual_clock_steps_from_timer_to_timer() {
        let clock = Clock::standing();
        let note = Arc::new(Note(Mutex::default(), clock.clone()));
        let t0 = clock.tick();
        let _a = clock.wake_at(t0.after(500), note.clone().into());
        let b = clock.wake_at(t0.after(200), note.clone().into());
        let _c = clock.wake_at(t0.after(100), note.clone().into());
        drop(b);
        let before = clock.now();
        clock.advance(1000).unwrap();
        assert_eq!(*note.0.lock().unwrap(), [t0.after(100), t0.after(500)]);
        assert_eq!(clock.now().0 - before.0, 1000);
    }

    #[test]
    fn a_real_clock_wakes() {
        let clock = Clock::real().unwrap();
        let t0 = clock.tick();
        smol::block_on(clock.sleep_until(t0.after(20)));
        assert!(clock.tick() >= t0.after(20));
        assert!(clock.advance(1).is_err());
    }
}
