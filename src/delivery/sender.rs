//! One try of one delivery: connect, POST, read the answer, say how it ended and whose fault it was
//! (`design.md` §4.7). Must not know what comes after it; nothing here waits or repeats.

use super::{
    Config, DELIVERY_HEADER, Patience, Target,
    post::{Client, NOT_BELIEVABLE},
    resolver::{Unresolved, Vetted},
};
use crate::domain::{
    Millis,
    address::AllowList,
    outbox::{Attempt, Job, KEPT_ANSWER, TryEnd},
};
use rustix::io::Errno;
use std::io;
use ureq::{Error, Timeout};

/// Makes tries; cheap to clone, all clones share one cache of names.
#[derive(Clone)]
pub struct Sender {
    config: Config,
    client: Client,
    /// For those whose cloud lets a public host have a port.
    any_port: Client,
}

impl Sender {
    pub fn new(config: Config) -> Sender {
        Sender::with_resolvers(config, |resolver| resolver)
    }

    fn with_resolvers(config: Config, resolver: impl Fn(Vetted) -> Vetted) -> Sender {
        let client = |allow: AllowList| Client::new(resolver(Vetted::new(allow, config.clock.clone())));
        let (client, any_port) = (client(config.allow.clone()), client(config.allow.with_any_port()));
        Sender { config, client, any_port }
    }

    /// Makes the try. Lasts at most as long as the target's `patience.whole`.
    pub fn attempt(&self, job: &Job) -> (Attempt, TryEnd) {
        let (at, began) = (self.config.clock.now(), self.config.clock.tick());
        let mut attempt = Attempt { at, url: String::new(), result: Err(String::new()), took_ms: 0, answer: Vec::new() };
        let end = match (self.config.target)(job) {
            None => {
                attempt.result = Err("endpoint removed".into());
                TryEnd::NotSpent
            }
            Some(_) if at < Millis::BELIEVABLE => {
                attempt.result = Err(NOT_BELIEVABLE.into());
                TryEnd::NotSpent
            }
            Some(target) => {
                let ended = self.post(job, &target);
                attempt.url = target.url;
                match ended {
                    Ok((status, mut answer)) => {
                        let good = (target.success)(status, &answer);
                        answer.truncate(KEPT_ANSWER);
                        attempt.answer = answer;
                        attempt.result = Ok(status);
                        if good { TryEnd::Delivered } else { TryEnd::Failed }
                    }
                    Err((text, end)) => {
                        attempt.result = Err(text);
                        end
                    }
                }
            }
        };
        attempt.took_ms = self.config.clock.tick().since(began).min(u32::MAX as u64) as u32;
        // No URL here: its query may carry the business's own secret.
        match &attempt.result {
            Ok(status) => tracing::debug!(delivery = %job.delivery, endpoint = %job.endpoint, status, took_ms = attempt.took_ms, "callback answered"),
            Err(error) => tracing::debug!(delivery = %job.delivery, endpoint = %job.endpoint, error, took_ms = attempt.took_ms, "callback failed"),
        }
        (attempt, end)
    }

    /// Ends all tries under way; later ones fail at once.
    pub fn cut(&self) {
        self.client.cut();
        self.any_port.cut();
    }

    fn post(&self, job: &Job, target: &Target) -> Result<(u16, Vec<u8>), (String, TryEnd)> {
        let headers = target.headers.iter().map(|(name, value)| (&**name, &**value));
        let headers = headers.chain([(DELIVERY_HEADER, &*job.delivery.0)]);
        let client = if target.any_port { &self.any_port } else { &self.client };
        client.post(&target.called, headers, &job.body, &target.patience).map_err(|e| judge(e, &target.patience))
    }
}

/// The error in plain words, and whose fault it was.
pub fn judge(error: Error, patience: &Patience) -> (String, TryEnd) {
    let failed = |text: &str| (text.to_owned(), TryEnd::Failed);
    match error {
        Error::BadUri(_) => failed("this is not an http or https URL that can be called"),
        Error::Timeout(Timeout::Connect) => (format!("no connection within {} ms", patience.connect.as_millis()), TryEnd::Failed),
        Error::Timeout(_) => (format!("no whole answer within {} ms", patience.whole.as_millis()), TryEnd::Failed),
        Error::Io(e) => judge_io(&e),
        Error::Rustls(e) => (format!("TLS: {e}"), TryEnd::Failed),
        Error::Tls(e) => (format!("TLS: {e}"), TryEnd::Failed),
        Error::Protocol(e) => (format!("the answer is not HTTP: {e}"), TryEnd::Failed),
        Error::LargeResponseHeader(..) => failed("the head of the answer is too long"),
        Error::Other(e) => match e.downcast_ref::<Unresolved>() {
            Some(why @ Unresolved::Down(_)) => (why.to_string(), TryEnd::NotSpent),
            Some(why) => (why.to_string(), TryEnd::Failed),
            None => (e.to_string(), TryEnd::Failed),
        },
        other => (other.to_string(), TryEnd::Failed),
    }
}

/// Errors of the network and of our own machine are not the endpoint's.
fn judge_io(e: &io::Error) -> (String, TryEnd) {
    const OURS: [(Errno, &str); 9] = [
        (Errno::NETUNREACH, "no route: the network is unreachable"),
        (Errno::HOSTUNREACH, "no route to the host"),
        (Errno::NETDOWN, "the network is down"),
        (Errno::ADDRNOTAVAIL, "no local address or port is free for the connection"),
        (Errno::MFILE, "roomd has too many open files"),
        (Errno::NFILE, "the machine has too many open files"),
        (Errno::NOBUFS, "the machine has no buffers left"),
        (Errno::NOMEM, "the machine has no memory left"),
        // A local packet filter says so; an endpoint cannot.
        (Errno::PERM, "a local packet filter forbids the connection"),
    ];
    if let Some((_, text)) = e.raw_os_error().and_then(|code| OURS.iter().find(|(errno, _)| errno.raw_os_error() == code)) {
        return ((*text).into(), TryEnd::NotSpent);
    }
    let text = match e.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".into(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => "connection reset".into(),
        io::ErrorKind::UnexpectedEof => "closed before the whole answer was sent".into(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => "timed out".into(),
        // The TLS layer wraps its errors so.
        io::ErrorKind::InvalidData => format!("TLS: {e}"),
        io::ErrorKind::OutOfMemory => return ("the machine has no memory left".into(), TryEnd::NotSpent),
        _ => e.to_string(),
    };
    (text, TryEnd::Failed)
}

#[cfg(test)]
#[path = "sender_tests.rs"]
pub mod tests;
