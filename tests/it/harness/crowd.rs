//! Thousands of clients for one test. Each is a socket without a thread of its own: it reads when it is
//! asked to, and answers pings then. What came in stays text, because most of it is the same for all.

use super::{
    SOON,
    frames::{self, CLOSE, Frames, PING, TEXT},
};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    io::{ErrorKind, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::{Mutex, MutexGuard, Once, PoisonError},
};

pub struct Listener {
    stream: TcpStream,
    frames: Frames,
    /// Lines that nobody asked for yet.
    lines: VecDeque<String>,
    close: Option<(u16, String)>,
    next: u32,
    /// What the server answered to the connect and to the subscribe.
    pub hello: Value,
    pub joined: Value,
}

/// So many handshakes are under way at once; a listener's queue of connections is not endless.
const WAVE: usize = 64;
/// Both ends of a crowd's sockets can be in this process, and the other tests want some as well.
const FILES: u64 = 7_000;

/// Held while a test has a crowd: the limit of open files has room for one.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Listener {
    /// All of them log in and join the group, each with both commands in one frame as the SDKs do.
    pub fn crowd(at: SocketAddr, group: &str, logins: &[String]) -> Vec<Listener> {
        static RAISED: Once = Once::new();
        RAISED.call_once(|| {
            let files = roomd::settings::raise_open_files();
            assert!(files >= FILES, "this process may open {files} files, and these tests want {FILES}; raise it with ulimit -n");
        });
        logins.chunks(WAVE).flat_map(|logins| Listener::wave(at, group, logins)).collect()
    }

    fn wave(at: SocketAddr, group: &str, logins: &[String]) -> Vec<Listener> {
        let mut wave: Vec<Listener> = logins.iter().map(|_| Listener::open(at)).collect();
        for (listener, login) in wave.iter_mut().zip(logins) {
            listener.await_upgrade();
            let connect = json!({"id": 1, "connect": {"token": login, "data": {"device": "d"}}});
            let subscribe = json!({"id": 2, "subscribe": {"channel": format!("group:{group}")}});
            listener.text(&format!("{connect}\n{subscribe}"));
        }
        for listener in &mut wave {
            listener.hello = listener.reply(1)["connect"].take();
            listener.joined = listener.reply(2)["subscribe"].take();
        }
        wave
    }

    fn open(at: SocketAddr) -> Listener {
        let mut stream = TcpStream::connect(at).expect("the server listens");
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream.write_all(frames::upgrade(at).as_bytes()).expect("the server takes the handshake");
        Listener { stream, frames: Frames::default(), lines: VecDeque::new(), close: None, next: 3, hello: Value::Null, joined: Value::Null }
    }

    fn await_upgrade(&mut self) {
        let head = loop {
            match self.frames.head(b"\r\n\r\n") {
                Some(head) => break head,
                None => assert!(self.frames.read(&mut self.stream).expect("an answer") > 0, "the socket ended"),
            }
        };
        frames::assert_upgraded(&head);
    }

    // --- asking ---

    pub fn text(&mut self, text: &str) {
        // A server that closed early is seen when reading.
        let _ = frames::write(&mut self.stream, TEXT, text.as_bytes());
    }

    /// Sends a command without waiting; returns its id.
    pub fn say(&mut self, method: &str, body: Value) -> u32 {
        let id = self.next;
        self.next += 1;
        self.text(&json!({"id": id, method: body}).to_string());
        id
    }

    /// The reply with this id; pushes that come before it are kept.
    pub fn reply(&mut self, id: u32) -> Value {
        let mut looked_at = 0;
        loop {
            while let Some(line) = self.lines.get(looked_at) {
                // Most lines are pushes; only what is none is read as JSON.
                if !line.starts_with("{\"push\"") && frames::value(line)["id"] == id {
                    return frames::value(&self.lines.remove(looked_at).expect("just seen"));
                }
                looked_at += 1;
            }
            assert!(self.read(), "no reply to command {id}: {:?}", self.close);
        }
    }

    pub fn ask(&mut self, method: &str, body: Value) -> Value {
        let id = self.say(method, body);
        self.reply(id)
    }

    /// The result of a command that must succeed.
    pub fn ok(&mut self, method: &str, body: Value) -> Value {
        let mut reply = self.ask(method, body);
        assert!(reply.get(method).is_some(), "{method}: {reply}");
        reply[method].take()
    }

    pub fn leave(&mut self, group: &str) {
        self.ok("unsubscribe", json!({"channel": format!("group:{group}")}));
    }

    /// Publishes all of it, a few at a time as a client would; returns when the last was acknowledged.
    pub fn tell_all(&mut self, group: &str, data: impl Iterator<Item = Value>) {
        let mut under_way = VecDeque::new();
        for data in data {
            if under_way.len() == 10 {
                self.published(under_way.pop_front().expect("there are 10"));
            }
            under_way.push_back(self.say("publish", json!({"channel": format!("group:{group}"), "data": data})));
        }
        under_way.into_iter().for_each(|id| self.published(id));
    }

    fn published(&mut self, id: u32) {
        let reply = self.reply(id);
        assert!(reply.get("publish").is_some(), "{reply}");
    }

    // --- hearing ---

    /// One read. False: the server closed, or the socket ended.
    fn read(&mut self) -> bool {
        if self.close.is_some() {
            return false;
        }
        match self.frames.read(&mut self.stream) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => panic!("nothing came"),
            Err(_) => return false,
        }
        let mut pongs = 0;
        while let Some((kind, payload)) = self.frames.next() {
            match kind {
                TEXT => {
                    for line in frames::lines(payload) {
                        match line {
                            PING => pongs += 1,
                            line => self.lines.push_back(line.to_owned()),
                        }
                    }
                }
                CLOSE => self.close = Some(frames::closed(payload).expect("a close has a code")),
                other => panic!("a frame of kind {other}"),
            }
        }
        for _ in 0..pongs {
            self.text(PING);
        }
        if self.close.is_some() {
            let _ = self.stream.shutdown(Shutdown::Both);
        }
        true
    }

    /// Everything that was pushed up to now, as text; round trips through the engine make sure that all
    /// of it is here. Two, because an answer goes out before the messages of the same tick.
    pub fn heard(&mut self) -> Vec<String> {
        self.leave("no-such-group");
        self.leave("no-such-group");
        self.lines.drain(..).collect()
    }

    /// Reads until the socket ends, and drops what comes before that: why the server closed it, if it
    /// came to say so.
    pub fn end(&mut self) -> Option<(u16, String)> {
        while self.read() {
            self.lines.clear();
        }
        self.close.take()
    }
}
