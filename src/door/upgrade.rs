//! The session listener's paths: the WebSocket handshake (`session.md` §1), CORS and health. Pure.
//! Must not know what is said on the socket afterwards.

use super::{
    Reply,
    http::{self, Head},
};
use crate::domain::Millis;
use async_tungstenite::tungstenite::{
    handshake::server::create_response,
    http::{Method, Request, Version},
};

/// Where clients connect.
pub const WEBSOCKET_PATH: &str = "/connection/websocket";
/// The encoding that is offered as a subprotocol; without one it is the same.
const JSON: &str = "centrifuge-json";
const PROTOBUF: &str = "centrifuge-protobuf";

/// What is written back.
pub enum Answer {
    /// The 101 answer; the socket is a WebSocket after it.
    Upgrade(Vec<u8>),
    /// A whole answer; the connection goes on.
    Plain(Vec<u8>),
}

/// What a request to the session listener gets.
pub fn answer(head: &Head, now: Millis) -> Answer {
    let reply = match (head.path.as_str(), head.method.as_str()) {
        (WEBSOCKET_PATH, "GET") if head.has_token("upgrade", "websocket") => match greet(head) {
            Ok(greeting) => return Answer::Upgrade(greeting),
            Err(reply) => reply,
        },
        (_, "OPTIONS") => Reply { status: 204, ..Reply::default() }
            .with("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
            .with("Access-Control-Allow-Headers", "*")
            .with("Access-Control-Max-Age", "86400"),
        (WEBSOCKET_PATH, "GET" | "HEAD") => Reply::text(426, "this is a WebSocket; connect to it with a centrifuge client"),
        ("/healthz", "GET" | "HEAD") => Reply::text(200, "ok"),
        (WEBSOCKET_PATH | "/healthz", _) => Reply::text(405, "use GET").with("Allow", "GET, HEAD, OPTIONS"),
        _ => Reply::text(404, &format!("nothing here; clients connect to {WEBSOCKET_PATH}")),
    };
    let asks_upgrade = reply.status == 426;
    let mut bytes = http::print(open_to_all(reply), head.method == "HEAD", now);
    if asks_upgrade {
        http::insert(&mut bytes, "Upgrade: websocket");
    }
    Answer::Plain(bytes)
}

/// Pages of any origin may read the answer: what protects sessions is the token, not the origin.
pub fn open_to_all(reply: Reply) -> Reply {
    reply.with("Access-Control-Allow-Origin", "*")
}

/// The close frame for those over a cap: 3504 (`session.md` §1). Made by hand, because it is all that the
/// door ever says on a WebSocket: frames are the socket's, whose code it must not know.
pub fn turned_away() -> Vec<u8> {
    let reason = b"connection limit";
    let mut frame = vec![0x88, reason.len() as u8 + 2];
    frame.extend_from_slice(&3504u16.to_be_bytes());
    frame.extend_from_slice(reason);
    frame
}

fn greet(head: &Head) -> Result<Vec<u8>, Reply> {
    if head.length > 0 {
        return Err(Reply::text(400, "a request for a WebSocket has no body"));
    }
    if head.header("sec-websocket-version") != Some("13") {
        return Err(Reply::text(426, "only WebSocket version 13 is spoken").with("Sec-WebSocket-Version", "13"));
    }
    let json = http::tokens(&head.headers, "sec-websocket-protocol").any(|t| t == JSON);
    let protobuf = http::tokens(&head.headers, "sec-websocket-protocol").any(|t| t == PROTOBUF)
        || head.query.split('&').any(|p| p == "format=protobuf" || p == "cf_protocol=protobuf");
    if protobuf && !json {
        return Err(Reply::text(400, "the Protobuf encoding is not offered; use a client that speaks JSON (centrifuge-json)"));
    }
    let bad = |why: String| Reply::text(400, &format!("bad WebSocket handshake: {why}"));
    let version = if head.old { Version::HTTP_10 } else { Version::HTTP_11 };
    let mut request = Request::builder().method(Method::GET).uri(WEBSOCKET_PATH).version(version);
    for (name, value) in &head.headers {
        request = request.header(name, value.as_slice());
    }
    let request = request.body(()).map_err(|e| bad(e.to_string()))?;
    let response = create_response(&request).map_err(|e| bad(e.to_string()))?;
    let mut out = b"HTTP/1.1 101 Switching Protocols\r\n".to_vec();
    for (name, value) in response.headers() {
        line(&mut out, name.as_str().as_bytes(), value.as_bytes());
    }
    if json {
        line(&mut out, b"sec-websocket-protocol", JSON.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    Ok(out)
}

fn line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    for part in [name, b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
}
