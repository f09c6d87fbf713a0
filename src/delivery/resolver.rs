//! Names to addresses, and which of them may be connected to. The addresses returned here are the
//! ones the connection is made to, so a name that is rebound between check and connect gains nothing.
//! Must not know what is sent.

use crate::{
    clock::Clock,
    domain::{Tick, address::AllowList, endpoint::CallbackUrl},
};
use std::{
    collections::HashMap,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};
use ureq::{
    Error,
    config::Config,
    http::{Uri, uri::Scheme},
    unversioned::{
        resolver::{ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

/// A name's addresses are kept so long, in ms.
const KEPT_MS: u64 = 30_000;
/// So many names are kept; a full cache starts over, which costs a look-up each and nothing else.
const NAMES: usize = 1024;
/// Look-ups under way at once. One that hangs in the system's resolver cannot be taken back.
const LOOKUPS: usize = 16;
/// ureq takes no more addresses than this.
const ADDRESSES: usize = 16;

/// Why a name gave no address to connect to. Travels inside [`ureq::Error::Other`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// The allow-list forbids every address of the name.
    Forbidden(String),
    /// The name server answered that there is no such name, or that it has no address.
    NoSuchName(String),
    /// No answer, or none that says anything about the name: nobody's fault but the network's.
    Down(String),
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Unresolved::Forbidden(why) => f.write_str(why),
            Unresolved::NoSuchName(host) => write!(f, "the name {host} has no address"),
            Unresolved::Down(why) => write!(f, "name resolution is down: {why}"),
        }
    }
}

impl std::error::Error for Unresolved {}

/// The resolver of all tries.
pub struct Vetted {
    allow: AllowList,
    clock: Clock,
    names: Mutex<HashMap<String, (Tick, Vec<IpAddr>)>>,
    lookups: Arc<AtomicUsize>,
    lookup: fn(&str) -> Result<Vec<IpAddr>, Unresolved>,
}

impl Vetted {
    pub fn new(allow: AllowList, clock: Clock) -> Vetted {
        Vetted { allow, clock, names: Mutex::default(), lookups: Arc::default(), lookup: system_lookup }
    }

    #[cfg(test)]
    pub fn with_lookup(self, lookup: fn(&str) -> Result<Vec<IpAddr>, Unresolved>) -> Vetted {
        Vetted { lookup, ..self }
    }

    /// The addresses of a name, from the last 30 s or looked up now. A failure is not kept.
    fn addresses(&self, host: &str, patience: std::time::Duration) -> Result<Vec<IpAddr>, Unresolved> {
        if let Ok(ip) = host.parse() {
            return Ok(vec![ip]);
        }
        let now = self.clock.tick();
        if let Some((at, found)) = self.names.lock().expect("no panic while held").get(host)
            && now.since(*at) < KEPT_MS
        {
            return Ok(found.clone());
        }
        let found = self.look_up(host, patience)?;
        let mut names = self.names.lock().expect("no panic while held");
        if names.len() >= NAMES {
            names.clear();
        }
        names.insert(host.to_owned(), (now, found.clone()));
        Ok(found)
    }

    /// On a thread of its own, because the system's resolver has its own idea of patience.
    fn look_up(&self, host: &str, patience: std::time::Duration) -> Result<Vec<IpAddr>, Unresolved> {
        if self.lookups.fetch_add(1, Ordering::SeqCst) >= LOOKUPS {
            self.lookups.fetch_sub(1, Ordering::SeqCst);
            return Err(Unresolved::Down(format!("{LOOKUPS} look-ups hang already")));
        }
        let (answer, answered) = mpsc::sync_channel(1);
        let (lookup, name, lookups) = (self.lookup, host.to_owned(), self.lookups.clone());
        let run = move || {
            // The receiver may have given up; then nobody wants the answer.
            let _ = answer.send(lookup(&name));
            lookups.fetch_sub(1, Ordering::SeqCst);
        };
        // getaddrinfo of glibc loads modules and wants more stack than a sender has.
        if let Err(e) = std::thread::Builder::new().name("lookup".into()).stack_size(256 * 1024).spawn(run) {
            self.lookups.fetch_sub(1, Ordering::SeqCst);
            return Err(Unresolved::Down(format!("no thread for a look-up: {e}")));
        }
        // Like the time-outs of sockets, this bounds what the network does to us; no rule hangs on it.
        match answered.recv_timeout(patience) {
            Ok(found) => found,
            Err(_) => Err(Unresolved::Down(format!("no answer about {host} within {} ms", patience.as_millis()))),
        }
    }
}

impl Resolver for Vetted {
    fn resolve(&self, uri: &Uri, _: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let other = |e: Unresolved| Error::Other(Box::new(e));
        let url = called(uri).ok_or_else(|| Error::BadUri("no host to call".into()))?;
        self.allow.check_url(&url).map_err(|why| other(Unresolved::Forbidden(why)))?;
        let found = self.addresses(&url.host, *timeout.after).map_err(other)?;
        let mut permitted: Vec<IpAddr> = found.iter().copied().filter(|ip| self.allow.permits(&url, *ip)).collect();
        if permitted.is_empty() {
            let at = found.first().map(|ip| ip.to_string()).unwrap_or_default();
            let text = format!("{} is at {at}, which may not be called; start with --allow-callback {at} to allow it", url.host);
            return Err(other(Unresolved::Forbidden(text)));
        }
        // A host with both kinds of address on a box with one kind of network: without this the error
        // of the unroutable address, tried last, would hide that the routable one refused.
        if permitted.len() > 1 && permitted.iter().any(|ip| routable(*ip)) {
            permitted.retain(|ip| routable(*ip));
        }
        let port = url.port.unwrap_or(if url.https { 443 } else { 80 });
        let mut addrs = self.empty();
        for ip in permitted.into_iter().take(ADDRESSES) {
            addrs.push(SocketAddr::new(ip, port));
        }
        Ok(addrs)
    }
}

impl fmt::Debug for Vetted {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Vetted")
    }
}

/// What ureq is about to call, read from its own parse of the URL, so that the two cannot differ.
fn called(uri: &Uri) -> Option<CallbackUrl> {
    let authority = uri.authority()?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let https = uri.scheme() == Some(&Scheme::HTTPS);
    (!host.is_empty() && !authority.as_str().contains('@')).then(|| CallbackUrl { https, host, port: authority.port_u16() })
}

/// Is there a route? Connecting a datagram socket asks the kernel and sends nothing.
fn routable(ip: IpAddr) -> bool {
    let any: IpAddr = if ip.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    UdpSocket::bind((any, 0)).and_then(|socket| socket.connect((ip, 9))).is_ok()
}

fn system_lookup(host: &str) -> Result<Vec<IpAddr>, Unresolved> {
    match (host, 0u16).to_socket_addrs() {
        Ok(found) => {
            let mut ips: Vec<IpAddr> = Vec::new();
            for addr in found {
                if !ips.contains(&addr.ip()) {
                    ips.push(addr.ip());
                }
            }
            if ips.is_empty() { Err(Unresolved::NoSuchName(host.into())) } else { Ok(ips) }
        }
        Err(e) => Err(judge(host, &e.to_string())),
    }
}

/// The standard library gives the resolver's code as text only: glibc's and musl's words for
/// EAI_NONAME and EAI_NODATA. All else (no server, no answer, SERVFAIL) says nothing of the name.
fn judge(host: &str, error: &str) -> Unresolved {
    let no_such = ["Name or service not known", "No address associated with hostname", "Name does not resolve", "Name has no usable address"];
    if no_such.iter().any(|text| error.contains(text)) {
        return Unresolved::NoSuchName(host.into());
    }
    let detail = error.rsplit_once("information: ").map_or(error, |(_, detail)| detail);
    Unresolved::Down(detail.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_name_server_says() {
        for (error, expected) in [
            ("failed to lookup address information: Name or service not known", Unresolved::NoSuchName("h".into())),
            ("failed to lookup address information: Name does not resolve", Unresolved::NoSuchName("h".into())),
            ("failed to lookup address information: Temporary failure in name resolution", Unresolved::Down("Temporary failure in name resolution".into())),
            ("failed to lookup address information: Try again", Unresolved::Down("Try again".into())),
            ("Too many open files (os error 24)", Unresolved::Down("Too many open files (os error 24)".into())),
        ] {
            assert_eq!(judge("h", error), expected, "{error}");
        }
    }

    #[test]
    fn the_url_is_read_as_it_is_called() {
        for (uri, expected) in [
            ("http://CB.example.com/r?a=1", Some((false, "cb.example.com", None))),
            ("https://[::1]:8443/", Some((true, "::1", Some(8443)))),
            ("http://127.0.0.1:80", Some((false, "127.0.0.1", Some(80)))),
            ("http://good@evil/", None),
            ("/path", None),
        ] {
            let got = called(&uri.parse().unwrap());
            assert_eq!(got.as_ref().map(|u| (u.https, u.host.as_str(), u.port)), expected, "{uri}");
        }
    }

    #[test]
    fn a_name_is_kept_for_30_s() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let clock = Clock::standing();
        let vetted = Vetted::new(AllowList::default(), clock.clone()).with_lookup(|_| {
            ASKED.fetch_add(1, Ordering::SeqCst);
            Ok(vec![Ipv4Addr::new(192, 0, 2, 1).into()])
        });
        let patience = std::time::Duration::from_secs(5);
        for (wait, asked) in [(0, 1), (29_000, 1), (2_000, 2)] {
            clock.advance(wait).unwrap();
            vetted.addresses("cb.example.com", patience).unwrap();
            assert_eq!(ASKED.load(Ordering::SeqCst), asked);
        }
    }

    #[test]
    fn a_look_up_that_hangs_is_given_up_and_their_number_is_bounded() {
        let vetted = Vetted::new(AllowList::default(), Clock::standing()).with_lookup(|_| {
            loop {
                std::thread::park();
            }
        });
        let patience = std::time::Duration::from_millis(1);
        for n in 0..LOOKUPS + 2 {
            let Err(Unresolved::Down(text)) = vetted.addresses(&format!("h{n}"), patience) else { panic!("it hangs") };
            assert_eq!(text.contains("hang already"), n >= LOOKUPS, "{n}: {text}");
        }
    }
}
