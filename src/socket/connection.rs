//! One socket: what comes in goes through tungstenite, what goes out is a queue of shared frames that
//! is written at most once a tick. It must not know what the frames mean.

use super::{
    frame::{self, Bytes},
    rate::Bucket,
    wire,
};
use crate::{
    domain::{AppId, SessionId, Tick, Topic, UserId},
    door::{Permit, Upgraded},
};
use async_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        error::ProtocolError,
        protocol::{Role, WebSocketConfig},
    },
};
use smol::{
    io::{AsyncRead, AsyncWrite},
    stream::Stream,
};
use std::{
    collections::VecDeque,
    io::{self, IoSlice, Read, Write},
    net::{IpAddr, TcpStream},
    pin::Pin,
    task::{Context, Poll, Waker},
};

/// Largest frame and message that a client may send, in bytes (`session.md` §7).
pub const MAX_FRAME: usize = 64 * 1024;
/// Most bytes that wait for a connection (`session.md` §7).
pub const MAX_OUT: usize = 1024 * 1024;
/// Frames given to one write at most.
const PIECES: usize = 64;
/// tungstenite allocates this much for each connection; its default of 128 KiB is for few.
const READ_BUFFER: usize = 1024;

/// The nonblocking socket under tungstenite. What tungstenite itself writes (pongs, close replies)
/// is kept, so that it goes through the same queue as everything else.
pub struct Socket {
    stream: TcpStream,
    written: Vec<u8>,
    /// The last read took all there was; the next byte comes with an event.
    drained: bool,
    /// The other side has ended its half, or the socket is broken: no event will say so again.
    ended: bool,
    /// Bytes that may still be read in this tick. What is never a message to us (pings, empty
    /// fragments) counts as well, or a stranger could keep the thread.
    budget: usize,
}

/// Bytes read from one connection in a tick: about a full frame.
const BYTES_A_TICK: usize = MAX_FRAME + 4096;

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.drained || self.budget == 0 {
            return Poll::Pending;
        }
        let most = buf.len().min(self.budget);
        loop {
            return match self.stream.read(&mut buf[..most]) {
                Ok(n) => {
                    self.budget -= n;
                    self.drained = n > 0 && n < most && !self.ended;
                    Poll::Ready(Ok(n))
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    self.drained = true;
                    Poll::Pending
                }
                Err(e) => Poll::Ready(Err(e)),
            };
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.written.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What the next piece of input is.
pub enum Input {
    Text(String),
    /// A ping or a pong of the WebSocket itself.
    Control,
    /// Nothing more for now.
    Pending,
    /// The client closed with this code; 1005 when it gave none.
    Closed(u16),
    /// The socket is gone without a word.
    Gone,
    /// The client broke the protocol: close with this.
    Bad(wire::Close),
}

/// What was thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discarded {
    /// All there was; an event tells of more.
    All,
    /// There may be more now.
    Some,
    /// The client has ended its half, or the socket broke.
    Ended,
}

/// How far a connection has come.
pub enum Phase {
    /// Waits for its connect until the tick.
    Fresh {
        until: Tick,
    },
    /// Its connect, with this command id, is with the engine.
    Connecting {
        id: u32,
    },
    Live {
        sid: SessionId,
        app: AppId,
        user: UserId,
    },
    /// The close frame is on its way; dropped at the tick at the latest.
    Closing {
        until: Tick,
    },
}

/// How much of a connection's budget an answer may take, in quarters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// A group object, its mutes, a page of members: an info may have 32 KiB, and several times that when escaped.
    Medium = 1,
    /// Messages or all members: up to half the budget, and nothing beside it.
    Large = 4,
}

/// A group or channel that the connection is attached to, and its place in that one's list.
pub struct Place {
    pub topic: Topic,
    pub at: usize,
}

pub struct Connection {
    ws: WebSocketStream<Socket>,
    /// Where it comes from.
    pub address: IpAddr,
    pub phase: Phase,
    pub heard: Tick,
    pub ping_at: Tick,
    /// When the hub looks at it next; `None` before it was told.
    pub looks_at: Option<Tick>,
    /// A ping was sent and nothing heard since.
    pub pinged: bool,
    pub commands: Bucket,
    /// Messages among them.
    pub messages: Bucket,
    /// Commands refused for the rate in a row.
    pub refused: u32,
    /// Commands whose large answers are awaited, and how large.
    pub owed: Vec<(u32, Size)>,
    /// Commands of one frame that wait: behind a connect, or behind a large answer.
    pub held: VecDeque<wire::Command>,
    pub places: Vec<Place>,
    /// In the hub's list of connections to read.
    pub queued: bool,
    /// In the hub's list of connections to write.
    pub dirty: bool,
    /// Lines of this tick for this connection alone.
    pub lines: Vec<u8>,
    out: VecDeque<Bytes>,
    out_bytes: usize,
    /// Bytes of the first frame that the socket took already.
    sent: usize,
    /// The socket takes no more until it says so.
    blocked: bool,
    /// Returns the connection's place under the caps when dropped.
    _permit: Permit,
}

impl Connection {
    pub fn new(upgraded: Upgraded, phase: Phase, now: Tick) -> Connection {
        let Upgraded { stream, greeting, leftover, peer, permit } = upgraded;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_write_buffer_size(64 * 1024)
            .max_message_size(Some(MAX_FRAME))
            .max_frame_size(Some(MAX_FRAME));
        let socket = Socket { stream, written: Vec::new(), drained: false, ended: false, budget: 0 };
        // Only the handshake would wait, and it is done.
        let ws = smol::block_on(WebSocketStream::from_partially_read(socket, leftover, Role::Server, Some(config)));
        let mut connection = Connection {
            ws,
            address: peer.ip(),
            phase,
            heard: now,
            ping_at: now,
            looks_at: None,
            pinged: false,
            commands: Bucket::full(now),
            messages: Bucket::full(now),
            refused: 0,
            owed: Vec::new(),
            held: VecDeque::new(),
            places: Vec::new(),
            queued: false,
            dirty: false,
            lines: Vec::new(),
            out: VecDeque::new(),
            out_bytes: 0,
            sent: 0,
            blocked: false,
            _permit: permit,
        };
        connection.put(greeting.into());
        connection
    }

    pub fn stream(&self) -> &TcpStream {
        &self.ws.get_ref().stream
    }

    /// As many large answers are awaited as the budget has room for.
    pub fn owes_much(&self) -> bool {
        self.owed.iter().map(|(_, size)| *size as usize).sum::<usize>() >= Size::Large as usize
    }

    /// Bytes that the rpc answer to the command `id` may have.
    pub fn room_for(&self, id: u32) -> usize {
        let quarters = self.owed.iter().find(|(owed, _)| *owed == id).map_or(1, |(_, size)| *size as usize);
        quarters * MAX_OUT / 4
    }

    /// Nothing more is read or done until an answer is here, or was written.
    pub fn pauses(&self) -> bool {
        matches!(self.phase, Phase::Connecting { .. }) || self.owes_much() || !self.held.is_empty()
    }

    /// The socket said that there is something to read.
    pub fn readable(&mut self, ended: bool) {
        let socket = self.ws.get_mut();
        socket.drained = false;
        socket.ended |= ended;
    }

    /// A new tick: this much may be read.
    pub fn grant(&mut self) {
        self.ws.get_mut().budget = BYTES_A_TICK;
    }

    /// There may be more to read than this tick allowed.
    pub fn has_more(&self) -> bool {
        let socket = self.ws.get_ref();
        socket.budget == 0 && !socket.drained
    }

    /// The socket said that it takes more.
    pub fn writable(&mut self) {
        self.blocked = false;
    }

    pub fn next_input(&mut self) -> Input {
        let polled = Pin::new(&mut self.ws).poll_next(&mut Context::from_waker(Waker::noop()));
        let written = std::mem::take(&mut self.ws.get_mut().written);
        // Whoever does not read its answers needs no pongs.
        if !written.is_empty() && !matches!(self.phase, Phase::Closing { .. }) && !self.half_over() {
            self.put(written.into());
        }
        match polled {
            Poll::Pending => Input::Pending,
            Poll::Ready(Some(Ok(message))) => match message {
                Message::Text(text) => Input::Text(text.as_str().to_owned()),
                Message::Binary(_) => Input::Bad(wire::UNSUPPORTED),
                Message::Close(frame) => Input::Closed(frame.map_or(1005, |f| f.code.into())),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Input::Control,
            },
            Poll::Ready(None) => Input::Gone,
            Poll::Ready(Some(Err(error))) => match error {
                Error::Capacity(_) => Input::Bad(wire::TOO_BIG),
                Error::Utf8(_) => Input::Bad(wire::INVALID_UTF8),
                Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Input::Gone,
                Error::Protocol(_) => Input::Bad(wire::PROTOCOL),
                _ => Input::Gone,
            },
        }
    }

    /// Reads what still comes and throws it away, as much as a tick allows.
    pub fn discard(&mut self) -> Discarded {
        let mut scratch = [0; 4096];
        for _ in 0..BYTES_A_TICK / scratch.len() {
            match (&self.ws.get_ref().stream).read(&mut scratch) {
                Ok(0) => return Discarded::Ended,
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Discarded::All,
                Err(_) => return Discarded::Ended,
            }
        }
        Discarded::Some
    }

    /// Queues a frame. The caller asks [`Connection::over`] afterwards.
    pub fn put(&mut self, frame: Bytes) {
        self.out_bytes += frame.len();
        self.out.push_back(frame);
    }

    /// The lines so far become a frame.
    pub fn seal(&mut self) {
        if !self.lines.is_empty() {
            let lines = std::mem::take(&mut self.lines);
            self.put(frame::text(&lines));
        }
    }

    /// More waits than a connection may have.
    pub fn over(&self) -> bool {
        self.out_bytes + self.lines.len() > MAX_OUT
    }

    /// So much waits that what can be dropped is.
    pub fn half_over(&self) -> bool {
        self.out_bytes + self.lines.len() > MAX_OUT / 2
    }

    /// Nothing but what was begun, then the close frame.
    pub fn put_close(&mut self, close: wire::Close, drop_waiting: bool) {
        self.seal();
        if drop_waiting {
            // A frame that was begun must be finished, or the client reads nonsense.
            let keep = usize::from(self.sent > 0);
            self.out.truncate(keep);
            self.out_bytes = self.out.iter().map(|f| f.len()).sum();
        }
        self.put(frame::close(close.code, close.reason));
    }

    pub fn is_flushed(&self) -> bool {
        self.out.is_empty()
    }

    /// One write of all that waits, as far as the socket takes it. True: it took something. An error
    /// means that it is gone.
    pub fn flush(&mut self) -> io::Result<bool> {
        self.seal();
        let mut took = false;
        while !self.blocked && !self.out.is_empty() {
            let mut pieces = [IoSlice::new(&[]); PIECES];
            let (mut n, mut offered) = (0, 0);
            for (piece, frame) in pieces.iter_mut().zip(&self.out) {
                let frame = if n == 0 { &frame[self.sent..] } else { frame };
                *piece = IoSlice::new(frame);
                offered += frame.len();
                n += 1;
            }
            let mut stream = &self.ws.get_ref().stream;
            let result = if n == 1 { stream.write(&pieces[0]) } else { stream.write_vectored(&pieces[..n]) };
            match result {
                Ok(written) => {
                    // What is left goes out when the socket says that it takes more.
                    self.blocked = written < offered;
                    took |= written > 0;
                    self.forget(written);
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.blocked = true,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        // A burst must not cost an idle connection its memory for good.
        if self.out.is_empty() && self.out.capacity() > 8 {
            self.out = VecDeque::new();
        }
        Ok(took)
    }

    /// The socket took so many bytes more.
    fn forget(&mut self, written: usize) {
        self.sent += written;
        while let Some(first) = self.out.front().filter(|first| self.sent >= first.len()) {
            self.sent -= first.len();
            self.out_bytes -= first.len();
            self.out.pop_front();
        }
    }
}
