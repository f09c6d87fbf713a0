//! WebSocket frames from the server (RFC 6455 §5.2): never masked, never fragmented.

use std::rc::Rc;

/// Bytes ready for the socket, shared by all connections that get them.
pub type Bytes = Rc<[u8]>;

/// A text frame of one or more JSON lines; a newline at the end is left out.
pub fn text(lines: &[u8]) -> Bytes {
    let lines = lines.strip_suffix(b"\n").unwrap_or(lines);
    let mut out = Vec::with_capacity(lines.len() + 10);
    head(0x81, lines.len(), &mut out);
    out.extend_from_slice(lines);
    out.into()
}

/// A close frame. The reason is cut to what a control frame holds; it is never empty, because the
/// JavaScript SDK heeds the code only when there is one.
pub fn close(code: u16, reason: &str) -> Bytes {
    let mut end = reason.len().min(123);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let mut out = Vec::with_capacity(end + 4);
    head(0x88, end + 2, &mut out);
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(&reason.as_bytes()[..end]);
    out.into()
}

fn head(first: u8, len: usize, out: &mut Vec<u8>) {
    out.push(first);
    match len {
        0..126 => out.push(len as u8),
        126..=0xffff => {
            out.push(126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        for (n, head) in [(5, vec![0x81, 5]), (126, vec![0x81, 126, 0, 126]), (65536, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0])] {
            let frame = text(&vec![b'x'; n]);
            assert_eq!(&frame[..head.len()], &head[..], "{n}");
            assert_eq!(frame.len(), head.len() + n);
        }
        assert_eq!(&*text(b"{}\n"), b"\x81\x02{}");
        assert_eq!(&*close(3001, "shutdown"), b"\x88\x0a\x0b\xb9shutdown");
        assert_eq!(close(3001, &"ü".repeat(100)).len(), 2 + 2 + 122);
    }
}
