//! Threads: many at once, few when idle, fairly shared, none stuck at the end.

use super::*;
use std::{
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Instant,
};

type Jobs = Pool<&'static str, Box<dyn FnOnce() + Send>>;

const SIZE: Size = Size { threads: 8, crowded: 4, idle: 2 };

fn pool(clock: &Clock) -> Jobs {
    Pool::start("test", SIZE, |key| if *key == "poor" { 1 } else { usize::MAX }, clock.clone(), |job: Box<dyn FnOnce() + Send>| job()).unwrap()
}

/// Where jobs hang until it is opened, and how many went through.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar, AtomicUsize)>);

impl Gate {
    fn job(&self) -> Box<dyn FnOnce() + Send> {
        let gate = self.clone();
        Box::new(move || {
            let (open, opened, passed) = &*gate.0;
            drop(opened.wait_while(open.lock().unwrap(), |open| !*open).unwrap());
            passed.fetch_add(1, Ordering::SeqCst);
        })
    }

    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    fn passed(&self) -> usize {
        self.0.2.load(Ordering::SeqCst)
    }
}

fn until(what: impl Fn() -> bool) {
    let began = Instant::now();
    while !what() {
        assert!(began.elapsed() < Duration::from_secs(10));
        std::thread::yield_now();
    }
}

fn add(pool: &Jobs, key: &'static str, job: Box<dyn FnOnce() + Send>) {
    assert!(pool.add(key, job).is_ok());
}

#[test]
fn a_key_has_at_most_its_share() {
    let (pool, gate) = (pool(&Clock::standing()), Gate::default());
    for _ in 0..3 {
        add(&pool, "poor", gate.job());
    }
    let (seen, sees) = mpsc::channel();
    add(&pool, "rich", Box::new(move || seen.send(()).unwrap()));
    sees.recv_timeout(Duration::from_secs(10)).expect("another key has threads");
    until(|| pool.counts().0 == 1);
    gate.open();
    until(|| gate.passed() == 3);
    pool.stop(Duration::ZERO, |_| (), || ());
}

#[test]
fn keys_that_hang_leave_threads_to_the_others() {
    let (pool, gate) = (pool(&Clock::standing()), Gate::default());
    for _ in 0..SIZE.threads + 2 {
        add(&pool, "hangs", gate.job());
    }
    until(|| pool.counts().0 == SIZE.crowded);
    let (done, when) = mpsc::channel();
    for key in ["a", "b", "c", "d", "a", "b"] {
        let done = done.clone();
        add(&pool, key, Box::new(move || done.send(key).unwrap()));
        // At once, although more of the others wait than there are threads.
        assert_eq!(when.recv_timeout(Duration::from_secs(10)), Ok(key));
    }
    until(|| pool.counts().0 == SIZE.crowded);
    assert_eq!(gate.passed(), 0);
    gate.open();
    until(|| gate.passed() == SIZE.threads + 2);
    pool.stop(Duration::ZERO, |_| panic!("nothing waits"), || {});
}

#[test]
fn each_key_gets_one_thread_when_it_is_crowded_and_no_more_than_all_are_started() {
    let (pool, gate) = (pool(&Clock::standing()), Gate::default());
    for key in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
        add(&pool, key, gate.job());
        add(&pool, key, gate.job());
    }
    until(|| pool.counts().0 == SIZE.threads);
    assert_eq!(pool.counts(), (SIZE.threads, SIZE.threads, SIZE.threads));
    gate.open();
    until(|| gate.passed() == 20);
    until(|| pool.counts().1 <= SIZE.idle);
    // Those that stay take the next.
    add(&pool, "a", gate.job());
    until(|| gate.passed() == 21);
    pool.stop(Duration::ZERO, |_| panic!("nothing waits"), || {});
    until(|| pool.counts().1 == 0);
}

#[test]
fn a_virtual_clock_waits_for_what_is_queued_and_under_way() {
    let (clock, gate) = (Clock::standing(), Gate::default());
    let pool = pool(&clock);
    for _ in 0..SIZE.threads + 2 {
        add(&pool, "a", gate.job());
    }
    let (advancing, moved) = (clock.clone(), mpsc::channel());
    std::thread::spawn(move || moved.0.send(advancing.advance(1)).unwrap());
    until(|| pool.counts().0 == SIZE.crowded);
    assert!(moved.1.try_recv().is_err());
    gate.open();
    moved.1.recv_timeout(Duration::from_secs(10)).unwrap().unwrap();
    assert_eq!(gate.passed(), SIZE.threads + 2);
}

#[test]
fn stop_gives_back_what_waits_and_cuts_off_what_takes_too_long() {
    let (pool, gate) = (pool(&Clock::real().unwrap()), Gate::default());
    for _ in 0..SIZE.crowded + 3 {
        add(&pool, "a", gate.job());
    }
    until(|| pool.counts().0 == SIZE.crowded);
    let left = AtomicUsize::new(0);
    let leave = |_| {
        assert_eq!(gate.passed(), 0, "what waits is given back before anything is waited for");
        left.fetch_add(1, Ordering::SeqCst);
    };
    pool.stop(Duration::from_millis(50), leave, || gate.open());
    assert_eq!((left.into_inner(), gate.passed()), (3, SIZE.crowded));
    assert!(pool.add("a", gate.job()).is_err(), "a late job is given back too");
}
