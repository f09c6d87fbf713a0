//! Tells systemd how the service is (`sd_notify(3)`): one datagram to the socket that it names in
//! `NOTIFY_SOCKET`. Without that variable nothing is sent. Must not know what the states mean to us.

use std::{
    ffi::OsStr,
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
};

/// The service answers now; `status` is shown by `systemctl status`.
pub fn ready(status: &str) {
    send(&format!("READY=1\nSTATUS={}", status.replace('\n', " ")));
}

/// The service has begun to stop.
pub fn stopping() {
    send("STOPPING=1");
}

fn send(state: &str) {
    if let Some(socket) = std::env::var_os("NOTIFY_SOCKET")
        && let Err(e) = send_to(&socket, state)
    {
        tracing::warn!(error = %e, "systemd could not be told {state:?}");
    }
}

fn send_to(socket: &OsStr, state: &str) -> io::Result<()> {
    let address = match socket.as_bytes() {
        // An abstract socket: no file, its name begins with NUL.
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(socket)?,
        _ => {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "NOTIFY_SOCKET is neither a path nor an abstract socket"));
        }
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: UnixDatagram) -> String {
        let mut bytes = [0; 100];
        let n = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..n]).into_owned()
    }

    #[test]
    fn a_named_and_an_abstract_socket_hear_it() {
        let path = std::env::temp_dir().join(format!("roomd-notify-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let named = UnixDatagram::bind(&path).unwrap();
        send_to(path.as_os_str(), "READY=1").unwrap();
        assert_eq!(heard(named), "READY=1");
        std::fs::remove_file(&path).unwrap();

        let name = format!("roomd-notify-{}", std::process::id());
        let hidden = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        send_to(OsStr::new(&format!("@{name}")), "STOPPING=1").unwrap();
        assert_eq!(heard(hidden), "STOPPING=1");
        assert!(send_to(OsStr::new("vsock:2"), "READY=1").is_err());
    }
}
