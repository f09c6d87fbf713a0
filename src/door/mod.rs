//! The door: accepts on both listeners, reads HTTP under every limit, hands finished requests to the
//! control workers and upgraded sockets to the hubs. It must not know what a request means: no
//! dialect, no session, no store. One thread; nothing a stranger sends ends it.

mod connection;
pub mod http;
pub mod limits;
mod listener;
mod upgrade;
mod workers;

#[cfg(test)]
mod tests;

pub use limits::{Limits, Permit};
pub use upgrade::WEBSOCKET_PATH;
pub use workers::Workers;

use crate::clock::Clock;
use smol::{Async, channel};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

/// A request whose body is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// As sent, but `GET` for a HEAD: the answer is the same, and the door leaves its body out.
    pub method: String,
    /// As sent, not percent-decoded; begins with `/`, or is `*` for OPTIONS.
    pub path: String,
    /// Without the `?`; empty when there is none.
    pub query: String,
    /// In the order sent, names in lower case, values without outer blanks.
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
    pub peer: SocketAddr,
}

/// What a request is answered with. Length, date, server and connection headers are added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    /// A line of plain text; its line end is added.
    pub fn text(status: u16, text: &str) -> Reply {
        let headers = vec![("Content-Type".into(), "text/plain; charset=utf-8".into())];
        Reply { status, headers, body: format!("{text}\n").into_bytes() }
    }

    /// With one more header.
    pub fn with(mut self, name: &str, value: &str) -> Reply {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// Answers control requests; called on worker threads, many at a time.
pub type Handler = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;
/// Makes the answer to a control request that the door refuses, of a status, a sentence and the path, as far as that is
/// known: its clients read no plain text.
pub type Explain = Box<dyn Fn(u16, &str, &str) -> Reply + Send>;
/// Takes upgraded sockets over; called on the door's thread, so it must not block.
pub type Adopt = Box<dyn Fn(Upgraded) + Send>;

/// A client that asked for a WebSocket and may have it.
#[derive(Debug)]
pub struct Upgraded {
    /// Nonblocking, `TCP_NODELAY`.
    pub stream: TcpStream,
    /// The 101 answer, still to be written before anything else.
    pub greeting: Vec<u8>,
    /// What the client has sent after its head already.
    pub leftover: Vec<u8>,
    pub peer: SocketAddr,
    /// To be kept as long as the socket is open.
    pub permit: Permit,
}

/// A request on its way to a worker, and the way back for the printed answer.
pub struct Job {
    pub request: Request,
    /// The answer is printed without its body.
    pub head_only: bool,
    pub answer: channel::Sender<Vec<u8>>,
}

/// What [`start`] needs.
pub struct DoorConfig {
    /// Both are listening already; the queue for those who wait is set anew.
    pub control: TcpListener,
    pub sessions: TcpListener,
    pub limits: Limits,
    pub clock: Clock,
    /// Started by the door, to take what it has read.
    pub workers: Arc<Workers>,
    pub handler: Handler,
    pub adopt: Adopt,
    /// How the control listener says what the door itself refuses.
    pub explain: Explain,
}

/// The running door.
pub struct Door {
    /// Closing it tells all tasks to come to an end …
    stop: channel::Sender<()>,
    /// … and closing this one, to do so at once.
    abort: channel::Sender<()>,
    ended: mpsc::Receiver<()>,
    thread: Option<JoinHandle<()>>,
    #[cfg(test)]
    caps: Arc<limits::Caps>,
    /// Requests that are with the workers now.
    busy: Arc<AtomicUsize>,
}

/// Requests that wait for a worker at most; more are told to come again (503).
const QUEUE: usize = 256;
/// The kernel's queue of connections to accept. The standard library's 128 loses the burst after a power cut.
const BACKLOG: i32 = 1024;
/// How long `stop` waits for requests under way. Real time, also with a standing clock, or stopping would hang.
const STOP_PATIENCE: Duration = Duration::from_secs(3);

/// Starts the door's thread and the control workers. Errors: the listeners cannot be watched, no threads.
pub fn start(config: DoorConfig) -> io::Result<Door> {
    let DoorConfig { control, sessions, limits, clock, workers: crew, handler, adopt, explain } = config;
    rustix::net::listen(&control, BACKLOG)?;
    rustix::net::listen(&sessions, BACKLOG)?;
    let (control, sessions) = (Async::new(control)?, Async::new(sessions)?);
    let (jobs, queue) = channel::bounded(QUEUE);
    workers::start(&crew, queue, clock.clone(), handler)?;
    let (stop, stopping) = channel::bounded(1);
    let (abort, aborting) = channel::bounded(1);
    let (end, ended) = mpsc::channel();
    let caps = limits::Caps::new(limits);
    let busy = Arc::new(AtomicUsize::new(0));
    let (their_caps, their_busy) = (caps.clone(), busy.clone());
    let thread = std::thread::Builder::new().name("door".into()).spawn(move || {
        let house = listener::House::new(clock, their_caps, their_busy, jobs, adopt, explain, stopping);
        listener::run(house, control, sessions, aborting);
        let _ = end.send(());
    })?;
    Ok(Door {
        stop,
        abort,
        ended,
        thread: Some(thread),
        #[cfg(test)]
        caps,
        busy,
    })
}

impl Door {
    /// Accepts no more, answers what was begun (3 s at most), and closes. Upgraded sockets stay with their hubs.
    pub fn stop(mut self) {
        self.stop.close();
        if self.ended.recv_timeout(STOP_PATIENCE).is_err() {
            let busy = self.busy.load(Ordering::Relaxed);
            tracing::warn!(with_workers = busy, "requests were still under way after {} s; closing on them", STOP_PATIENCE.as_secs());
        }
        self.abort.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the door's thread had panicked");
        }
    }
}

/// Where a listener is reached from its own machine: one that listens everywhere, at the loopback.
pub fn here(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, addr.port())
}

#[cfg(test)]
impl Door {
    /// Sockets that are open now, those of the hubs included.
    fn connections(&self) -> usize {
        self.caps.open()
    }

    fn busy(&self) -> usize {
        self.busy.load(Ordering::Relaxed)
    }
}
