//! WebSocket frames of a client (RFC 6455 §5.2), written and read by hand: independent of the library
//! that the server uses, and able to be wrong.

use serde_json::Value;
use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::{
        Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
};

pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;

/// What came in.
pub enum In {
    Line(Value),
    Close(u16, String),
    /// The socket ended.
    Gone,
}

/// The sample handshake of RFC 6455 §1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The request that opens a WebSocket.
pub fn upgrade(at: SocketAddr) -> String {
    format!(
        "GET /connection/websocket HTTP/1.1\r\nHost: {at}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    )
}

/// The head of the answer to it.
pub fn assert_upgraded(head: &[u8]) {
    let head = String::from_utf8_lossy(head);
    assert!(head.starts_with("HTTP/1.1 101 ") && head.contains(ACCEPT), "{head}");
}

/// Writes one whole frame, masked as a client's must be.
pub fn write(out: &mut TcpStream, opcode: u8, payload: &[u8]) -> io::Result<()> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        n @ 0..126 => frame.push(0x80 | n as u8),
        n @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(n as u16).to_be_bytes());
        }
        n => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(n as u64).to_be_bytes());
        }
    }
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m));
    out.write_all(&frame)
}

/// What was read of a socket and not yet looked at.
#[derive(Default)]
pub struct Frames {
    bytes: Vec<u8>,
    /// So many of them were looked at.
    at: usize,
}

/// Bytes of one read at most.
const READ: usize = 32 * 1024;

impl Frames {
    /// Waits for one read; 0 bytes are the end.
    pub fn read(&mut self, input: &mut impl Read) -> io::Result<usize> {
        let mut part = [0; READ];
        let n = input.read(&mut part)?;
        self.bytes.drain(..std::mem::take(&mut self.at));
        self.bytes.extend_from_slice(&part[..n]);
        Ok(n)
    }

    /// Everything up to and with `end`, which is no frame: the head of an HTTP answer.
    pub fn head(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        let rest = &self.bytes[self.at..];
        let length = rest.windows(end.len()).position(|w| w == end)? + end.len();
        let head = rest[..length].to_vec();
        self.at += length;
        Some(head)
    }

    /// The next whole frame that is here: its kind and its payload.
    pub fn next(&mut self) -> Option<(u8, &[u8])> {
        let rest = &self.bytes[self.at..];
        let (head, rest) = rest.split_at_checked(2)?;
        assert_eq!((head[0] & 0x80, head[1] & 0x80), (0x80, 0), "whole frames, not masked");
        let (length, from) = match head[1] {
            126 => (u16::from_be_bytes(*rest.first_chunk()?) as usize, 2),
            127 => (u64::from_be_bytes(*rest.first_chunk()?) as usize, 8),
            n => (n as usize, 0),
        };
        let payload = rest.get(from..from + length)?;
        self.at += 2 + from + length;
        Some((head[0] & 15, payload))
    }
}

/// The lines of a text frame.
pub fn lines(payload: &[u8]) -> impl Iterator<Item = &str> {
    std::str::from_utf8(payload).expect("UTF-8").split('\n')
}

/// What a line says.
pub fn value(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))
}

/// A ping, and the answer to it.
pub const PING: &str = "{}";

/// Code and reason of a close frame; `None` when it is empty, which is the answer to our own empty one.
pub fn closed(payload: &[u8]) -> Option<(u16, String)> {
    let (code, reason) = payload.split_first_chunk()?;
    Some((u16::from_be_bytes(*code), String::from_utf8_lossy(reason).into_owned()))
}

/// Reads until the socket ends.
pub fn read(mut input: TcpStream, answers: &AtomicBool, pause: &(Mutex<bool>, Condvar), out: &Mutex<TcpStream>, send: &mpsc::Sender<In>) -> io::Result<()> {
    let mut frames = Frames::default();
    loop {
        while let Some((kind, payload)) = frames.next() {
            match kind {
                TEXT => {
                    for line in lines(payload) {
                        if line != PING {
                            let _ = send.send(In::Line(value(line)));
                        } else if answers.load(Ordering::SeqCst) {
                            write(&mut out.lock().unwrap(), TEXT, PING.as_bytes())?;
                        }
                    }
                }
                CLOSE => {
                    let Some((code, reason)) = closed(payload) else { return Ok(()) };
                    let _ = send.send(In::Close(code, reason));
                    let _ = write(&mut out.lock().unwrap(), CLOSE, &payload[..2]);
                    let _ = input.shutdown(Shutdown::Write);
                    // The server's end of the socket.
                    while input.read(&mut [0; 256])? > 0 {}
                    return Ok(());
                }
                other => panic!("a frame of kind {other}"),
            }
        }
        drop(pause.1.wait_while(pause.0.lock().unwrap(), |paused| *paused).unwrap());
        if frames.read(&mut input)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
