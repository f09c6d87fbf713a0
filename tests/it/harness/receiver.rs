//! The business's callback URLs: take each POST, check its signature, remember it, and answer as the
//! test says at that moment. A repeat that differs from the first copy fails the test. What the bodies
//! of channel events look like is in `channels.rs`, and those of live rooms in `hooks.rs`.

use super::{App, SOON, channels, hooks};
use roomd::alibaba::signature::{live_callback, rtc_callback};
use serde_json::Value;
use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

/// Nearly everything that is not held back comes within this.
const MOMENT: Duration = Duration::from_millis(300);

/// What the receiver does with a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum React {
    Status(u16),
    /// 302 to its own path `/elsewhere`.
    Redirect,
    /// Reads it and never answers.
    Hang,
    /// Reads it and resets the connection.
    Reset,
}

/// How far a callback has come; see [`Receiver::at`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The connection stands, nothing was read.
    Accepted,
    /// All of it was read, nothing was answered.
    Read,
    Answered,
}

/// One POST as it came.
#[derive(Clone, Debug)]
pub struct Callback {
    /// The server's wall time in ms when it came; 0 without a clock.
    pub at: i64,
    pub path: String,
    pub delivery: String,
    pub signature: String,
    /// The unix second that the signature is of.
    pub stamp: String,
    pub body: Vec<u8>,
    pub react: React,
}

impl Callback {
    /// It tells of channels, not of messaging.
    pub fn is_rtc(&self) -> bool {
        self.json().get("Contents").is_some()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a callback is JSON")
    }

    /// Its events as `user what`, see [`told`] and [`channels::told`].
    pub fn events(&self) -> Vec<String> {
        match self.is_rtc() {
            true => channels::told(self).iter().map(channels::Told::line).collect(),
            false if hooks::is_hook(&self.path) => vec![hooks::line(self)],
            false => events(&self.json()).into_iter().map(|(uid, _, e)| format!("{uid} {}", told(&e))).collect(),
        }
    }
}

type Hook = Box<dyn FnMut(Moment) + Send>;
type Decide = Box<dyn FnMut(&Callback) -> React + Send>;
/// The server's wall time, for the receiver's own stamps.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

struct Shared {
    inside: Mutex<Inside>,
    changed: Condvar,
    decide: Mutex<Decide>,
    hook: Mutex<Hook>,
    now: Mutex<Option<Now>>,
    at: SocketAddr,
}

#[derive(Default)]
struct Inside {
    keys: HashMap<String, String>,
    /// Webhooks to a path are signed with this token; to another one they are not signed.
    tokens: HashMap<String, String>,
    all: Vec<Callback>,
    bodies: HashMap<String, Vec<u8>>,
    /// What was wrong with a callback; the next look fails.
    wrong: Vec<String>,
    /// Connections so far.
    accepted: usize,
    /// Events that were looked at already.
    seen: usize,
    hooks_seen: usize,
    stopped: bool,
}

pub struct Receiver(Arc<Shared>);

impl Receiver {
    pub fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let shared = Arc::new(Shared {
            inside: Mutex::default(),
            changed: Condvar::new(),
            decide: Mutex::new(Box::new(|_| React::Status(200))),
            hook: Mutex::new(Box::new(|_| ())),
            now: Mutex::default(),
            at: listener.local_addr().unwrap(),
        });
        let inner = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if inner.inside.lock().unwrap().stopped {
                    return;
                }
                let inner = inner.clone();
                std::thread::spawn(move || inner.serve(stream));
            }
        });
        Receiver(shared)
    }

    pub fn url(&self) -> String {
        format!("http://{}/callback", self.0.at)
    }

    /// The same with another path.
    pub fn path_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.0.at)
    }

    /// Webhooks to this path are signed with the token from now on; or are not.
    pub fn token(&self, path: &str, token: Option<&str>) {
        let tokens = &mut self.0.inside.lock().unwrap().tokens;
        match token {
            Some(token) => tokens.insert(path.into(), token.into()),
            None => tokens.remove(path),
        };
    }

    /// Webhooks that were looked at already.
    pub fn hooks_seen(&self) -> usize {
        self.0.inside.lock().unwrap().hooks_seen
    }

    pub fn see_hooks(&self, n: usize) {
        self.0.inside.lock().unwrap().hooks_seen = n;
    }

    /// Where a subscription of channel events with this name sends them.
    pub fn rtc_url(&self, name: &str) -> String {
        format!("http://{}{}", self.0.at, channels::path(name))
    }

    /// Callbacks of this application are verified with its key.
    pub fn knows(&self, app: &App) {
        self.0.inside.lock().unwrap().keys.insert(app.id.clone(), app.key.clone());
    }

    /// From now on callbacks are stamped with this clock.
    pub fn clock(&self, now: Now) {
        *self.0.now.lock().unwrap() = Some(now);
    }

    /// From now on each callback is answered as `decide` says.
    pub fn react(&self, decide: impl FnMut(&Callback) -> React + Send + 'static) {
        *self.0.decide.lock().unwrap() = Box::new(decide);
    }

    /// From now on `hook` is called at each moment of each callback.
    pub fn at(&self, hook: impl FnMut(Moment) + Send + 'static) {
        *self.0.hook.lock().unwrap() = Box::new(hook);
    }

    pub fn always(&self, react: React) {
        self.react(move |_| react);
    }

    /// All POSTs so far, repeats included.
    pub fn all(&self) -> Vec<Callback> {
        let inside = self.0.inside.lock().unwrap();
        assert!(inside.wrong.is_empty(), "{:?}", inside.wrong);
        inside.all.clone()
    }

    /// Waits until `n` POSTs came, repeats included.
    pub fn wait(&self, n: usize) -> Vec<Callback> {
        self.until(&format!("{n} callbacks"), |inside| inside.all.len() >= n);
        self.all()
    }

    /// Waits until the delivered events (answered 200, repeats not counted twice) are enough.
    pub fn until_delivered(&self, what: &str, enough: impl Fn(&[(String, String, Value)]) -> bool) -> Vec<(String, String, Value)> {
        self.until(what, |inside| enough(&delivered(&inside.all)));
        delivered(&self.all())
    }

    /// Waits until `n` events more than at the last [`Receiver::news`] were delivered.
    pub fn await_more(&self, n: usize) {
        let seen = self.0.inside.lock().unwrap().seen;
        self.until_delivered(&format!("{n} more events"), |all| all.len() >= seen + n);
    }

    /// The events that were delivered since the last look, in the order they came.
    pub fn news(&self) -> Vec<(String, String, Value)> {
        let all = delivered(&self.all());
        let seen = std::mem::replace(&mut self.0.inside.lock().unwrap().seen, all.len());
        all[seen..].to_vec()
    }

    /// Waits until `n` callbacks came as far as a connection.
    pub fn until_accepted(&self, n: usize) {
        self.until(&format!("{n} connections"), |inside| inside.accepted >= n);
    }

    /// The POSTs that came after the first `n`.
    pub fn after(&self, n: usize) -> Vec<Callback> {
        let inside = self.0.inside.lock().unwrap();
        assert!(inside.wrong.is_empty(), "{:?}", inside.wrong);
        inside.all[n..].to_vec()
    }

    /// Waits until all that came is enough, repeats included.
    pub fn until_all(&self, what: &str, enough: impl Fn(&[Callback]) -> bool) -> Vec<Callback> {
        self.until(what, |inside| enough(&inside.all));
        self.all()
    }

    /// The same for a moment only: is it enough?
    pub fn soon(&self, enough: impl Fn(&[Callback]) -> bool) -> bool {
        let inside = self.0.inside.lock().unwrap();
        let (inside, _) = self.0.changed.wait_timeout_while(inside, MOMENT, |inside| !enough(&inside.all)).unwrap();
        enough(&inside.all)
    }

    fn until(&self, what: &str, is: impl Fn(&Inside) -> bool) {
        let until = Instant::now() + SOON;
        let mut inside = self.0.inside.lock().unwrap();
        while !is(&inside) {
            let left = until.saturating_duration_since(Instant::now());
            let came = || inside.all.iter().map(|c| (c.react, c.events())).collect::<Vec<_>>();
            assert!(!left.is_zero(), "{what} were awaited, and came {:?}", came());
            inside = self.0.changed.wait_timeout(inside, left).unwrap().0;
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.0.inside.lock().unwrap().stopped = true;
        let _ = TcpStream::connect(self.0.at);
    }
}

/// The deliveries that were answered 200, each once.
pub fn good(all: &[Callback]) -> impl Iterator<Item = &Callback> {
    let mut done = std::collections::HashSet::new();
    all.iter().filter(move |c| c.react == React::Status(200) && done.insert(&*c.delivery))
}

/// Their messaging events.
fn delivered(all: &[Callback]) -> Vec<(String, String, Value)> {
    good(all).flat_map(|c| events(&c.json())).collect()
}

/// User, session and event, in the order of the body; of channels and live rooms there are none here.
pub fn events(body: &Value) -> Vec<(String, String, Value)> {
    let text = |v: &Value| v.as_str().expect("a string").to_owned();
    let mut out = Vec::new();
    if body.get("Contents").is_some() || body.get("CallbackCommand").is_some() {
        return Vec::new();
    }
    for entry in body["eves"].as_array().expect("eves") {
        for event in entry["events"].as_array().expect("events") {
            out.push((text(&entry["uid"]), text(&entry["sid"]), event.clone()));
        }
    }
    out
}

/// An event in a word or two: `on`, `off 3`, `join g1`, `leave g1`, `back g1 g2`. Fails on any other field.
pub fn told(event: &Value) -> String {
    let mut fields = event.as_object().expect("an object").clone();
    let e = fields.remove("e").and_then(|e| e.as_u64()).expect("e");
    let word = match e {
        1 => "on".into(),
        2 => format!("off {}", fields.remove("r").expect("r")),
        3 => format!("join {}", fields.remove("g").expect("g").as_str().unwrap()),
        4 => format!("leave {}", fields.remove("g").expect("g").as_str().unwrap()),
        5 => {
            let groups = fields.remove("gs").expect("gs");
            let groups: Vec<_> = groups.as_array().unwrap().iter().map(|g| g.as_str().unwrap()).collect();
            format!("back {}", groups.join(" "))
        }
        other => panic!("event {other}"),
    };
    assert!(fields.is_empty(), "{event} has more than its fields");
    word.trim_end().to_owned()
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) {
        let moment = |moment| (self.hook.lock().unwrap())(moment);
        moment(Moment::Accepted);
        self.inside.lock().unwrap().accepted += 1;
        self.changed.notify_all();
        let Some((head, body)) = read(&mut stream) else { return };
        let mut callback = Callback {
            at: self.now.lock().unwrap().as_ref().map_or(0, |now| now()),
            path: head.0,
            delivery: header(&head.1, "Roomd-Delivery"),
            signature: String::new(),
            stamp: String::new(),
            body,
            react: React::Hang,
        };
        let kind = if callback.is_rtc() { "Rtc" } else { "Live" };
        callback.signature = header(&head.1, &format!("Ali-{kind}-Signature"));
        callback.stamp = header(&head.1, &format!("Ali-{kind}-Timestamp"));
        moment(Moment::Read);
        let wrong = self.check(&callback, &head.1);
        callback.react = (self.decide.lock().unwrap())(&callback);
        let react = callback.react;
        {
            let mut inside = self.inside.lock().unwrap();
            inside.wrong.extend(wrong);
            inside.all.push(callback);
            self.changed.notify_all();
        }
        let answer = match react {
            React::Status(status) => format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
            React::Redirect => format!("HTTP/1.1 302 x\r\nLocation: http://{}/elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", self.at),
            React::Reset => {
                let _ = rustix::net::sockopt::set_socket_linger(&stream, Some(std::time::Duration::ZERO));
                return;
            }
            React::Hang => {
                // Until the other side gives up.
                while matches!(stream.read(&mut [0; 64]), Ok(n) if n > 0) {}
                return;
            }
        };
        let _ = stream.write_all(answer.as_bytes());
        moment(Moment::Answered);
    }

    /// Signature, headers, and that a repeat is what came first.
    fn check(&self, c: &Callback, headers: &[(String, String)]) -> Option<String> {
        let mut inside = self.inside.lock().unwrap();
        if c.delivery.is_empty() {
            return Some(format!("no Roomd-Delivery: {headers:?}"));
        }
        if inside.bodies.entry(c.delivery.clone()).or_insert_with(|| c.body.clone()) != &c.body {
            return Some(format!("delivery {} came with two bodies", c.delivery));
        }
        if header(headers, "Content-Type") != "application/json" {
            return Some(format!("content type: {headers:?}"));
        }
        if hooks::is_hook(&c.path) {
            let path = c.path.split('?').next().unwrap_or_default();
            return hooks::flaw(c, inside.tokens.get(path).map(String::as_str));
        }
        let (app, signed): (_, fn(&str, &str, &str) -> String) = if c.is_rtc() { ("AppId", rtc_callback) } else { ("appid", live_callback) };
        // An application that nobody told us of is not checked.
        let key = inside.keys.get(c.json()[app].as_str().unwrap_or_default())?;
        if signed("127.0.0.1", &c.stamp, key) != c.signature {
            return Some(format!("signature of delivery {} at {}", c.delivery, c.stamp));
        }
        if c.is_rtc()
            && let Some(wrong) = channels::flaw(c)
        {
            return Some(format!("{wrong}: {}", String::from_utf8_lossy(&c.body)));
        }
        let off = c.at > 0 && (c.stamp.parse::<i64>().unwrap_or(0) - c.at / 1000).abs() > 1;
        off.then(|| format!("timestamp {} of delivery {} at {}", c.stamp, c.delivery, c.at))
    }
}

fn header(headers: &[(String, String)], name: &str) -> String {
    headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.clone()).unwrap_or_default()
}

type Head = (String, Vec<(String, String)>);

fn read(stream: &mut TcpStream) -> Option<(Head, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut request = httparse::Request::new(&mut headers);
        if let httparse::Status::Complete(at) = request.parse(&bytes).expect("a callback is HTTP") {
            assert_eq!(request.method, Some("POST"));
            let text = |h: &httparse::Header| (h.name.to_owned(), String::from_utf8_lossy(h.value).into_owned());
            let headers: Vec<_> = request.headers.iter().map(text).collect();
            let length: usize = header(&headers, "Content-Length").parse().expect("a length");
            if bytes.len() >= at + length {
                let head = (request.path.unwrap().to_owned(), headers);
                return Some((head, bytes[at..at + length].to_vec()));
            }
        }
        let mut part = [0; 16 * 1024];
        let n = stream.read(&mut part).ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&part[..n]);
    }
}
