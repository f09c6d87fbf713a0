//! One connection: requests are read one after the other, under the deadlines, and answered in order,
//! so that pipelined ones cannot overtake each other. Must not know what a request means.

use super::{
    Job, Reply, Request,
    http::{self, Fault, Head},
    limits::{self, Permit, Share},
    listener::{House, Side},
    upgrade,
};
use crate::domain::Tick;
use smol::{Async, channel, future, future::FutureExt};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::atomic::Ordering,
};

/// Why a connection ends.
enum End {
    /// The client left, the socket broke, or there is nothing to say: close.
    Quiet,
    /// Say why, then close.
    Fault(Fault),
}

impl From<Fault> for End {
    fn from(fault: Fault) -> End {
        End::Fault(fault)
    }
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> End {
        End::Quiet
    }
}

/// Serves a connection until it ends or is handed to a hub.
pub async fn serve(house: &House, side: Side, stream: Async<TcpStream>, peer: SocketAddr, permit: Permit) {
    let mut visit = Visit { house, stream, peer, unread: Vec::new(), share: house.bodies.share() };
    let mut first = true;
    loop {
        let head = match visit.head(side, first).await {
            Ok(head) => head,
            Err(End::Quiet) => return,
            Err(End::Fault(fault)) => {
                let path = http::path_of(&visit.unread);
                return visit.refuse(side, fault, &path).await;
            }
        };
        first = false;
        let close = head.close;
        let done = match side {
            Side::Control => visit.control(head).await,
            Side::Sessions => match upgrade::answer(&head, house.clock.now()) {
                upgrade::Answer::Upgrade(greeting) => return visit.hand_over(greeting, permit),
                // What follows the head may be a body that nobody asked for; it is not read.
                upgrade::Answer::Plain(bytes) => visit.say(bytes, close || head.length > 0).await.map_err(End::from),
            },
        };
        match done {
            Ok(true) => {}
            Ok(false) => return visit.linger().await,
            Err(End::Quiet) => return,
            Err(End::Fault(fault)) => return visit.refuse(side, fault, "").await,
        }
        // Whoever sends without pause must not keep the thread.
        future::yield_now().await;
    }
}

/// Tells a client that was not let in why, and closes. One that asks for a WebSocket gets it, to read
/// a close code there: a browser shows its page nothing of a refused handshake.
pub async fn dismiss(house: &House, side: Side, stream: Async<TcpStream>, peer: SocketAddr, reply: Reply) {
    let mut visit = Visit { house, stream, peer, unread: Vec::new(), share: house.bodies.share() };
    let (mut answer, mut close) = (http::print(reply, false, house.clock.now()), true);
    if side == Side::Sessions
        && let Ok(head) = visit.head(side, true).await
        && let upgrade::Answer::Upgrade(mut greeting) = upgrade::answer(&head, house.clock.now())
    {
        greeting.extend_from_slice(&upgrade::turned_away());
        // The close frame says it; the head is that of an upgrade.
        (answer, close) = (greeting, false);
    }
    if visit.say(answer, close).await.is_ok() {
        visit.linger().await;
    }
}

/// One client on one socket.
struct Visit<'a> {
    house: &'a House,
    stream: Async<TcpStream>,
    peer: SocketAddr,
    /// Read from the socket and not yet used; the next request may be in it already.
    unread: Vec<u8>,
    /// The memory of the present request.
    share: Share,
}

impl Visit<'_> {
    /// The next request's head. An idle connection ends quietly, also when the door stops.
    async fn head(&mut self, side: Side, first: bool) -> Result<Head, End> {
        let began = self.house.clock.tick();
        self.share = self.house.bodies.share();
        if self.unread.is_empty() {
            self.unread = Vec::new();
            let wait = if first { limits::HEAD_WAIT } else { limits::IDLE_WAIT };
            let house = self.house;
            let come = async { self.more(began.after(wait)).await };
            let stop = async {
                house.stopped().await;
                Err(io::ErrorKind::Interrupted.into())
            };
            // A request that is here already is answered, so the read is looked at before the stop.
            come.or(stop).await?;
        }
        let deadline = self.house.clock.tick().after(limits::HEAD_WAIT);
        let line = if side == Side::Control { limits::CONTROL_LINE } else { limits::HEAD };
        // Parsed when it can be complete, and at once, to tell other protocols; not for each byte of a slow sender.
        let (mut seen, mut look_at) = (0, 0);
        loop {
            let blank = ends_a_line(&self.unread[seen..]);
            if blank || self.unread.len() >= look_at {
                if let Some(head) = http::parse(&self.unread, line)? {
                    self.unread.drain(..head.size);
                    return Ok(head);
                }
                look_at = (self.unread.len() + 1).next_multiple_of(limits::HEAD);
            }
            if !self.share.grow(self.unread.len()) {
                return Err(http::NO_MEMORY.into());
            }
            seen = self.unread.len().saturating_sub(3);
            match self.more(deadline).await {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::TimedOut => return Err(http::TOO_SLOW.into()),
                Err(_) => return Err(End::Quiet),
            }
        }
    }

    /// Reads the body, has a worker answer, and writes that. True: the connection goes on.
    async fn control(&mut self, head: Head) -> Result<bool, End> {
        let body = match self.body(&head).await {
            Ok(body) => body,
            Err(End::Fault(fault)) => {
                self.refuse(Side::Control, fault, &head.path).await;
                return Err(End::Quiet);
            }
            Err(End::Quiet) => return Err(End::Quiet),
        };
        let head_only = head.method == "HEAD";
        let method = if head_only { "GET".into() } else { head.method };
        let request = Request { method, path: head.path, query: head.query, headers: head.headers, body, peer: self.peer };
        let (answer, printed) = channel::bounded(1);
        let bytes = match self.house.jobs.try_send(Job { request, head_only, answer }) {
            Ok(()) => {
                self.house.busy.fetch_add(1, Ordering::Relaxed);
                let bytes = printed.recv().await;
                self.house.busy.fetch_sub(1, Ordering::Relaxed);
                bytes.unwrap_or_else(|_| self.print(self.house.say(Side::Control, 500, "the worker was lost", ""), head_only))
            }
            Err(full) => {
                let path = full.into_inner().request.path;
                self.print(self.house.say(Side::Control, 503, "too many requests are waiting; try again", &path).with("Retry-After", "1"), head_only)
            }
        };
        self.share = self.house.bodies.share();
        Ok(self.say(bytes, head.close).await?)
    }

    async fn body(&mut self, head: &Head) -> Result<Vec<u8>, End> {
        let deadline = self.house.clock.tick().after(limits::BODY_WAIT);
        if head.expects && self.unread.len() < head.length {
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        while self.unread.len() < head.length {
            // The memory is asked for as the bytes come: a length that is only claimed costs nothing.
            if !self.share.grow((self.unread.len() + limits::HEAD).min(head.length)) {
                return Err(http::NO_MEMORY.into());
            }
            match self.more(deadline).await {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::TimedOut => return Err(http::TOO_SLOW.into()),
                Err(_) => return Err(End::Quiet),
            }
        }
        let rest = self.unread.split_off(head.length);
        Ok(std::mem::replace(&mut self.unread, rest))
    }

    fn hand_over(self, greeting: Vec<u8>, permit: Permit) {
        match self.stream.into_inner() {
            Ok(stream) => (self.house.adopt)(super::Upgraded { stream, greeting, leftover: self.unread, peer: self.peer, permit }),
            Err(e) => tracing::warn!(error = %e, "a socket could not be handed over"),
        }
    }

    fn print(&self, reply: Reply, head_only: bool) -> Vec<u8> {
        http::print(reply, head_only, self.house.clock.now())
    }

    async fn refuse(&mut self, side: Side, fault: Fault, path: &str) {
        tracing::debug!(peer = %self.peer, status = fault.status, why = fault.why, "refused");
        let mut reply = self.house.say(side, fault.status, fault.why, path);
        if side == Side::Sessions {
            reply = upgrade::open_to_all(reply);
        }
        if self.say(self.print(reply, false), true).await.is_ok() {
            self.linger().await;
        }
    }

    /// Writes an answer; says whether the connection goes on after it.
    async fn say(&mut self, mut answer: Vec<u8>, close: bool) -> io::Result<bool> {
        let close = close || self.house.stopping.is_closed();
        if close {
            http::say_close(&mut answer);
        }
        self.write(&answer).await?;
        Ok(!close)
    }

    /// Each 64 KiB has its own deadline: slow readers are served, those who do not read are not.
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        for mut step in bytes.chunks(limits::WRITE_STEP) {
            let deadline = self.house.clock.tick().after(limits::WRITE_WAIT);
            while !step.is_empty() {
                match self.stream.get_ref().write(step) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(n) => step = &step[n..],
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => before(self.house, deadline, self.stream.writable()).await?,
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    Err(e) => return Err(e),
                }
            }
        }
        Ok(())
    }

    /// Adds what the client sends next to `unread`. Errors: time-out, end of the stream, the socket's.
    async fn more(&mut self, deadline: Tick) -> io::Result<()> {
        loop {
            let read = {
                let mut scratch = self.house.scratch.borrow_mut();
                let read = self.stream.get_ref().read(&mut scratch);
                if let Ok(n) = read {
                    self.unread.extend_from_slice(&scratch[..n]);
                }
                read
            };
            match read {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => return Ok(()),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => before(self.house, deadline, self.stream.readable()).await?,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// Says that nothing more comes, and reads on for a while, so that the answer is not lost to a reset.
    async fn linger(&mut self) {
        if self.stream.get_ref().shutdown(Shutdown::Write).is_err() {
            return;
        }
        let deadline = self.house.clock.tick().after(limits::DRAIN_WAIT);
        let mut left = limits::DRAIN;
        while left > 0 && self.more(deadline).await.is_ok() {
            left = left.saturating_sub(self.unread.len());
            self.unread.clear();
            future::yield_now().await;
        }
    }
}

/// A wait for the socket that ends with `TimedOut` at the deadline. The socket is asked first.
async fn before(house: &House, deadline: Tick, ready: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    let late = async {
        house.clock.sleep_until(deadline).await;
        Err(io::ErrorKind::TimedOut.into())
    };
    ready.or(late).await
}

/// Can a head end in these bytes?
fn ends_a_line(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|w| w == b"\n\n") || bytes.windows(3).any(|w| w == b"\n\r\n")
}
