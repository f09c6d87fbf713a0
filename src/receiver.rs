//! A small HTTP receiver of callbacks, for `dev`, `listen` and the tests: takes each POST, checks
//! its signature, hands it to a function and answers the status that the function says.
//! One thread a connection, all of it bounded. Knows no cloud's spelling and nothing of the server.

pub use crate::alibaba::explain::Verdict;
use crate::{alibaba::explain, clock::Clock, delivery::DELIVERY_HEADER, domain::Millis};
use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Connections at once; more are closed at once.
const CONNECTIONS: usize = 64;
/// The longest head of a request, and the most headers in it.
const HEAD: usize = 16 * 1024;
const HEADERS: usize = 64;
/// The longest body, in bytes.
const BODY: usize = 1024 * 1024;
/// A connection may be silent so long.
const SILENCE: Duration = Duration::from_secs(10);

/// One callback as it came.
#[derive(Clone, Debug)]
pub struct Callback {
    pub at: Millis,
    /// Names the delivery; a repeat has the same.
    pub delivery: Option<String>,
    /// With its query.
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub verdict: Verdict,
}

/// The AppKeys that callbacks may be signed with; clones share them, and more can be added later.
#[derive(Clone, Default)]
pub struct Keys(Arc<Mutex<Vec<String>>>);

impl Keys {
    pub fn new(keys: impl IntoIterator<Item = String>) -> Keys {
        Keys(Arc::new(Mutex::new(keys.into_iter().collect())))
    }

    pub fn add(&self, key: impl Into<String>) {
        self.0.lock().expect("no panic while held").push(key.into());
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().expect("no panic while held").clone()
    }
}

/// Told of each callback, on the thread of its connection; returns the status to answer with.
pub type On = Box<dyn Fn(&Callback) -> u16 + Send + Sync>;

/// Receives until it is dropped.
pub struct Receiver {
    /// Where it listens; with port 0 asked for, the port it got.
    pub addr: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    keys: Keys,
    on: On,
    open: AtomicUsize,
    stopped: AtomicBool,
}

impl Receiver {
    pub fn start(addr: SocketAddr, clock: Clock, keys: Keys, on: On) -> io::Result<Receiver> {
        let listener = TcpListener::bind(addr)?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared { clock, keys, on, open: AtomicUsize::new(0), stopped: AtomicBool::new(false) });
        let accepting = shared.clone();
        std::thread::Builder::new().name("receiver".into()).spawn(move || accepting.accept(listener))?;
        Ok(Receiver { addr, shared })
    }

    /// The URL to send callbacks to, on this machine.
    pub fn url(&self) -> String {
        format!("http://{}/callback", here(self.addr))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the accept; whether it succeeds does not matter.
        let _ = TcpStream::connect_timeout(&here(self.addr), Duration::from_secs(1));
    }
}

/// An address that listens everywhere is reached at the loopback.
fn here(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, addr.port())
}

impl Shared {
    fn accept(self: Arc<Self>, listener: TcpListener) {
        loop {
            let accepted = listener.accept();
            if self.stopped.load(Ordering::SeqCst) {
                return;
            }
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(e) => {
                    // Too many open files, mostly: it passes, so the loop must go on, but not spin.
                    tracing::warn!(error = %e, "the receiver cannot accept");
                    smol::block_on(self.clock.sleep_until(self.clock.tick().after(50)));
                    continue;
                }
            };
            if self.open.fetch_add(1, Ordering::SeqCst) >= CONNECTIONS {
                self.open.fetch_sub(1, Ordering::SeqCst);
                continue;
            }
            let open = Open(self.clone());
            // The guard is in the closure, so it is dropped also when no thread can be had.
            let serve = move || {
                let _ = open.0.serve(stream);
            };
            let _ = std::thread::Builder::new().name("receiver-conn".into()).stack_size(256 * 1024).spawn(serve);
        }
    }

    /// Requests of one connection, one after the other.
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_write_timeout(Some(SILENCE))?;
        stream.set_nodelay(true)?;
        let mut buf = Vec::new();
        loop {
            let (status, keep) = match read_request(&mut stream, &mut buf)? {
                None => return Ok(()),
                Some(Err(status)) => (status, false),
                Some(Ok(request)) => {
                    let keep = request.keep;
                    (self.answer(request), keep)
                }
            };
            let reason = tiny_http::StatusCode(status).default_reason_phrase();
            let connection = if keep { "keep-alive" } else { "close" };
            let head = format!("HTTP/1.1 {status} {reason}\r\nContent-Length: 0\r\nConnection: {connection}\r\n\r\n");
            stream.write_all(head.as_bytes())?;
            if !keep || self.stopped.load(Ordering::SeqCst) {
                return Ok(());
            }
        }
    }

    fn answer(&self, request: Request) -> u16 {
        if request.method != "POST" {
            return 405;
        }
        let at = self.clock.now();
        let verdict = explain::check_callback(&request.headers, &self.keys.all(), at);
        let delivery = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(DELIVERY_HEADER)).map(|(_, id)| id.clone());
        (self.on)(&Callback { at, delivery, path: request.path, headers: request.headers, body: request.body, verdict })
    }
}

/// Counts a connection until it is dropped.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    keep: bool,
}

/// `None`: the other side closed between requests. `Some(Err)`: the status of what is wrong with it.
/// `buf` holds what was read beyond a request.
fn read_request(stream: &mut TcpStream, buf: &mut Vec<u8>) -> io::Result<Option<Result<Request, u16>>> {
    let (mut request, head, length) = loop {
        match parse_head(buf) {
            Ok(Some(parsed)) => break parsed,
            Ok(None) if buf.len() > HEAD => return Ok(Some(Err(431))),
            Ok(None) => {}
            Err(status) => return Ok(Some(Err(status))),
        }
        if !read_more(stream, buf)? {
            return Ok(None);
        }
    };
    if buf.len() < head + length
        && request.headers.iter().any(|(name, value)| name.eq_ignore_ascii_case("Expect") && value.eq_ignore_ascii_case("100-continue"))
    {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    while buf.len() < head + length {
        if !read_more(stream, buf)? {
            return Ok(None);
        }
    }
    request.body = buf[head..head + length].to_vec();
    buf.drain(..head + length);
    Ok(Some(Ok(request)))
}

fn read_more(stream: &mut TcpStream, buf: &mut Vec<u8>) -> io::Result<bool> {
    let mut part = [0; 4096];
    let n = stream.read(&mut part)?;
    buf.extend_from_slice(&part[..n]);
    Ok(n > 0)
}

/// The request without its body, the length of its head and of its body; `None`: more must be read.
fn parse_head(buf: &[u8]) -> Result<Option<(Request, usize, usize)>, u16> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let head = match parsed.parse(buf) {
        Ok(httparse::Status::Complete(head)) => head,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(431),
        Err(_) => return Err(400),
    };
    let headers: Vec<(String, String)> = parsed.headers.iter().map(|h| (h.name.to_owned(), String::from_utf8_lossy(h.value).into_owned())).collect();
    let all = |name: &'static str| headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim());
    if all("Transfer-Encoding").next().is_some() {
        return Err(411);
    }
    let mut length = None;
    for value in all("Content-Length") {
        let n: usize = value.parse().map_err(|_| 400u16)?;
        if length.is_some_and(|earlier| earlier != n) {
            return Err(400);
        }
        length = Some(n);
    }
    let length = length.unwrap_or(0);
    if length > BODY {
        return Err(413);
    }
    let keep = parsed.version == Some(1) && !all("Connection").any(|value| value.eq_ignore_ascii_case("close"));
    let request = Request { method: parsed.method.unwrap_or_default().into(), path: parsed.path.unwrap_or_default().into(), headers, body: Vec::new(), keep };
    Ok(Some((request, head, length)))
}

#[cfg(test)]
#[path = "receiver_tests.rs"]
mod tests;
