//! WebSocket frames of a client (RFC 6455 §5.2), written and read by hand: independent of the library
//! that the server uses, and able to be wrong.

use serde_json::{Value, json};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
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

/// Reads until the socket ends.
pub fn read(mut input: TcpStream, answers: &AtomicBool, pause: &(Mutex<bool>, Condvar), out: &Mutex<TcpStream>, send: &mpsc::Sender<In>) -> io::Result<()> {
    loop {
        drop(pause.1.wait_while(pause.0.lock().unwrap(), |paused| *paused).unwrap());
        let mut head = [0; 2];
        input.read_exact(&mut head)?;
        assert_eq!((head[0] & 0x80, head[1] & 0x80), (0x80, 0), "whole frames, not masked");
        let length = match head[1] {
            126 => {
                let mut n = [0; 2];
                input.read_exact(&mut n)?;
                u16::from_be_bytes(n) as usize
            }
            127 => {
                let mut n = [0; 8];
                input.read_exact(&mut n)?;
                u64::from_be_bytes(n) as usize
            }
            n => n as usize,
        };
        let mut payload = vec![0; length];
        input.read_exact(&mut payload)?;
        match head[0] & 15 {
            TEXT => {
                for line in String::from_utf8(payload).expect("UTF-8").split('\n') {
                    let line: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
                    if line == json!({}) {
                        if answers.load(Ordering::SeqCst) {
                            write(&mut out.lock().unwrap(), TEXT, b"{}")?;
                        }
                    } else {
                        let _ = send.send(In::Line(line));
                    }
                }
            }
            CLOSE => {
                if payload.is_empty() {
                    // The answer to our own empty one.
                    return Ok(());
                }
                let code = u16::from_be_bytes([payload[0], payload[1]]);
                let _ = send.send(In::Close(code, String::from_utf8_lossy(&payload[2..]).into_owned()));
                let _ = write(&mut out.lock().unwrap(), CLOSE, &payload[..2]);
                let _ = input.shutdown(Shutdown::Write);
                // The server's end of the socket.
                while input.read(&mut [0; 256])? > 0 {}
                return Ok(());
            }
            other => panic!("a frame of kind {other}"),
        }
    }
}
