//! A client of the session protocol with nothing between it and the socket, so that it can also
//! misbehave. A thread reads, answers pings unless told not to, and closes when the server does.

use super::{
    SOON,
    frames::{BINARY, CLOSE, In, TEXT, assert_upgraded, read, upgrade, write},
};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

pub struct Client {
    stream: TcpStream,
    write: Arc<Mutex<TcpStream>>,
    inbox: Receiver<In>,
    answers: Arc<AtomicBool>,
    paused: Arc<(Mutex<bool>, Condvar)>,
    reader: Option<JoinHandle<()>>,
    pushes: VecDeque<Value>,
    close: Option<(u16, String)>,
    next: u32,
    /// What the server answered to the connect.
    pub hello: Value,
}

impl Client {
    /// The WebSocket stands; nothing was said on it.
    pub fn open(at: SocketAddr) -> Client {
        Client::try_open(at).expect("the server answers the handshake")
    }

    fn try_open(at: SocketAddr) -> Option<Client> {
        let mut stream = TcpStream::connect(at).ok()?;
        stream.set_nodelay(true).ok()?;
        stream.set_read_timeout(Some(SOON)).ok()?;
        stream.write_all(upgrade(at).as_bytes()).ok()?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).ok()?;
            answer.push(byte[0]);
        }
        assert_upgraded(&answer);
        stream.set_read_timeout(None).unwrap();
        let (send, inbox) = mpsc::channel();
        let (answers, write) = (Arc::new(AtomicBool::new(true)), Arc::new(Mutex::new(stream.try_clone().unwrap())));
        let paused = Arc::<(Mutex<bool>, Condvar)>::default();
        let (input, pong, pause, out) = (stream.try_clone().unwrap(), answers.clone(), paused.clone(), write.clone());
        let reader = std::thread::spawn(move || {
            let _ = read(input, &pong, &pause, &out, &send);
            let _ = send.send(In::Gone);
        });
        Some(Client { stream, write, inbox, answers, paused, reader: Some(reader), pushes: VecDeque::new(), close: None, next: 1, hello: Value::Null })
    }

    /// The same, where the server may be dying: every step may fail.
    pub fn try_login(at: SocketAddr, login: &str, device: &str) -> Option<Client> {
        let mut client = Client::try_open(at)?;
        let id = client.say("connect", json!({"token": login, "data": {"device": device}}));
        client.hello = client.try_reply(id)?.get("connect")?.clone();
        Some(client)
    }

    /// The reply, or `None` when the connection ended before it came.
    pub fn try_reply(&mut self, id: u32) -> Option<Value> {
        let until = Instant::now() + SOON;
        loop {
            let line = self.next_in(until).ok()?;
            if line["id"] == id {
                return Some(line);
            }
        }
    }

    /// Logged in on `device`.
    pub fn login(at: SocketAddr, login: &str, device: &str) -> Client {
        let mut client = Client::open(at);
        client.hello = client.ok("connect", json!({"token": login, "data": {"device": device, "user_info": format!("on {device}")}}));
        client
    }

    pub fn sid(&self) -> &str {
        self.hello["client"].as_str().expect("the session's id")
    }

    pub fn resumed(&self) -> bool {
        self.hello["data"]["resumed"].as_bool().expect("whether it resumed")
    }

    // --- asking ---

    /// Sends a command without waiting; returns its id.
    pub fn say(&mut self, method: &str, body: Value) -> u32 {
        let id = self.next;
        self.next += 1;
        self.text(&json!({"id": id, method: body}).to_string());
        id
    }

    /// The reply with this id; pushes that come before it are kept.
    pub fn reply(&mut self, id: u32) -> Value {
        let until = Instant::now() + SOON;
        loop {
            match self.next_in(until) {
                Ok(line) if line["id"] == id => return line,
                Ok(line) if line.get("push").is_some() => self.pushes.push_back(line["push"].clone()),
                Ok(other) => panic!("command {id} was awaited, and came {other}"),
                Err(why) => panic!("no reply to command {id}: {why}"),
            }
        }
    }

    pub fn ask(&mut self, method: &str, body: Value) -> Value {
        let id = self.say(method, body);
        self.reply(id)
    }

    /// The result of a command that must succeed.
    pub fn ok(&mut self, method: &str, body: Value) -> Value {
        let reply = self.ask(method, body.clone());
        let result = reply.get(method).unwrap_or_else(|| panic!("{method} {body}: {reply}"));
        result.clone()
    }

    /// The error code of a command that must fail.
    pub fn code(&mut self, method: &str, body: Value) -> u64 {
        let reply = self.ask(method, body.clone());
        reply["error"]["code"].as_u64().unwrap_or_else(|| panic!("{method} {body} did not fail: {reply}"))
    }

    pub fn join(&mut self, group: &str) -> Value {
        self.ok("subscribe", json!({"channel": format!("group:{group}"), "join_leave": true}))
    }

    /// Subscribes and asks for what came after the position.
    pub fn recover(&mut self, group: &str, offset: u64, epoch: &Value) -> Value {
        let body = json!({"channel": format!("group:{group}"), "recover": true, "offset": offset, "epoch": epoch});
        self.ok("subscribe", body)
    }

    pub fn leave(&mut self, group: &str) {
        self.ok("unsubscribe", json!({"channel": format!("group:{group}")}));
    }

    /// Publishes; returns when it was acknowledged.
    pub fn tell(&mut self, group: &str, data: impl Into<Value>) {
        self.ok("publish", json!({"channel": format!("group:{group}"), "data": data.into()}));
    }

    // --- hearing ---

    fn next_in(&mut self, until: Instant) -> Result<Value, String> {
        if let Some((code, why)) = &self.close {
            return Err(format!("closed {code} {why}"));
        }
        match self.inbox.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(In::Line(line)) => Ok(line),
            Ok(In::Close(code, why)) => {
                self.close = Some((code, why.clone()));
                Err(format!("closed {code} {why}"))
            }
            Ok(In::Gone) | Err(RecvTimeoutError::Disconnected) => Err("the socket ended".into()),
            Err(RecvTimeoutError::Timeout) => Err("nothing came".into()),
        }
    }

    /// The next push.
    pub fn push(&mut self) -> Value {
        if let Some(push) = self.pushes.pop_front() {
            return push;
        }
        match self.next_in(Instant::now() + SOON) {
            Ok(line) if line.get("push").is_some() => line["push"].clone(),
            Ok(other) => panic!("a push was awaited, and came {other}"),
            Err(why) => panic!("no push: {why}"),
        }
    }

    /// The next push, which must be a publication: its body.
    pub fn hear(&mut self) -> String {
        let push = self.push();
        let body = push["pub"]["data"]["body"].as_str().unwrap_or_else(|| panic!("a publication was awaited, and came {push}"));
        body.to_owned()
    }

    /// Waits until `n` publications came, between replies that nobody waits for.
    pub fn await_pushes(&mut self, n: usize) {
        let until = Instant::now() + SOON;
        let mut got = 0;
        while got < n {
            match self.next_in(until) {
                Ok(line) if line["push"].get("pub").is_some() => got += 1,
                Ok(line) => assert!(line.get("error").is_none(), "{line}"),
                Err(why) => panic!("{got} of {n} publications: {why}"),
            }
        }
    }

    /// Everything that was pushed up to now; round trips through the engine make sure that all of it is
    /// here. Two, because an answer goes out before the messages of the same tick.
    pub fn heard(&mut self) -> Vec<Value> {
        self.leave("no-such-group");
        self.leave("no-such-group");
        self.pushes.drain(..).collect()
    }

    /// Like [`Client::heard`], as bodies of publications.
    pub fn bodies(&mut self) -> Vec<String> {
        self.heard().iter().map(|p| p["pub"]["data"]["body"].as_str().unwrap_or("?").to_owned()).collect()
    }

    /// Waits until the server closes: code and reason. Replies and pushes before that are dropped.
    pub fn closed(&mut self) -> (u16, String) {
        let until = Instant::now() + SOON;
        while self.close.is_none() {
            if let Err(why) = self.next_in(until)
                && self.close.is_none()
            {
                panic!("a close was awaited: {why}");
            }
        }
        self.wait_for_end();
        self.close.clone().expect("just seen")
    }

    /// The last lines before the close, which is awaited.
    pub fn rest(&mut self) -> Vec<Value> {
        let mut lines: Vec<Value> = self.pushes.drain(..).collect();
        let until = Instant::now() + SOON;
        while let Ok(line) = self.next_in(until) {
            lines.push(line);
        }
        assert!(self.close.is_some(), "the socket ended without a close");
        lines
    }

    fn wait_for_end(&mut self) {
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }

    // --- the socket ---

    pub fn text(&self, text: &str) {
        self.frame(TEXT, text.as_bytes());
    }

    pub fn binary(&self, bytes: &[u8]) {
        self.frame(BINARY, bytes);
    }

    fn frame(&self, opcode: u8, payload: &[u8]) {
        // A server that closed early is seen when reading.
        let _ = write(&mut self.write.lock().unwrap(), opcode, payload);
    }

    /// From now on pings are not answered.
    pub fn fall_silent(&self) {
        self.answers.store(false, Ordering::SeqCst);
    }

    /// From now on, but for one more read, nothing is read; what the server sends piles up.
    pub fn stop_reading(&self) {
        *self.paused.0.lock().unwrap() = true;
    }

    /// From now on the socket takes in little at a time, as on a slow line.
    pub fn narrow(&self) {
        rustix::net::sockopt::set_socket_recv_buffer_size(&self.stream, 64 * 1024).unwrap();
    }

    pub fn read_on(&self) {
        *self.paused.0.lock().unwrap() = false;
        self.paused.1.notify_all();
    }

    /// Closes normally, with a code, and waits until the server has answered and closed as well.
    pub fn close(mut self, code: u16) {
        self.frame(CLOSE, &code.to_be_bytes());
        self.wait_for_end();
    }

    /// Closes with an empty close frame, which reads as 1005.
    pub fn close_without_code(mut self) {
        self.frame(CLOSE, b"");
        self.wait_for_end();
    }

    /// The socket ends without a word; returns when the server has seen it.
    pub fn vanish(mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
        self.wait_for_end();
    }

    /// The socket is reset.
    pub fn reset(mut self) {
        rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO)).unwrap();
        // Local only: it makes our reader end, so that the last owner of the socket is this one.
        let _ = self.stream.shutdown(Shutdown::Read);
        self.wait_for_end();
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.read_on();
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
