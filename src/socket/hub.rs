//! A hub as others see it: the thread, the way in, the stop. Its work is in `reactor.rs`.

use super::reactor::{Parts, Reactor};
use crate::{
    alibaba::token::NonceShape,
    clock::{Clock, Work},
    domain::{push::Push, quota::Quotas},
    door::Upgraded,
    engine::Handle,
    fatal,
    words::Words,
};
use rustix::{
    event::{EventfdFlags, eventfd},
    fd::OwnedFd,
};
use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::Wake,
    thread::JoinHandle,
};

/// What a hub needs to know.
#[derive(Clone)]
pub struct HubConfig {
    pub clock: Clock,
    /// Silence after which a session ends, in ms.
    pub silence: u64,
    /// Commands a second and session, with a burst of twice as many; 0 is off.
    pub commands_per_second: u32,
    /// Messages a second and session, in the same way.
    pub messages_per_second: u32,
    pub quotas: Quotas,
    /// Which nonces a login and a join token may have.
    pub nonces: NonceShape,
    /// The list of the built-in moderation.
    pub words: Arc<Words>,
}

pub(super) enum ToHub {
    Pushes(Vec<Push>),
    Adopt(Box<Upgraded>),
    Stop,
}

/// The way into a hub. Never blocks; the engine's pushes are bounded by what its batches can make,
/// because a hub takes all of them out in each tick.
pub(super) struct Inbox {
    pub(super) waiting: Mutex<Vec<(ToHub, Work)>>,
    /// The hub is about to sleep: whoever puts something in must wake it.
    pub(super) asleep: AtomicBool,
    pub(super) event: OwnedFd,
    pub(super) alarmed: Mutex<Option<Work>>,
    clock: Clock,
}

impl Inbox {
    fn put(&self, what: ToHub) {
        let work = self.clock.work();
        self.waiting.lock().expect("no panic while held").push((what, work));
        self.rouse();
    }

    fn rouse(&self) {
        if self.asleep.swap(false, Ordering::SeqCst) {
            // Edge-triggered: each write is an event, and the count is never read.
            let _ = rustix::io::write(&self.event, &1u64.to_ne_bytes());
        }
    }
}

impl Wake for Inbox {
    fn wake(self: Arc<Self>) {
        *self.alarmed.lock().expect("no panic while held") = Some(self.clock.work());
        self.rouse();
    }
}

/// A running hub.
pub struct Hub {
    inbox: Arc<Inbox>,
    thread: JoinHandle<()>,
}

impl Hub {
    /// `number` is its place among the hubs, at most 63.
    pub fn start(number: u8, engine: Handle, config: HubConfig) -> io::Result<Hub> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let clock = config.clock.clone();
        let inbox = Arc::new(Inbox { waiting: Mutex::default(), asleep: AtomicBool::new(false), event, alarmed: Mutex::default(), clock });
        let reactor = Parts::new(number, inbox.clone(), engine, config)?;
        // The connections share their frames without atomics, so a reactor is made on its own thread.
        let thread = std::thread::Builder::new().name(format!("hub-{number}")).spawn(move || fatal::or_abort("hub", || Reactor::new(reactor).run()))?;
        Ok(Hub { inbox, thread })
    }

    /// The engine's way in.
    pub fn deliverer(&self) -> Box<dyn Fn(Vec<Push>) + Send> {
        let inbox = self.inbox.clone();
        Box::new(move |pushes| inbox.put(ToHub::Pushes(pushes)))
    }

    /// The door's way in.
    pub fn adopter(&self) -> impl Fn(Upgraded) + Send + use<> {
        let inbox = self.inbox.clone();
        move |upgraded| inbox.put(ToHub::Adopt(Box::new(upgraded)))
    }

    /// Closes every socket with 3001 and ends, after 2 s at the latest; all hubs at once.
    pub fn stop(hubs: Vec<Hub>) {
        for hub in &hubs {
            hub.inbox.put(ToHub::Stop);
        }
        for hub in hubs {
            let _ = hub.thread.join();
        }
    }
}
