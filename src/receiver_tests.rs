//! The receiver as a sender meets it.

use super::*;
use std::{net::Ipv4Addr, sync::mpsc};

const LIVE: &str = "4fbe9ce9d993db5369ba26ebe83641e54a8c96dd49aa5bd0d96b864fbf59756c";

fn receiver(status: u16) -> (Receiver, mpsc::Receiver<Callback>) {
    let (hand, handed) = mpsc::channel();
    let on = move |callback: &Callback| {
        hand.send(callback.clone()).unwrap();
        status
    };
    let receiver =
        Receiver::start((Ipv4Addr::LOCALHOST, 0).into(), Clock::standing(), Keys::new(["abckey".to_string()], ["xxxxyyyy".to_string()]), Box::new(on)).unwrap();
    (receiver, handed)
}

/// What comes back for these bytes, until the receiver closes.
fn exchange(receiver: &Receiver, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(receiver.addr).unwrap();
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn callbacks_are_handed_on_and_answered_as_told() {
    let (receiver, handed) = receiver(503);
    let one = format!(
        "POST /cb?x=1 HTTP/1.1\r\nHost: cb.example.com\r\nRoomd-Delivery: d7\r\nAli-Live-Timestamp: 1700000000\r\nAli-Live-Signature: {LIVE}\r\nContent-Length: 2\r\n\r\nhi"
    );
    // Two on one connection, the second in the same packet.
    let answer = exchange(&receiver, one.repeat(2).as_bytes());
    assert_eq!(answer.matches("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n").count(), 2, "{answer}");
    let callbacks: Vec<_> = handed.try_iter().collect();
    assert_eq!(callbacks.len(), 2);
    let callback = &callbacks[0];
    assert_eq!((callback.delivery.as_deref(), callback.path.as_str(), callback.body.as_slice()), (Some("d7"), "/cb?x=1", &b"hi"[..]));
    // The sample was signed long ago.
    assert!(matches!(&callback.verdict, Verdict::Wrong(why) if why.contains("rightly signed")), "{:?}", callback.verdict);
}

#[test]
fn webhooks_are_checked_by_their_query() {
    let (receiver, handed) = receiver(200);
    let sign = |time| crate::tencent::webhook::sign("xxxxyyyy", time);
    let now = Clock::standing().now().seconds().to_string();
    for (query, valid) in [(format!("&Sign={}&RequestTime={now}", sign(&now)), true), (format!("&Sign={}&RequestTime={now}", sign("1")), false)] {
        let request = format!("POST /cb?SdkAppid=1&CallbackCommand=Live.X{query} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{{}}");
        let answer = exchange(&receiver, request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with(r#""ErrorCode":0}"#), "it may go on: {answer}");
        assert_eq!(handed.recv().unwrap().verdict == Verdict::Valid, valid);
    }
}

#[test]
fn what_is_no_callback_is_refused() {
    let (receiver, handed) = receiver(200);
    let many = format!("POST / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(65));
    let long = format!("POST / HTTP/1.1\r\nA: {}", "x".repeat(limits::HEAD + 1));
    for (bytes, expected) in [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "405"),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "411"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n", "413"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf", ""),
        ("\x16\x03\x01\x02", "400"),
        (&many, "431"),
        (&long, "431"),
        ("", ""),
    ] {
        let answer = exchange(&receiver, bytes.as_bytes());
        assert_eq!(answer.split(' ').nth(1).unwrap_or_default(), expected, "{bytes:.60?}: {answer}");
    }
    assert_eq!(handed.try_iter().count(), 0);
}

#[test]
fn one_that_waits_for_leave_to_send_its_body_gets_it() {
    let (receiver, handed) = receiver(200);
    let mut stream = TcpStream::connect(receiver.addr).unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n").unwrap();
    let mut leave = [0; 25];
    stream.read_exact(&mut leave).unwrap();
    assert_eq!(&leave, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hi").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert_eq!(handed.recv().unwrap().verdict, Verdict::Unsigned);
}

#[test]
fn a_dropped_receiver_frees_its_port() {
    let (receiver, _handed) = receiver(200);
    let addr = receiver.addr;
    drop(receiver);
    // Its thread closes the listener in its own time.
    let gone = (0..1_000_000).any(|_| TcpStream::connect(addr).is_err());
    assert!(gone);
}
