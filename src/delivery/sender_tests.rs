//! One try against raw servers: what each does to us, and how it is recorded and judged.

use super::*;
use crate::{
    clock::Clock,
    delivery::Patience,
    domain::{
        AppId,
        address::AllowList,
        endpoint::{EndpointId, MAX_URL},
        outbox::{DeliveryId, Job},
    },
};
use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

/// Long enough for a loaded machine to answer, short enough to wait for.
const PATIENCE: Patience = Patience { connect: Duration::from_millis(1500), whole: Duration::from_millis(1500) };

pub fn job() -> Job {
    let endpoint = EndpointId::LiveEvents(AppId::trusted("demo"));
    Job { delivery: DeliveryId("d0".into()), endpoint, query: String::new(), body: Arc::from(&b"{\"eves\":[]}"[..]), tries: 0 }
}

pub fn allow() -> AllowList {
    AllowList::parse(&["any".into()]).unwrap()
}

fn config(url: String, allow: AllowList) -> Config {
    let target = move |_: &Job| {
        let headers = vec![("Content-Type".into(), "application/json".into()), ("X-Sign".into(), "s".into())];
        Some(Target { url: url.clone(), called: url.clone(), headers, patience: PATIENCE, any_port: false, success: |status, _| status == 200 })
    };
    Config { outcome: Arc::new(|_| {}), target: Arc::new(target), allow, clock: Clock::real().unwrap(), stop: Duration::from_millis(50) }
}

/// A server that reads one request and then does as told. Gives its URL and what it read.
fn server(act: impl FnOnce(TcpStream) + Send + 'static) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/cb?x=1", listener.local_addr().unwrap());
    let (seen, saw) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut request, mut buf) = (String::new(), [0; 4096]);
        while !request.ends_with("{\"eves\":[]}") {
            let n = stream.read(&mut buf).unwrap();
            request.push_str(std::str::from_utf8(&buf[..n]).unwrap());
        }
        seen.send(request).unwrap();
        act(stream);
    });
    (url, saw)
}

fn says(bytes: impl Into<Vec<u8>>) -> impl FnOnce(TcpStream) + Send + 'static {
    let bytes = bytes.into();
    move |mut stream| {
        let _ = stream.write_all(&bytes);
    }
}

fn attempt(act: impl FnOnce(TcpStream) + Send + 'static) -> (Attempt, TryEnd) {
    let (url, _saw) = server(act);
    Sender::new(config(url, allow())).attempt(&job())
}

#[test]
fn the_request_is_what_the_receiver_was_promised() {
    let (url, saw) = server(says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    let (attempt, end) = Sender::new(config(url.clone(), allow())).attempt(&job());
    let request = saw.recv().unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST /cb?x=1 HTTP/1.1"));
    let mut lines: Vec<String> = lines.map(str::to_ascii_lowercase).collect();
    lines.sort();
    let host = url.strip_prefix("http://").unwrap().split_once('/').unwrap().0;
    let expected = [
        "accept: */*".into(),
        "connection: close".into(),
        "content-length: 11".into(),
        "content-type: application/json".into(),
        format!("host: {host}"),
        "roomd-delivery: d0".into(),
        format!("user-agent: roomd/{}", env!("CARGO_PKG_VERSION")),
        "x-sign: s".into(),
    ];
    assert_eq!(lines, expected);
    assert_eq!(body, "{\"eves\":[]}");
    assert_eq!((end, attempt.result, attempt.answer, attempt.url), (TryEnd::Delivered, Ok(200), b"ok".to_vec(), url));
}

/// A webhook whose query and signature come to what is configured, and that has little time.
fn signed(url: &str) -> Config {
    let (url, called) = (url.to_owned(), format!("{url}&{}&Sign=5ec7e7", "q".repeat(MAX_URL)));
    let patience = Patience { connect: Duration::from_millis(400), whole: Duration::from_millis(400) };
    let target = move |job: &Job| {
        let called = format!("{called}&RequestID={}", job.delivery);
        Some(Target { url: url.clone(), called, headers: Vec::new(), patience, any_port: false, success: |status, _| status == 200 })
    };
    Config { target: Arc::new(target), ..config(String::new(), allow()) }
}

#[test]
fn what_is_added_to_a_url_is_sent_and_recorded_nowhere() {
    let (url, saw) = server(says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    let (attempt, end) = Sender::new(signed(&url)).attempt(&job());
    let request = saw.recv().unwrap();
    assert!(request.starts_with("POST /cb?x=1&qqq") && request.contains("&Sign=5ec7e7&RequestID=d0 HTTP/1.1\r\n"), "{request}");
    assert_eq!((end, &attempt.url), (TryEnd::Delivered, &url));
    let (silent, _saw) = server(|stream| {
        std::thread::sleep(Duration::from_secs(4));
        drop(stream);
    });
    for (url, expected) in [(silent.as_str(), "no whole answer within 400 ms"), ("http://127.0.0.1:1/?", "connection refused"), ("http://a b/", "not an http")]
    {
        let (attempt, end) = Sender::new(signed(url)).attempt(&job());
        assert!(attempt.result.as_ref().is_err_and(|e| e.contains(expected)), "{attempt:?}");
        assert_eq!((end, attempt.url.as_str()), (TryEnd::Failed, url));
        assert!(!format!("{attempt:?}").contains("5ec7e7"));
    }
}

#[test]
fn answers() {
    let big = [b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n".to_vec(), vec![b'x'; 9_000_000]].concat();
    let long_head = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(40_000));
    for (name, bytes, expected, end) in [
        ("500", b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n".to_vec(), Ok::<u16, &str>(500), TryEnd::Failed),
        ("204", b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(), Ok(204), TryEnd::Failed),
        ("302 is not followed", b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_vec(), Ok(302), TryEnd::Failed),
        ("307 is not followed", b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_vec(), Ok(307), TryEnd::Failed),
        ("until close", b"HTTP/1.0 200 OK\r\n\r\nbye".to_vec(), Ok(200), TryEnd::Delivered),
        ("chunked", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n".to_vec(), Ok(200), TryEnd::Delivered),
        ("a long body is not read to its end", big, Ok(200), TryEnd::Delivered),
        ("half a body", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_vec(), Err("closed before"), TryEnd::Failed),
        ("not HTTP", b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec(), Err("not HTTP"), TryEnd::Failed),
        ("a long head", long_head.into_bytes(), Err("head of the answer is too long"), TryEnd::Failed),
    ] {
        let (attempt, got) = attempt(says(bytes));
        match (&attempt.result, expected) {
            (Ok(status), Ok(expected)) => assert_eq!(*status, expected, "{name}"),
            (Err(error), Err(expected)) => assert!(error.contains(expected), "{name}: {error}"),
            (got, _) => panic!("{name}: {got:?}"),
        }
        assert_eq!(got, end, "{name}");
        assert!(attempt.answer.len() <= KEPT_ANSWER, "{name}");
    }
}

#[test]
fn a_server_that_closes_or_resets_fails() {
    let (closed, end) = attempt(drop);
    assert_eq!((closed.result, end), (Err("closed before the whole answer was sent".into()), TryEnd::Failed));
    let (reset, end) = attempt(|stream| {
        // Closing with a linger of 0 sends RST.
        let linger = rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO));
        linger.unwrap();
    });
    assert_eq!((reset.result, end), (Err("connection reset".into()), TryEnd::Failed));
}

#[test]
fn a_server_that_takes_its_time_fails_when_ours_is_over() {
    let silent = |stream: TcpStream| {
        std::thread::sleep(Duration::from_secs(4));
        drop(stream);
    };
    let drips = |mut stream: TcpStream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        while stream.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    type Act = Box<dyn FnOnce(TcpStream) + Send>;
    for (name, act) in [("silent", Box::new(silent) as Act), ("drips", Box::new(drips))] {
        let began = Instant::now();
        let (attempt, end) = attempt(act);
        assert!(began.elapsed() < Duration::from_millis(3500), "{name}");
        assert_eq!((attempt.result, end), (Err("no whole answer within 1500 ms".into()), TryEnd::Failed), "{name}");
        assert!(attempt.took_ms >= 1400, "{name}: {}", attempt.took_ms);
    }
}

#[test]
fn nobody_listens() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (attempt, end) = Sender::new(config(format!("http://127.0.0.1:{port}/"), allow())).attempt(&job());
    assert_eq!((attempt.result, end), (Err("connection refused".into()), TryEnd::Failed));
}

#[test]
fn tls_that_is_none_fails() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let _ = stream.read(&mut [0; 4096]);
    });
    let (attempt, end) = Sender::new(config(url, allow())).attempt(&job());
    assert!(attempt.result.as_ref().is_err_and(|e| e.starts_with("TLS: ")), "{:?}", attempt.result);
    assert_eq!(end, TryEnd::Failed);
}

#[test]
fn urls_that_cannot_be_called() {
    for url in ["", "ftp://a/", "http://u:p@127.0.0.1/", "http://a b/"] {
        let (attempt, end) = Sender::new(config(url.into(), allow())).attempt(&job());
        assert!(attempt.result.as_ref().is_err_and(|e| e.contains("not an http or https URL")), "{url}: {:?}", attempt.result);
        assert_eq!(end, TryEnd::Failed);
    }
}

#[test]
fn a_removed_endpoint_spends_nothing() {
    let gone = Config { target: Arc::new(|_| None), ..config(String::new(), allow()) };
    let (attempt, end) = Sender::new(gone).attempt(&job());
    assert_eq!((attempt.result, end), (Err("endpoint removed".into()), TryEnd::NotSpent));
}

/// A name of our own making stands for one whose owner points it at a place of ours.
fn resolved(url: &str, allow: AllowList, lookup: fn(&str) -> Result<Vec<std::net::IpAddr>, Unresolved>) -> (Result<u16, String>, TryEnd) {
    let config = config(url.into(), allow);
    let (attempt, end) = Sender::with_resolvers(config, |resolver| resolver.with_lookup(lookup)).attempt(&job());
    (attempt.result, end)
}

#[test]
fn names() {
    let (result, end) = resolved("http://cb.example.com:1/", allow(), |_| Ok(vec![Ipv4Addr::LOCALHOST.into()]));
    assert_eq!((result, end), (Err("connection refused".into()), TryEnd::Failed));
    let (result, end) = resolved("http://cb.example.com/", allow(), |h| Err(Unresolved::NoSuchName(h.into())));
    assert_eq!((result, end), (Err("the name cb.example.com has no address".into()), TryEnd::Failed));
    let (result, end) = resolved("http://cb.example.com/", allow(), |_| Err(Unresolved::Down("Try again".into())));
    assert_eq!((result, end), (Err("name resolution is down: Try again".into()), TryEnd::NotSpent));
}

#[test]
fn a_public_host_may_have_a_port_where_its_cloud_lets_it() {
    let strict = AllowList::parse(&[]).unwrap();
    for (any_port, why) in [(false, "port 8080 is not allowed"), (true, "10.0.0.7, which may not be called")] {
        let mut config = config("http://cb.example.com:8080/".into(), strict.clone());
        let usual = config.target.clone();
        config.target = Arc::new(move |job| Some(Target { any_port, ..usual(job)? }));
        let sender = Sender::with_resolvers(config, |resolver| resolver.with_lookup(|_| Ok(vec![Ipv4Addr::new(10, 0, 0, 7).into()])));
        let (attempt, _) = sender.attempt(&job());
        assert!(attempt.result.as_ref().is_err_and(|e| e.contains(why)), "{:?}", attempt.result);
    }
}

#[test]
fn forbidden_addresses_are_not_called() {
    let strict = AllowList::parse(&[]).unwrap();
    let (result, end) = resolved("http://cb.example.com/", strict.clone(), |_| Ok(vec![Ipv4Addr::new(10, 0, 0, 7).into()]));
    assert!(result.as_ref().is_err_and(|e| e.contains("10.0.0.7, which may not be called")), "{result:?}");
    assert_eq!(end, TryEnd::Failed);
    let (attempt, end) = Sender::new(config("http://127.0.0.1/".into(), strict)).attempt(&job());
    assert!(attempt.result.is_err());
    assert_eq!(end, TryEnd::Failed);
}

#[test]
fn our_own_faults_are_told_from_theirs() {
    for (errno, end) in [
        (Errno::NETUNREACH, TryEnd::NotSpent),
        (Errno::HOSTUNREACH, TryEnd::NotSpent),
        (Errno::MFILE, TryEnd::NotSpent),
        (Errno::NOBUFS, TryEnd::NotSpent),
        (Errno::NOMEM, TryEnd::NotSpent),
        (Errno::CONNREFUSED, TryEnd::Failed),
        (Errno::CONNRESET, TryEnd::Failed),
        (Errno::PIPE, TryEnd::Failed),
        (Errno::TIMEDOUT, TryEnd::Failed),
    ] {
        assert_eq!(judge_io(&io::Error::from_raw_os_error(errno.raw_os_error())).1, end, "{errno:?}");
    }
}
