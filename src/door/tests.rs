//! The door as strangers meet it: raw sockets on free ports. Deadlines run on a standing clock.

use super::*;
use crate::ids::Ids;
use std::{
    io::{Read, Write},
    net::Shutdown,
    sync::Mutex,
};

struct Rig {
    door: Option<Door>,
    control: SocketAddr,
    sessions: SocketAddr,
    clock: Clock,
    adopted: Arc<Mutex<Vec<Upgraded>>>,
    /// Requests for `/gate` wait until somebody sends here.
    gate: mpsc::Sender<()>,
}

fn rig(limits: Limits) -> Rig {
    let bind = || TcpListener::bind("127.0.0.1:0").unwrap();
    let (control, sessions) = (bind(), bind());
    let (at, sessions_at) = (control.local_addr().unwrap(), sessions.local_addr().unwrap());
    let clock = Clock::standing();
    let (gate, waiting) = mpsc::channel::<()>();
    let waiting = Mutex::new(waiting);
    let handler = move |request: &Request| match request.path.as_str() {
        "/panic" => panic!("as asked"),
        "/gate" => {
            let _ = waiting.lock().unwrap().recv();
            Reply::text(200, "gate")
        }
        "/echo" => Reply { status: 200, headers: vec![], body: request.body.clone() },
        "/large" => Reply { status: 200, headers: vec![], body: vec![b'x'; 3_000_000] },
        path => Reply::text(200, &format!("{} {path} {}", request.method, request.query)),
    };
    let adopted = Arc::new(Mutex::new(Vec::new()));
    let keep = adopted.clone();
    let adopt: Adopt = Box::new(move |upgraded| keep.lock().unwrap().push(upgraded));
    let door = start(DoorConfig {
        control,
        sessions,
        limits,
        clock: clock.clone(),
        workers: Arc::default(),
        handler: Arc::new(handler),
        adopt,
        explain: Box::new(|status, why, _| Reply::text(status, why)),
    })
    .unwrap();
    Rig { door: Some(door), control: at, sessions: sessions_at, clock, adopted, gate }
}

impl Rig {
    fn dial(&self, at: SocketAddr, bytes: &[u8]) -> TcpStream {
        let mut socket = TcpStream::connect(at).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket.write_all(bytes).unwrap();
        socket
    }

    /// Everything the server says until it closes.
    fn all(&self, at: SocketAddr, bytes: &[u8]) -> String {
        rest(&mut self.dial(at, bytes))
    }

    /// Lets time pass until the server closes; what it said.
    fn late(&self, socket: &mut TcpStream) -> (u64, String) {
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let (mut said, mut passed, mut chunk) = (Vec::new(), 0, [0; 4096]);
        loop {
            match socket.read(&mut chunk) {
                Ok(0) => return (passed, String::from_utf8(said).unwrap()),
                Ok(n) => said.extend_from_slice(&chunk[..n]),
                Err(_) => {
                    self.clock.advance(1_000).unwrap();
                    passed += 1_000;
                    assert!(passed < 200_000, "the server never closed");
                }
            }
        }
    }

    fn alive(&self) {
        let said = self.all(self.control, b"GET /alive HTTP/1.0\r\n\r\n");
        assert!(said.contains("GET /alive"), "{said}");
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let _ = self.gate.send(());
        if let Some(door) = self.door.take() {
            door.stop();
        }
    }
}

fn rest(socket: &mut TcpStream) -> String {
    let mut said = Vec::new();
    socket.read_to_end(&mut said).unwrap();
    String::from_utf8_lossy(&said).into_owned()
}

/// One answer: head and body.
fn one(socket: &mut TcpStream) -> (String, Vec<u8>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|l| l.strip_prefix("Content-Length: ")).map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    socket.read_exact(&mut body).unwrap();
    (head, body)
}

fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..20_000 {
        if done() {
            return;
        }
        std::thread::yield_now();
        std::thread::park_timeout(Duration::from_millis(1));
    }
    panic!("{what} did not happen");
}

const UPGRADE: &str = "GET /connection/websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[test]
fn requests_are_answered_in_order_on_one_connection() {
    let rig = rig(Limits::default());
    let mut socket = rig.dial(rig.control, b"GET /1?a HTTP/1.1\r\nHost: x\r\n\r\nPOST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET ");
    assert_eq!(one(&mut socket).1, b"GET /1 a\n");
    assert_eq!(one(&mut socket).1, b"hello");
    socket.write_all(b"http://x/3 HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(one(&mut socket).1, b"GET /3 \n");
    socket.write_all(b"HEAD /4 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let said = rest(&mut socket);
    assert!(said.contains("Content-Length: 8\r\n") && said.contains("Connection: close\r\n") && said.ends_with("\r\n\r\n"), "{said}");
}

#[test]
fn a_head_and_a_body_may_come_byte_by_byte() {
    let rig = rig(Limits::default());
    let mut socket = rig.dial(rig.control, b"");
    for byte in b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" {
        socket.write_all(&[*byte]).unwrap();
    }
    assert_eq!(one(&mut socket).1, b"abc");
}

#[test]
fn an_old_client_is_answered_and_closed_on() {
    let rig = rig(Limits::default());
    let said = rig.all(rig.control, b"GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /next HTTP/1.0\r\n\r\n");
    assert!(said.contains("GET /old") && said.contains("Connection: close") && !said.contains("/next"), "{said}");
}

#[test]
fn a_large_body_and_a_large_answer_pass() {
    let rig = rig(Limits::default());
    let mut socket = rig.dial(rig.control, format!("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", limits::BODY).as_bytes());
    let body = vec![b'b'; limits::BODY];
    socket.write_all(&body).unwrap();
    assert!(one(&mut socket).1 == body);
    socket.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(one(&mut socket).1.len(), 3_000_000);
}

#[test]
fn a_client_that_asks_whether_to_go_on_is_told() {
    let rig = rig(Limits::default());
    let mut socket = rig.dial(rig.control, b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(one(&mut socket).0, "HTTP/1.1 100 Continue\r\n\r\n");
    socket.write_all(b"ok").unwrap();
    assert_eq!(one(&mut socket).1, b"ok");
    // Not told what it is not waiting for: the body is here, or there is none.
    socket.write_all(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nno").unwrap();
    assert_eq!(one(&mut socket).1, b"no");
    let said = rig.all(rig.control, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\nExpect: 100-continue\r\n\r\n");
    assert!(said.starts_with("HTTP/1.1 413 "), "{said}");
}

#[test]
fn bad_requests_get_their_answer_and_a_closed_socket() {
    let rig = rig(Limits::default());
    for (request, expected) in [
        ("\x16\x03\x01\x02\x00\x01\x00\x01\u{7c}\x03\x03", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/3.0\r\nHost: x\r\n\r\n", 505),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n", 411),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000000000\r\n\r\nab", 413),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551616\r\n\r\nab", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nContent-Length: 1\r\n\r\na", 417),
    ] {
        for at in [rig.control, rig.sessions] {
            let said = rig.all(at, request.as_bytes());
            assert!(said.starts_with(&format!("HTTP/1.1 {expected} ")), "{request}: {said}");
            assert!(said.contains("Connection: close\r\n") && !said.contains("smuggled"), "{request}: {said}");
        }
    }
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(64));
    let long = format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "b".repeat(limits::HEAD));
    for request in [many, long] {
        assert!(rig.all(rig.control, request.as_bytes()).starts_with("HTTP/1.1 431 "));
    }
    rig.alive();
}

#[test]
fn a_client_that_goes_on_sending_sees_the_answer_and_no_reset() {
    let rig = rig(Limits::default());
    let mut socket = rig.dial(rig.control, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n");
    for _ in 0..30 {
        socket.write_all(&[b'x'; 100_000]).unwrap();
    }
    socket.shutdown(Shutdown::Write).unwrap();
    let said = rest(&mut socket);
    assert!(said.starts_with("HTTP/1.1 413 "), "{said}");
}

#[test]
fn who_is_too_slow_is_closed_on() {
    let rig = rig(Limits::default());
    for (name, request, least, most, answer) in [
        ("nothing", "", 10_000, 12_000, ""),
        ("half a head", "GET / HTTP/1.1\r\nHo", 10_000, 14_000, "HTTP/1.1 408 "),
        ("half a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc", 30_000, 34_000, "HTTP/1.1 408 "),
        ("idle", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 60_000, 62_000, "HTTP/1.1 200 "),
    ] {
        let (passed, said) = rig.late(&mut rig.dial(rig.control, request.as_bytes()));
        assert!((least..=most).contains(&passed) && said.starts_with(answer), "{name}: {passed} {said}");
        assert_eq!(said.is_empty(), answer.is_empty(), "{name}: {said}");
    }
}

#[test]
fn a_slow_sender_has_one_deadline_for_the_whole_head() {
    let rig = rig(Limits::default());
    let mut socket = rig.dial(rig.control, b"GET / HTTP/1.1\r\nHost: x\r\n");
    let mut passed = 0;
    while passed < 30_000 && socket.write_all(b"A: b\r\n").is_ok() {
        rig.clock.advance(1_000).unwrap();
        passed += 1_000;
        socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        if socket.read(&mut [0; 512]).is_ok() {
            break;
        }
    }
    assert!((10_000..=13_000).contains(&passed), "{passed}");
}

#[test]
fn who_does_not_read_is_closed_on() {
    let rig = rig(Limits::default());
    let socket = rig.dial(rig.control, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n".repeat(10).as_bytes());
    let door = rig.door.as_ref().unwrap();
    until("the connection", || door.connections() == 1);
    for _ in 0..60 {
        rig.clock.advance(1_000).unwrap();
    }
    until("the close", || {
        rig.clock.advance(1_000).unwrap();
        door.connections() == 0
    });
    drop(socket);
}

#[test]
fn too_many_connections_are_told_so() {
    let rig1 = rig(Limits { connections: 2, connections_per_address: 0 });
    let held: Vec<_> = (0..2).map(|_| rig1.dial(rig1.sessions, b"")).collect();
    until("two inside", || rig1.door.as_ref().unwrap().connections() == 2);
    let said = rig1.all(rig1.sessions, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(said.starts_with("HTTP/1.1 503 ") && said.contains("Connection: close") && said.contains("the most allowed"), "{said}");
    rig1.alive();
    drop(held);
    until("their leaving", || rig1.door.as_ref().unwrap().connections() == 0);
    let said = rig1.all(rig1.sessions, b"GET /healthz HTTP/1.0\r\n\r\n");
    assert!(said.starts_with("HTTP/1.1 200 "), "{said}");

    let rig2 = rig(Limits { connections: 0, connections_per_address: 1 });
    let _held = rig2.dial(rig2.sessions, b"");
    until("one inside", || rig2.door.as_ref().unwrap().connections() == 1);
    let said = rig2.all(rig2.sessions, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(said.starts_with("HTTP/1.1 429 "), "{said}");
    let upgrade = b"GET /connection/websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let said = rig2.all(rig2.sessions, upgrade);
    assert!(said.starts_with("HTTP/1.1 101 ") && said.ends_with("connection limit"), "{said}");
}

#[test]
fn a_panicking_handler_costs_one_request() {
    let rig = rig(Limits::default());
    let mut socket = rig.dial(rig.control, "GET /panic HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20).as_bytes());
    for _ in 0..20 {
        assert!(one(&mut socket).0.starts_with("HTTP/1.1 500 "));
    }
    rig.alive();
}

#[test]
fn a_full_queue_says_come_again() {
    let rig = rig(Limits::default());
    let request = b"GET /gate HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut waiting: Vec<_> = (0..QUEUE + workers::WORKERS).map(|_| rig.dial(rig.control, request)).collect();
    until("a full queue", || rig.door.as_ref().unwrap().busy() == QUEUE + workers::WORKERS);
    let said = rig.all(rig.control, request);
    assert!(said.starts_with("HTTP/1.1 503 ") && said.contains("Retry-After: 1"), "{said}");
    for _ in &waiting {
        rig.gate.send(()).unwrap();
    }
    for socket in &mut waiting {
        assert!(rest(socket).starts_with("HTTP/1.1 200 "));
    }
}

#[test]
fn an_upgrade_is_handed_over_with_what_was_read() {
    let rig = rig(Limits::default());
    let socket = rig.dial(rig.sessions, format!("{UPGRADE}Sec-WebSocket-Protocol: other, centrifuge-json\r\n\r\nleft").as_bytes());
    until("the adoption", || !rig.adopted.lock().unwrap().is_empty());
    let upgraded = rig.adopted.lock().unwrap().pop().unwrap();
    assert_eq!(upgraded.leftover, b"left");
    assert_eq!(upgraded.peer, socket.local_addr().unwrap());
    let greeting = String::from_utf8(upgraded.greeting.clone()).unwrap();
    assert!(greeting.starts_with("HTTP/1.1 101 ") && greeting.ends_with("\r\n\r\n"), "{greeting}");
    assert!(greeting.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{greeting}");
    assert!(greeting.contains("sec-websocket-protocol: centrifuge-json\r\n"), "{greeting}");
    let door = rig.door.as_ref().unwrap();
    assert_eq!(door.connections(), 1, "it keeps its place");
    drop(upgraded);
    assert_eq!(door.connections(), 0);
}

#[test]
fn the_session_listener_answers_what_is_no_upgrade() {
    let rig = rig(Limits::default());
    let plain = "GET /connection/websocket HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let old = UPGRADE.replace("Version: 13", "Version: 8") + "\r\n";
    for (request, expected) in [
        (plain.into(), &["HTTP/1.1 426 ", "Upgrade: websocket\r\n"][..]),
        (old + "\r\n", &["HTTP/1.1 426 ", "Sec-WebSocket-Version: 13\r\n"]),
        (format!("{UPGRADE}Sec-WebSocket-Protocol: centrifuge-protobuf\r\n\r\n"), &["HTTP/1.1 400 ", "Protobuf"]),
        (format!("{}\r\n", UPGRADE.replace("dGhl", "")), &["HTTP/1.1 400 ", "handshake"]),
        (format!("{UPGRADE}Content-Length: 2\r\n\r\nab"), &["HTTP/1.1 400 ", "body"]),
        (plain.replace("GET", "POST"), &["HTTP/1.1 405 ", "Allow: GET"]),
        (plain.replace("GET", "OPTIONS"), &["HTTP/1.1 204 ", "Access-Control-Allow-Methods: GET", "Access-Control-Max-Age: "]),
        (plain.replace("/connection/websocket", "/healthz"), &["HTTP/1.1 200 ", "ok\n"]),
        (plain.replace("/connection/websocket", "/"), &["HTTP/1.1 404 ", "/connection/websocket"]),
    ] {
        let mut socket = rig.dial(rig.sessions, request.as_bytes());
        socket.shutdown(Shutdown::Write).unwrap();
        let said = rest(&mut socket);
        for part in expected {
            assert!(said.contains(part), "{request}: {said}");
        }
        assert!(said.contains("Access-Control-Allow-Origin: *\r\n"), "{request}: {said}");
    }
    assert!(rig.adopted.lock().unwrap().is_empty());
}

#[test]
fn stopping_answers_what_was_begun_and_closes_the_idle() {
    let mut rig = rig(Limits::default());
    let mut idle = rig.dial(rig.control, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    one(&mut idle);
    let mut begun = rig.dial(rig.control, b"GET /gate HTTP/1.1\r\nHost: x\r\n\r\n");
    let door = rig.door.take().unwrap();
    until("its handling", || door.busy() == 1);
    let stopping = std::thread::spawn(move || door.stop());
    assert_eq!(rest(&mut idle), "");
    until("the listener's end", || TcpStream::connect(rig.control).is_err());
    rig.gate.send(()).unwrap();
    let said = rest(&mut begun);
    assert!(said.starts_with("HTTP/1.1 200 ") && said.contains("Connection: close\r\n"), "{said}");
    stopping.join().unwrap();
}

#[test]
fn garbage_harms_nobody() {
    let rig = rig(Limits::default());
    let seed = Ids::seeded(20_260_101);
    let parts: &[&[u8]] = &[
        b"GET ",
        b"POST ",
        b"/ ",
        b"*",
        b"HTTP/1.1\r\n",
        b"HTTP/1.0\r\n",
        b"\r\n",
        b"\n",
        b"Host: a\r\n",
        b"Content-Length: ",
        b"5",
        b"-1",
        b"99999999999999999999",
        b"Transfer-Encoding: chunked\r\n",
        b"Expect: 100-continue\r\n",
        b"\0",
        b"\xff\xfe",
        b"Upgrade: websocket\r\n",
        b"Connection: Upgrade\r\n",
        b"http://",
        b": ",
        b"Sec-WebSocket-Version: 13\r\n",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        b"/connection/websocket ",
        b"\r\n\r\n",
    ];
    for _ in 0..10_000 {
        let mut bytes = Vec::new();
        for _ in 0..seed.number() % 24 {
            match seed.number() % 3 {
                0 => bytes.extend((0..seed.number() % 40).map(|_| seed.number() as u8)),
                _ => bytes.extend_from_slice(parts[seed.number() as usize % parts.len()]),
            }
        }
        let at = if seed.number().is_multiple_of(2) { rig.control } else { rig.sessions };
        let mut socket = TcpStream::connect(at).unwrap();
        let _ = socket.write_all(&bytes);
        match seed.number() % 3 {
            0 => drop(socket),
            1 => drop(socket.shutdown(Shutdown::Write)),
            _ => {
                let _ = socket.shutdown(Shutdown::Write);
                let _ = socket.set_read_timeout(Some(Duration::from_millis(200)));
                let _ = socket.read_to_end(&mut bytes);
            }
        }
    }
    rig.alive();
    until("everybody's leaving", || {
        rig.adopted.lock().unwrap().clear();
        rig.clock.advance(30_000).unwrap();
        rig.door.as_ref().unwrap().connections() == 0
    });
}

#[test]
fn the_control_listener_takes_the_long_queries_of_the_sdks() {
    let rig = rig(Limits::default());
    let ask = |target: usize, header: usize| format!("GET /?{} HTTP/1.0\r\nX: {}\r\n\r\n", "y".repeat(target), "z".repeat(header)).into_bytes();
    for (address, target, header, expected) in [
        (rig.control, 100 * 1024, 10, "HTTP/1.1 200 "),
        (rig.control, limits::CONTROL_LINE, 10, "HTTP/1.1 414 "),
        (rig.control, 100 * 1024, limits::HEAD, "HTTP/1.1 431 "),
        (rig.sessions, limits::HEAD, 10, "HTTP/1.1 414 "),
        (rig.sessions, limits::HEAD - 100, 200, "HTTP/1.1 431 "),
    ] {
        let said = rig.all(address, &ask(target, header));
        assert!(said.starts_with(expected), "{target} {header}: {}", &said[..said.len().min(80)]);
    }
}
