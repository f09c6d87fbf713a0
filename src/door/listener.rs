//! Accepting: one loop a listener, which nothing ends but the door's stop, and the connections' tasks.
//! Must not know HTTP beyond the answer to those who are turned away.

use super::{
    Adopt, Explain, Job, Reply, connection,
    limits::{self, Bodies, Caps, Full},
};
use crate::clock::Clock;
use smol::{Async, LocalExecutor, channel, future, future::FutureExt};
use std::{
    cell::{Cell, RefCell},
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    panic::AssertUnwindSafe,
    rc::Rc,
    sync::{Arc, atomic::AtomicUsize},
};

/// Which listener a connection came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Control,
    Sessions,
}

/// What all tasks of the door's thread share.
pub struct House {
    pub clock: Clock,
    pub caps: Arc<Caps>,
    pub bodies: Bodies,
    pub busy: Arc<AtomicUsize>,
    pub jobs: channel::Sender<Job>,
    pub adopt: Adopt,
    pub explain: Explain,
    /// Closed when the door stops; nothing is ever sent.
    pub stopping: channel::Receiver<()>,
    /// Bytes just read, before they go to their connection: an idle connection holds no buffer.
    pub scratch: RefCell<Box<[u8]>>,
    open: Cell<usize>,
    turned_away: Cell<usize>,
    left: (channel::Sender<()>, channel::Receiver<()>),
}

impl House {
    pub fn new(
        clock: Clock,
        caps: Arc<Caps>,
        busy: Arc<AtomicUsize>,
        jobs: channel::Sender<Job>,
        adopt: Adopt,
        explain: Explain,
        stopping: channel::Receiver<()>,
    ) -> House {
        House {
            clock,
            caps,
            bodies: Bodies::default(),
            busy,
            jobs,
            adopt,
            explain,
            stopping,
            scratch: RefCell::new(vec![0; limits::HEAD].into()),
            open: Cell::new(0),
            turned_away: Cell::new(0),
            left: channel::bounded(1),
        }
    }

    /// What the door itself answers: as the control API's clients read it, or in plain words. The path may be empty.
    pub fn say(&self, side: Side, status: u16, why: &str, path: &str) -> Reply {
        match side {
            Side::Control => (self.explain)(status, why, path),
            Side::Sessions => Reply::text(status, why),
        }
    }

    /// Waits, and gives up when the door stops.
    async fn pause(&self, ms: u64) {
        let until = self.clock.sleep_until(self.clock.tick().after(ms));
        until.or(self.stopped()).await;
    }

    pub async fn stopped(&self) {
        let _ = self.stopping.recv().await;
    }
}

/// The thread: runs until the door is stopped and the connections have ended, or until `aborting` closes.
pub fn run(house: House, control: Async<TcpListener>, sessions: Async<TcpListener>, aborting: channel::Receiver<()>) {
    let house = Rc::new(house);
    let executor = Rc::new(LocalExecutor::new());
    let tasks = [(control, Side::Control), (sessions, Side::Sessions)].map(|(l, side)| executor.spawn(accept(executor.clone(), house.clone(), l, side)));
    let end = async {
        house.stopped().await;
        for task in tasks {
            task.await;
        }
        let aborted = Cell::new(false);
        while house.open.get() > 0 && !aborted.get() {
            let left = async { _ = house.left.1.recv().await };
            let abort = async {
                let _ = aborting.recv().await;
                aborted.set(true);
            };
            left.or(abort).await;
        }
    };
    smol::block_on(executor.run(end));
}

async fn accept(executor: Rc<LocalExecutor<'static>>, house: Rc<House>, listener: Async<TcpListener>, side: Side) {
    let mut wait = limits::ACCEPT_WAIT.0;
    loop {
        let next = async { Some(listener.accept().await) };
        let accepted = next.or(async {
            house.stopped().await;
            None
        });
        match accepted.await {
            None => return,
            Some(Ok((stream, peer))) => {
                wait = limits::ACCEPT_WAIT.0;
                enter(&executor, &house, stream, peer, side);
                // A burst must not keep those who are in already from their turn.
                future::yield_now().await;
            }
            // The client is gone already; the next one is not.
            Some(Err(e)) if matches!(e.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted) => {}
            // Out of files or memory: accepting at once again would only spin.
            Some(Err(e)) => {
                tracing::warn!(error = %e, "cannot accept connections; trying again in {wait} ms");
                house.pause(wait).await;
                wait = (wait * 2).min(limits::ACCEPT_WAIT.1);
            }
        }
    }
}

fn enter(executor: &LocalExecutor<'static>, house: &Rc<House>, stream: Async<TcpStream>, peer: SocketAddr, side: Side) {
    // It only costs a delay when it fails.
    let _ = stream.get_ref().set_nodelay(true);
    let task = house.clone();
    match house.caps.admit(peer.ip(), side == Side::Control) {
        Ok(permit) => {
            let visit = async move { connection::serve(&task, side, stream, peer, permit).await };
            spawn(executor, house, visit);
        }
        Err(full) => {
            tracing::debug!(%peer, ?full, "turned away");
            if house.turned_away.get() < limits::TURNED_AWAY {
                house.turned_away.set(house.turned_away.get() + 1);
                spawn(executor, house, async move {
                    connection::dismiss(&task, side, stream, peer, sorry(&task, side, full)).await;
                    task.turned_away.set(task.turned_away.get() - 1);
                });
            }
        }
    }
}

fn sorry(house: &House, side: Side, full: Full) -> Reply {
    let reply = match full {
        Full::Total(n) => house.say(side, 503, &format!("the server has {n} connections, the most allowed; try again later"), ""),
        Full::Address(n) => house.say(side, 429, &format!("your address has {n} connections, the most allowed; close some first"), ""),
    };
    reply.with("Retry-After", "5").with("Access-Control-Allow-Origin", "*")
}

/// A connection's task. A panic in it is a fault of ours, and must not take the others along.
fn spawn(executor: &LocalExecutor<'static>, house: &Rc<House>, visit: impl Future<Output = ()> + 'static) {
    house.open.set(house.open.get() + 1);
    let house = house.clone();
    let task = executor.spawn(async move {
        if AssertUnwindSafe(visit).catch_unwind().await.is_err() {
            tracing::error!("a connection's task panicked");
        }
        house.open.set(house.open.get() - 1);
        let _ = house.left.0.try_send(());
    });
    task.detach();
}
