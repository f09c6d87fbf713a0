//! HTTP/1 as bytes: a head is parsed and judged, an answer is printed. What is ambiguous is refused,
//! because a proxy in front may read it otherwise (request smuggling). Must not know about sockets.

use super::{Reply, limits};
use crate::domain::{Millis, time::Utc};
use tiny_http::{HTTPVersion, Header, Response, StatusCode};

/// A request's line and headers, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub method: String,
    pub path: String,
    pub query: String,
    /// Names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Bytes of the head itself.
    pub size: usize,
    /// Bytes of the body.
    pub length: usize,
    /// HTTP/1.0.
    pub old: bool,
    /// The connection ends after the answer.
    pub close: bool,
    /// The client waits for a 100 before it sends the body.
    pub expects: bool,
}

impl Head {
    /// The first header of that name, which is in lower case, when it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).and_then(|(_, v)| std::str::from_utf8(v).ok())
    }

    /// Is `token` among the comma-separated values of that header?
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        tokens(&self.headers, name).any(|t| t.eq_ignore_ascii_case(token))
    }
}

/// The comma-separated values of all headers of that name.
pub fn tokens<'a>(headers: &'a [(String, Vec<u8>)], name: &'a str) -> impl Iterator<Item = &'a str> {
    let values = headers.iter().filter(move |(n, _)| n == name).filter_map(|(_, v)| std::str::from_utf8(v).ok());
    values.flat_map(|v| v.split(',')).map(str::trim).filter(|t| !t.is_empty())
}

/// Why a request is not served: the status, and a sentence for the person who looks for the reason.
/// The connection closes after it, because where the next request begins is not certain any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub status: u16,
    pub why: &'static str,
}

const fn fault(status: u16, why: &'static str) -> Fault {
    Fault { status, why }
}

pub const TOO_SLOW: Fault = fault(408, "the request took too long to arrive");
pub const TOO_LARGE: Fault = fault(413, "a body may have 1 MiB at most");
pub const NO_MEMORY: Fault = fault(503, "too many large bodies at once; try again");
const HEAD_TOO_LARGE: Fault = fault(431, "the request head may have 16 KiB at most");

/// The head at the start of `bytes`, whose first line may have `line` bytes. `None`: it is not complete yet.
pub fn parse(bytes: &[u8], line: usize) -> Result<Option<Head>, Fault> {
    const TARGET_TOO_LONG: Fault = fault(414, "the request target is too long");
    let first = bytes.iter().position(|b| *b == b'\n').map(|at| at + 1);
    if first.unwrap_or(bytes.len()) > line {
        return Err(TARGET_TOO_LONG);
    }
    // Where the line has a bound of its own, the headers have the other one to themselves.
    let most = limits::HEAD + if line > limits::HEAD { first.unwrap_or(line) } else { 0 };
    let mut slots = [httparse::EMPTY_HEADER; limits::HEADERS];
    let mut raw = httparse::Request::new(&mut slots);
    let size = match raw.parse(bytes) {
        Ok(httparse::Status::Complete(size)) if size <= most => size,
        Ok(httparse::Status::Complete(_)) => return Err(HEAD_TOO_LARGE),
        Ok(httparse::Status::Partial) if bytes.len() < most => return Ok(None),
        Ok(httparse::Status::Partial) if first.is_none() => return Err(TARGET_TOO_LONG),
        Ok(httparse::Status::Partial) => return Err(HEAD_TOO_LARGE),
        Err(httparse::Error::TooManyHeaders) => return Err(fault(431, "a request may have 64 headers at most")),
        Err(httparse::Error::Version) => return Err(fault(505, "speak HTTP/1.1")),
        Err(_) => return Err(fault(400, "this is not an HTTP/1.1 request")),
    };
    let incomplete = fault(400, "the request line is incomplete");
    let (Some(method), Some(target), Some(minor)) = (raw.method, raw.path, raw.version) else {
        return Err(incomplete);
    };
    let headers: Vec<_> = raw.headers.iter().map(|h| (h.name.to_ascii_lowercase(), h.value.to_vec())).collect();
    let (path, query) = split(method, target)?;
    let old = minor == 0;
    match headers.iter().filter(|(n, _)| n == "host").count() {
        0 if !old => return Err(fault(400, "HTTP/1.1 needs a Host header")),
        0 | 1 => {}
        _ => return Err(fault(400, "there is more than one Host header")),
    }
    let length = length(&headers)?;
    let mut expects = false;
    for token in tokens(&headers, "expect").filter(|_| !old) {
        if !token.eq_ignore_ascii_case("100-continue") {
            return Err(fault(417, "only 100-continue can be expected"));
        }
        expects = true;
    }
    let close = old || tokens(&headers, "connection").any(|t| t.eq_ignore_ascii_case("close"));
    Ok(Some(Head { method: method.into(), path, query, headers, size, length, old, close, expects }))
}

/// The path in the first line of a head that was not read to its end, or could not be; empty when it shows none.
pub fn path_of(bytes: &[u8]) -> String {
    let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let target = line.split(|b| *b == b' ').nth(1).unwrap_or_default();
    let path = target.split(|b| *b == b'?').next().unwrap_or_default();
    if path.starts_with(b"/") { String::from_utf8_lossy(path).into_owned() } else { String::new() }
}

/// Path and query of a target in origin form, or in absolute form, as a client of a proxy sends it.
fn split(method: &str, target: &str) -> Result<(String, String), Fault> {
    let local = match target.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") => match rest.find(['/', '?']) {
            Some(at) => &rest[at..],
            None => "/",
        },
        _ if target.starts_with('/') => target,
        _ if target == "*" && method == "OPTIONS" => target,
        _ => return Err(fault(400, "the request target must begin with a slash")),
    };
    let (path, query) = local.split_once('?').unwrap_or((local, ""));
    Ok((if path.is_empty() { "/" } else { path }.into(), query.into()))
}

/// How long the body is. Equal lengths said twice are one; chunks are not taken, no SDK sends them.
fn length(headers: &[(String, Vec<u8>)]) -> Result<usize, Fault> {
    let mut said = None;
    for (_, value) in headers.iter().filter(|(n, _)| n == "content-length") {
        let digits = std::str::from_utf8(value).ok().filter(|v| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit()));
        let n: u64 = digits.and_then(|v| v.parse().ok()).ok_or(fault(400, "Content-Length is not a number"))?;
        if said.is_some_and(|before| before != n) {
            return Err(fault(400, "there are two different Content-Lengths"));
        }
        said = Some(n);
    }
    if headers.iter().any(|(n, _)| n == "transfer-encoding") {
        return Err(match said {
            Some(_) => fault(400, "Content-Length and Transfer-Encoding exclude each other"),
            None => fault(411, "send a Content-Length; Transfer-Encoding is not supported"),
        });
    }
    match said.unwrap_or(0) {
        n if n > limits::BODY as u64 => Err(TOO_LARGE),
        n => Ok(n as usize),
    }
}

/// The answer's bytes, without a Connection header (see [`say_close`]). Headers that could not stand
/// on one line of ASCII are left out.
pub fn print(reply: Reply, head_only: bool, now: Millis) -> Vec<u8> {
    let size = reply.body.len();
    let mut response = Response::new(StatusCode(reply.status), Vec::new(), &reply.body[..], Some(size), None)
        // Else it switches to chunks from 32 KiB on.
        .with_chunked_threshold(usize::MAX);
    let ours = [("Server", "roomd".to_owned()), ("Date", date(now))];
    let theirs = reply.headers.iter().map(|(n, v)| (n.as_str(), v.clone()));
    for (name, value) in ours.into_iter().chain(theirs) {
        let plain = |text: &str| text.bytes().all(|b| (b' '..0x7f).contains(&b) || b == b'\t');
        if plain(name)
            && plain(&value)
            && let Ok(header) = Header::from_bytes(name, value)
        {
            response.add_header(header);
        }
    }
    let mut out = Vec::with_capacity(256 + if head_only { 0 } else { size });
    response.raw_print(&mut out, HTTPVersion(1, 1), &[], head_only, None).expect("writing to memory does not fail");
    out
}

/// Adds `Connection: close`. A client that is not told would send its next request into the closing
/// socket, and one of the official SDKs does not try again.
pub fn say_close(answer: &mut Vec<u8>) {
    insert(answer, "Connection: close");
}

/// Adds a header that tiny_http's printer drops, as it does with those about the connection.
pub fn insert(answer: &mut Vec<u8>, header: &str) {
    if let Some(line) = answer.windows(2).position(|w| w == b"\r\n") {
        answer.splice(line..line, format!("\r\n{header}").into_bytes());
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn date(now: Millis) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let utc = now.utc();
    let Utc { year, month, day, hour, minute, second } = utc;
    format!("{}, {day:02} {} {year} {hour:02}:{minute:02}:{second:02} GMT", DAYS[utc.weekday()], MONTHS[month as usize - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_what_could_not_be_read() {
        for (bytes, expected) in [
            ("POST /v4/x?a=b HTTP/1.1\r\nHost:", "/v4/x"),
            ("POST /v4", "/v4"),
            ("POST  /v4", ""),
            ("POST http://a/v4 HTTP/1.1", ""),
            ("\u{16}\u{3}", ""),
            ("", ""),
        ] {
            assert_eq!(path_of(bytes.as_bytes()), expected, "{bytes:?}");
        }
    }

    #[test]
    fn heads_are_judged() {
        let host = "Host: a\r\n";
        for (head, expected) in [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n".into(), 0),
            ("GET / HTTP/1.0\r\n\r\n".into(), 0),
            ("GET / HTTP/1.1\r\n\r\n".into(), 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n".into(), 400),
            ("GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n".into(), 0),
            ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n".into(), 0),
            ("GET * HTTP/1.1\r\nHost: a\r\n\r\n".into(), 400),
            ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n".into(), 400),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n".into(), 505),
            ("\u{16}\u{3}\u{1}\u{2}".into(), 400),
            (format!("POST / HTTP/1.1\r\n{host}Content-Length: 5\r\nContent-Length: 5\r\n\r\n"), 0),
            (format!("POST / HTTP/1.1\r\n{host}Content-Length: 5\r\nContent-Length: 6\r\n\r\n"), 400),
            (format!("POST / HTTP/1.1\r\n{host}Content-Length: +5\r\n\r\n"), 400),
            (format!("POST / HTTP/1.1\r\n{host}Content-Length: -5\r\n\r\n"), 400),
            (format!("POST / HTTP/1.1\r\n{host}Content-Length: 5 5\r\n\r\n"), 400),
            (format!("POST / HTTP/1.1\r\n{host}Content-Length: 5, 5\r\n\r\n"), 400),
            (format!("POST / HTTP/1.1\r\n{host}Content-Length: 0x5\r\n\r\n"), 400),
            (format!("POST / HTTP/1.1\r\n{host}Content-Length:\r\n\r\n"), 400),
            (format!("POST / HTTP/1.1\r\n{host}Content-Length: 99999999999999999999\r\n\r\n"), 400),
            (format!("POST / HTTP/1.1\r\n{host}Content-Length: 100000000000000\r\n\r\n"), 413),
            (format!("POST / HTTP/1.1\r\n{host}Content-Length: 1048576\r\n\r\n"), 0),
            (format!("POST / HTTP/1.1\r\n{host}Content-Length: 1048577\r\n\r\n"), 413),
            (format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n"), 411),
            (format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding: identity\r\n\r\n"), 411),
            (format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"), 400),
            (format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding : chunked\r\n\r\n"), 400),
            (format!("POST / HTTP/1.1\r\n{host}Expect: 100-Continue\r\n\r\n"), 0),
            (format!("POST / HTTP/1.1\r\n{host}Expect: tea\r\n\r\n"), 417),
            (format!("GET / HTTP/1.1\r\n{host}X: a\r\n b\r\n\r\n"), 400),
            (format!("GET / HTTP/1.1\r\n{host}X: a\0b\r\n\r\n"), 400),
            (format!("GET / HTTP/1.1\r\n{host}{}\r\n", "X: y\r\n".repeat(63)), 0),
            (format!("GET / HTTP/1.1\r\n{host}{}\r\n", "X: y\r\n".repeat(64)), 431),
            (format!("GET / HTTP/1.1\r\n{host}X: {}\r\n\r\n", "y".repeat(limits::HEAD)), 431),
            (format!("GET /{}", "y".repeat(limits::HEAD)), 414),
        ] {
            let got = match parse(head.as_bytes(), limits::HEAD) {
                Ok(head) => head.map_or(1, |_| 0),
                Err(fault) => fault.status,
            };
            assert_eq!(got, expected, "{head:.120}");
        }
        assert_eq!(parse(b"GET / HTTP/1.1\r\nHost: a\r\n", limits::HEAD), Ok(None));
    }

    #[test]
    fn targets_are_split() {
        for (target, path, query) in [
            ("/", "/", ""),
            ("/a/b?x=1?y", "/a/b", "x=1?y"),
            ("http://h/a?b", "/a", "b"),
            ("HTTPS://h:1?b", "/", "b"),
            ("http://h", "/", ""),
            ("/go?to=http://x/y", "/go", "to=http://x/y"),
        ] {
            assert_eq!(split("GET", target), Ok((path.into(), query.into())), "{target}");
        }
    }

    #[test]
    fn answers_are_printed_whole() {
        let reply = Reply::text(200, "hello").with("X-Ok", "1").with("X-Bad", "a\r\nSet-Cookie: b").with("Transfer-Encoding", "chunked");
        let mut bytes = print(Reply { body: vec![b'x'; 100_000], ..reply.clone() }, false, Millis(784_111_777_000));
        say_close(&mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(body.len(), 100_000);
        assert!(head.starts_with("HTTP/1.1 200 OK\r\nConnection: close\r\n"), "{head}");
        assert!(head.contains("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n") && head.contains("Content-Length: 100000"), "{head}");
        assert!(!head.contains("Cookie") && !head.contains("chunked") && head.contains("Server: roomd\r\n"), "{head}");
        let head = String::from_utf8(print(reply, true, Millis(0))).unwrap();
        assert!(head.ends_with("\r\n\r\n") && head.contains("Content-Length: 6"), "{head}");
    }

    #[test]
    fn dates() {
        for (seconds, expected) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_767_225_599, "Wed, 31 Dec 2025 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        ] {
            assert_eq!(date(Millis(seconds * 1000)), expected);
        }
    }
}
