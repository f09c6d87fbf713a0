//! A business's server as the chat calls it: it is told of what happened, and asked before something does. Checks each
//! call's URL and signature and the order of its keys, remembers it, and answers as the test says at that moment. A call
//! that is not as documented (`tencent.md` §6.1) fails the test at the next look.

use super::{SOON, World, hooks::query, operator};
use roomd::alibaba::signature::sha256_hex;
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    time::Instant,
};

/// All words that are told, and those that are asked.
pub const AFTER: [&str; 12] = [
    "State.StateChange",
    "Group.CallbackAfterCreateGroup",
    "Group.CallbackAfterNewMemberJoin",
    "Group.CallbackAfterMemberExit",
    "Group.CallbackAfterGroupDestroyed",
    "Group.CallbackAfterGroupFull",
    "Group.CallbackAfterGroupInfoChanged",
    "Group.CallbackAfterSendMsg",
    "Group.CallbackSendMsgException",
    "Group.CallbackAfterRecallMsg",
    "Group.CallbackOnMemberStateChange",
    "C2C.CallbackAfterSendMsg",
];
pub const BEFORE: [&str; 5] = [
    "Group.CallbackBeforeCreateGroup",
    "Group.CallbackBeforeApplyJoinGroup",
    "Group.CallbackBeforeInviteJoinGroup",
    "Group.CallbackBeforeSendMsg",
    "C2C.CallbackBeforeSendMsg",
];

const TOKEN: &str = "a token of the chat";

/// What it does with a call.
#[derive(Clone, Debug)]
pub enum Answers {
    /// Answers with `ErrorCode` 0.
    Proceed,
    Json(Value),
    Raw(u16, Vec<u8>),
    /// Takes the call and never answers.
    Nothing,
}

/// One call as it came.
#[derive(Clone, Debug)]
pub struct Heard {
    pub path: String,
    pub body: Value,
}

impl Heard {
    pub fn word(&self) -> &str {
        self.body["CallbackCommand"].as_str().expect("it was looked at")
    }

    /// A parameter of the URL, as it stands there.
    pub fn param(&self, name: &str) -> Option<&str> {
        query(&self.path).into_iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }
}

type Decide = Box<dyn FnMut(&Value) -> Answers + Send>;

struct Shared {
    at: SocketAddr,
    decide: Mutex<Decide>,
    inside: Mutex<Inside>,
    changed: Condvar,
}

#[derive(Default)]
struct Inside {
    all: Vec<Heard>,
    wrong: Vec<String>,
}

pub struct Business(Arc<Shared>);

impl Business {
    /// It says yes to everything, until [`Business::says`].
    pub fn start() -> Business {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let decide: Decide = Box::new(|_| Answers::Proceed);
        let shared = Arc::new(Shared { at: listener.local_addr().unwrap(), decide: Mutex::new(decide), inside: Mutex::default(), changed: Condvar::new() });
        let theirs = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = theirs.clone();
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        Business(shared)
    }

    pub fn url(&self) -> String {
        format!("http://{}/chat", self.0.at)
    }

    /// What the operator's API is told so that these words come here, signed.
    pub fn webhooks(&self, words: &[&str]) -> Value {
        json!({"url": self.url(), "commands": words, "token": TOKEN, "token_enabled": true})
    }

    /// From now on each call is answered so, by its body.
    pub fn says(&self, decide: impl FnMut(&Value) -> Answers + Send + 'static) {
        *self.0.decide.lock().unwrap() = Box::new(decide);
    }

    /// All calls so far, in the order they came.
    #[track_caller]
    pub fn all(&self) -> Vec<Heard> {
        let inside = self.0.inside.lock().unwrap();
        assert!(inside.wrong.is_empty(), "{:?}", inside.wrong);
        inside.all.clone()
    }

    /// Those of this word.
    #[track_caller]
    pub fn told(&self, word: &str) -> Vec<Heard> {
        self.all().into_iter().filter(|told| told.word() == word).collect()
    }

    /// Waits until so many of this word came; there must not be more.
    #[track_caller]
    pub fn await_told(&self, word: &str, n: usize) -> Vec<Heard> {
        let until = Instant::now() + SOON;
        let mut inside = self.0.inside.lock().unwrap();
        while inside.all.iter().filter(|told| told.word() == word).count() < n && inside.wrong.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{n} of {word} were awaited, and came {:?}", inside.all.iter().map(Heard::word).collect::<Vec<_>>());
            inside = self.0.changed.wait_timeout(inside, left).unwrap().0;
        }
        drop(inside);
        let told = self.told(word);
        assert_eq!(told.len(), n, "{told:?}");
        told
    }

    /// Forgets what came so far.
    pub fn forget(&self) {
        self.all();
        self.0.inside.lock().unwrap().all.clear();
    }
}

impl World {
    /// The words come to this server from now on.
    #[track_caller]
    pub fn tells(&self, business: &Business, words: &[&str]) {
        self.operate("PUT", "webhooks", &business.webhooks(words));
    }

    /// How the application's chat goes.
    #[track_caller]
    pub fn chat(&self, settings: Value) {
        self.operate("PATCH", "", &json!({"chat": settings}));
    }

    #[track_caller]
    fn operate(&self, method: &str, path: &str, body: &Value) {
        let path = format!("apps/{}/{path}", self.app.id);
        let answer = operator(self.server.running().control, self.server.folder.path(), method, path.trim_end_matches('/'), &body.to_string());
        assert_eq!(answer.status, 200, "{method} {path} {body}: {}", answer.body);
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) {
        // The server keeps a connection for the next call.
        let mut bytes = Vec::new();
        while let Some((head, body)) = read(&mut stream, &mut bytes) {
            let (told, wrong) = look(&head, &body);
            let say = told.as_ref().map_or(Answers::Proceed, |told| (self.decide.lock().unwrap())(&told.body));
            {
                let mut inside = self.inside.lock().unwrap();
                inside.wrong.extend(wrong);
                inside.all.extend(told);
                self.changed.notify_all();
            }
            let (status, answer) = match say {
                Answers::Proceed => (200, br#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#.to_vec()),
                Answers::Json(answer) => (200, answer.to_string().into_bytes()),
                Answers::Raw(status, answer) => (status, answer),
                Answers::Nothing => {
                    // Until the other side gives up.
                    while matches!(stream.read(&mut [0; 64]), Ok(n) if n > 0) {}
                    return;
                }
            };
            let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\n\r\n", answer.len());
            if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&answer)).is_err() {
                return;
            }
        }
    }
}

/// The call, and what is wrong with it.
fn look(head: &str, body: &[u8]) -> (Option<Heard>, Option<String>) {
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let Ok(json) = serde_json::from_slice::<Value>(body) else { return (None, Some(format!("no JSON: {}", String::from_utf8_lossy(body)))) };
    let told = Heard { path, body: json };
    if !told.body["CallbackCommand"].is_string() {
        return (None, Some(format!("no CallbackCommand: {}", told.body)));
    }
    let wrong = flaw(head, body, &told);
    (Some(told), wrong)
}

fn flaw(head: &str, body: &[u8], told: &Heard) -> Option<String> {
    let word = told.word();
    if !head.starts_with("POST /chat?SdkAppid=") || !head.to_ascii_lowercase().contains("\r\ncontent-type: application/json\r\n") {
        return Some(format!("{word}: {head}"));
    }
    let names: Vec<&str> = query(&told.path).into_iter().map(|(name, _)| name).collect();
    let mut expected = vec!["SdkAppid", "CallbackCommand", "contenttype"];
    if word != "Group.CallbackOnMemberStateChange" {
        expected.extend(names.contains(&"ClientIP").then_some("ClientIP"));
        expected.push("OptPlatform");
    }
    expected.extend(["RequestID", "Sign", "RequestTime"]);
    if names != expected {
        return Some(format!("{word}: the query has {names:?}, not {expected:?}"));
    }
    if told.param("CallbackCommand") != Some(word) || told.param("contenttype") != Some("json") {
        return Some(format!("{word}: its query is not of this body: {}", told.path));
    }
    let time = told.param("RequestTime").unwrap_or_default();
    if told.param("Sign") != Some(sha256_hex(format!("{TOKEN}{time}").as_bytes()).as_str()) {
        return Some(format!("{word}: Sign is not that of the token: {}", told.path));
    }
    let sorted = serde_json::to_vec(&told.body).expect("JSON");
    (sorted != body).then(|| format!("{word}: keys are not sorted, or there is space between: {}", String::from_utf8_lossy(body)))
}

/// The next request of the connection; `rest` holds what was read beyond it.
fn read(stream: &mut TcpStream, rest: &mut Vec<u8>) -> Option<(String, Vec<u8>)> {
    let mut part = [0; 4096];
    loop {
        if let Some(end) = rest.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&rest[..end + 2]).into_owned();
            let length = head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ").map(|n| n.parse::<usize>().unwrap())).unwrap_or(0);
            if rest.len() >= end + 4 + length {
                let body = rest[end + 4..end + 4 + length].to_vec();
                rest.drain(..end + 4 + length);
                return Some((head, body));
            }
        }
        let n = stream.read(&mut part).ok().filter(|n| *n > 0)?;
        rest.extend_from_slice(&part[..n]);
    }
}
