//! A business's moderation server: checks each question's signature and shape, and answers as the test
//! says by the message's text. A question that is not as documented fails the test at the next look.

use super::{App, SOON};
use roomd::alibaba::signature::live_callback;
use serde_json::Value;
use std::{
    collections::VecDeque,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

/// What it does with a question.
#[derive(Clone, Debug)]
pub enum Say {
    Pass,
    Refuse(&'static str),
    Status(u16),
    /// Takes the question and never answers.
    Nothing,
}

type Decide = Box<dyn Fn(&str) -> Say + Send>;

struct Shared {
    key: Mutex<String>,
    decide: Mutex<Decide>,
    asked: Mutex<VecDeque<String>>,
    changed: Condvar,
    wrong: Mutex<Vec<String>>,
}

pub struct Moderator {
    shared: Arc<Shared>,
    at: SocketAddr,
}

impl Moderator {
    pub fn start(decide: impl Fn(&str) -> Say + Send + 'static) -> Moderator {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let at = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            key: Mutex::default(),
            decide: Mutex::new(Box::new(decide)),
            asked: Mutex::default(),
            changed: Condvar::new(),
            wrong: Mutex::default(),
        });
        let theirs = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = theirs.clone();
                std::thread::spawn(move || serve(&shared, stream));
            }
        });
        Moderator { shared, at }
    }

    pub fn url(&self) -> String {
        format!("http://{}/moderate", self.at)
    }

    /// Questions of this application come here.
    pub fn knows(&self, app: &App) {
        *self.shared.key.lock().unwrap() = app.key.clone();
    }

    /// The texts that it was asked about since the last look, once there are so many.
    #[track_caller]
    pub fn asked(&self, n: usize) -> Vec<String> {
        let asked = self.shared.asked.lock().unwrap();
        let (mut asked, late) = self.shared.changed.wait_timeout_while(asked, SOON, |asked| asked.len() < n).unwrap();
        assert!(!late.timed_out(), "{n} questions were awaited, and came {asked:?}");
        let wrong = self.shared.wrong.lock().unwrap();
        assert!(wrong.is_empty(), "{wrong:?}");
        asked.drain(..).collect()
    }
}

fn serve(shared: &Shared, mut stream: TcpStream) {
    let Some((head, body)) = read(&mut stream) else { return };
    let text = match serde_json::from_slice::<Value>(&body) {
        Ok(Value::Object(fields)) if fields.len() == 1 && fields["content"].is_string() => fields["content"].as_str().unwrap().to_owned(),
        other => return shared.wrong.lock().unwrap().push(format!("not a question: {other:?}")),
    };
    let header = |name: &str| head.lines().find_map(|line| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.to_owned()));
    let expected = header("Ali-Live-Timestamp").map(|at| live_callback("127.0.0.1", &at, &shared.key.lock().unwrap()));
    if expected.is_none() || header("Ali-Live-Signature") != expected || !head.starts_with("POST /moderate HTTP/1.1") {
        shared.wrong.lock().unwrap().push(format!("a wrong head: {head}"));
    }
    let say = (shared.decide.lock().unwrap())(&text);
    shared.asked.lock().unwrap().push_back(text);
    shared.changed.notify_all();
    let (status, answer) = match say {
        Say::Pass => (200, r#"{"pass":true,"reason":""}"#.to_owned()),
        Say::Refuse(reason) => (200, serde_json::json!({"pass": false, "reason": reason}).to_string()),
        Say::Status(status) => (status, String::new()),
        Say::Nothing => return std::thread::sleep(Duration::from_secs(60)),
    };
    let _ = write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}", answer.len());
}

fn read(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let n = stream.read(&mut part).ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&part[..n]);
        let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let length = head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ").map(|n| n.parse::<usize>().unwrap())).unwrap_or(0);
        if bytes.len() >= end + 4 + length {
            return Some((head, bytes[end + 4..end + 4 + length].to_vec()));
        }
    }
}
