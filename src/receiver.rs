//! A small HTTP receiver of callbacks, for `dev`, `listen` and the tests: takes each POST, checks
//! its signature, hands it to a function and answers the status that the function says. To those who
//! ask before they do something it says that they may.
//! One thread a connection, all of it bounded. Heads are read by the door's rules; beyond that it knows
//! no cloud's spelling and nothing of the server.

pub use crate::explanation::Verdict;
use crate::{
    alibaba::explain,
    clock::Clock,
    delivery::DELIVERY_HEADER,
    domain::Millis,
    door::{
        self,
        http::{self, Fault, Head},
        limits,
    },
    tencent::received,
};
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Connections at once; more are closed at once.
const CONNECTIONS: usize = 64;
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
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub verdict: Verdict,
}

/// What callbacks may be signed with; clones share it, and more can be added later.
#[derive(Clone, Default)]
pub struct Keys(Arc<Mutex<Secrets>>);

#[derive(Clone, Default)]
struct Secrets {
    /// AppKeys.
    keys: Vec<String>,
    /// Of webhooks.
    tokens: Vec<String>,
}

impl Keys {
    pub fn new(keys: impl IntoIterator<Item = String>, tokens: impl IntoIterator<Item = String>) -> Keys {
        Keys(Arc::new(Mutex::new(Secrets { keys: keys.into_iter().collect(), tokens: tokens.into_iter().collect() })))
    }

    pub fn add(&self, key: impl Into<String>) {
        self.0.lock().expect("no panic while held").keys.push(key.into());
    }

    pub fn add_token(&self, token: impl Into<String>) {
        self.0.lock().expect("no panic while held").tokens.push(token.into());
    }

    fn all(&self) -> Secrets {
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
    /// Errors: the address cannot be listened on, or there is no thread to be had.
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
        format!("http://{}/callback", door::here(self.addr))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the accept; whether it succeeds does not matter.
        let _ = TcpStream::connect_timeout(&door::here(self.addr), Duration::from_secs(1));
    }
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
            let (answer, keep) = match read_request(&mut stream, &mut buf)? {
                None => return Ok(()),
                Some(Err(fault)) => ((fault.status, ""), false),
                Some(Ok((head, body))) => {
                    let keep = !head.close;
                    (self.answer(head, body), keep)
                }
            };
            let (status, body) = answer;
            let reason = tiny_http::StatusCode(status).default_reason_phrase();
            let connection = if keep { "keep-alive" } else { "close" };
            let whole = format!("HTTP/1.1 {status} {reason}\r\nContent-Length: {}\r\nConnection: {connection}\r\n\r\n{body}", body.len());
            stream.write_all(whole.as_bytes())?;
            if !keep || self.stopped.load(Ordering::SeqCst) {
                return Ok(());
            }
        }
    }

    /// The status and the body to answer with.
    fn answer(&self, head: Head, body: Vec<u8>) -> (u16, &'static str) {
        if head.method != "POST" {
            return (405, "");
        }
        let at = self.clock.now();
        let path = if head.query.is_empty() { head.path } else { format!("{}?{}", head.path, head.query) };
        let headers: Vec<_> = head.headers.into_iter().map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned())).collect();
        let Secrets { keys, tokens } = self.keys.all();
        let webhook = received::is_webhook(&path);
        let verdict = if webhook { received::check(&path, &tokens, at) } else { explain::check_callback(&headers, &keys, at) };
        let delivery = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(DELIVERY_HEADER)).map(|(_, id)| id.clone());
        let status = (self.on)(&Callback { at, delivery, path, headers, body, verdict });
        (status, if webhook { received::ANSWER } else { "" })
    }
}

/// Counts a connection until it is dropped.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A request: its head, judged as the door judges those to the server, and its body.
type Request = (Head, Vec<u8>);

/// `None`: the other side closed between requests. `Some(Err)`: what is wrong with it.
/// `buf` holds what was read beyond a request.
fn read_request(stream: &mut TcpStream, buf: &mut Vec<u8>) -> io::Result<Option<Result<Request, Fault>>> {
    let head = loop {
        match http::parse(buf, limits::HEAD) {
            Ok(Some(head)) => break head,
            Ok(None) => {}
            Err(fault) => return Ok(Some(Err(fault))),
        }
        if !read_more(stream, buf)? {
            return Ok(None);
        }
    };
    let whole = head.size + head.length;
    if head.expects && buf.len() < whole {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    while buf.len() < whole {
        if !read_more(stream, buf)? {
            return Ok(None);
        }
    }
    let rest = buf.split_off(whole);
    let body = std::mem::replace(buf, rest).split_off(head.size);
    Ok(Some(Ok((head, body))))
}

fn read_more(stream: &mut TcpStream, buf: &mut Vec<u8>) -> io::Result<bool> {
    let mut part = [0; 4096];
    let n = stream.read(&mut part)?;
    buf.extend_from_slice(&part[..n]);
    Ok(n > 0)
}

#[cfg(test)]
#[path = "receiver_tests.rs"]
mod tests;
