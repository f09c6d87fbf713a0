//! One try of one delivery: connect, POST, read the answer, say how it ended and whose fault it was
//! (`design.md` §4.7). Must not know what comes after it; nothing here waits or repeats.

use super::{
    Config, DELIVERY_HEADER, Target,
    resolver::{Unresolved, Vetted},
};
use crate::domain::{
    Millis,
    endpoint::CallbackUrl,
    outbox::{Attempt, Job, KEPT_ANSWER, Verdict},
};
use rustix::io::Errno;
use std::io;
use ureq::{Agent, Error, Timeout, unversioned::transport::DefaultConnector};

/// So much of an answer is read, in bytes; the rest is not waited for.
pub const ANSWER_LIMIT: u64 = 64 * 1024;

/// Makes tries; cheap to clone, all clones share one cache of names.
#[derive(Clone)]
pub struct Sender {
    config: Config,
    agent: Agent,
}

impl Sender {
    pub fn new(config: Config) -> Sender {
        let resolver = Vetted::new(config.allow.clone(), config.clock.clone());
        Sender::with_resolver(config, resolver)
    }

    fn with_resolver(config: Config, resolver: Vetted) -> Sender {
        let whole = Some(config.patience.whole);
        let settings = ureq::config::Config::builder()
            .http_status_as_error(false)
            // A redirect would lead past the rule of who may be called, and drop the signature's host.
            .max_redirects(0)
            .max_redirects_will_error(false)
            // A proxy from the environment would be connected to instead of what was vetted.
            .proxy(None)
            .user_agent(concat!("roomd/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("")
            .timeout_global(whole)
            .timeout_resolve(Some(config.patience.connect))
            .timeout_connect(Some(config.patience.connect))
            .timeout_send_request(whole)
            .timeout_send_body(whole)
            .timeout_recv_response(whole)
            .timeout_recv_body(whole)
            // A kept connection that its server had just closed would look like a failed try.
            .max_idle_connections(0)
            .max_idle_connections_per_host(0)
            // Larger than the longest head: a full buffer without a whole head reads as a closed connection.
            .input_buffer_size(32 * 1024)
            .output_buffer_size(16 * 1024)
            .max_response_header_size(16 * 1024)
            .build();
        let agent = Agent::with_parts(settings, DefaultConnector::new(), resolver);
        Sender { config, agent }
    }

    /// Makes the try. Lasts at most as long as `patience.whole`.
    pub fn attempt(&self, job: &Job) -> (Attempt, Verdict) {
        let (at, began) = (self.config.clock.now(), self.config.clock.tick());
        let mut attempt = Attempt { at, url: String::new(), result: Err(String::new()), took_ms: 0, answer: Vec::new() };
        let verdict = match (self.config.target)(&job.endpoint) {
            None => {
                attempt.result = Err("endpoint removed".into());
                Verdict::NotSpent
            }
            Some(_) if at < Millis::BELIEVABLE => {
                attempt.result = Err("the wall clock is not set yet, so no signature could be right".into());
                Verdict::NotSpent
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
                        if good { Verdict::Delivered } else { Verdict::Failed }
                    }
                    Err((text, verdict)) => {
                        attempt.result = Err(text);
                        verdict
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
        (attempt, verdict)
    }

    /// Ends all tries under way; later ones fail at once.
    pub fn cut(&self) {
        self.agent.clone().shutdown();
    }

    fn post(&self, job: &Job, target: &Target) -> Result<(u16, Vec<u8>), (String, Verdict)> {
        if CallbackUrl::parse(&target.url).is_none() {
            return Err(("this is not an http or https URL that can be called".into(), Verdict::Failed));
        }
        let mut request = self.agent.post(target.url.as_str());
        for (name, value) in &target.headers {
            request = request.header(name, value);
        }
        let ours = |e| self.judge(e);
        let mut response = request.header(DELIVERY_HEADER, &*job.delivery.0).header("Connection", "close").send(&*job.body).map_err(ours)?;
        let status = response.status().as_u16();
        let mut answer = Vec::new();
        // A status whose body does not come in time is no answer; one whose body is long is.
        let reader = response.body_mut().with_config().limit(ANSWER_LIMIT + 1).reader();
        io::Read::read_to_end(&mut io::Read::take(reader, ANSWER_LIMIT), &mut answer).map_err(|e| self.judge(e.into()))?;
        Ok((status, answer))
    }

    /// The error in plain words, and whose fault it was.
    fn judge(&self, error: Error) -> (String, Verdict) {
        let patience = &self.config.patience;
        let failed = |text: &str| (text.to_owned(), Verdict::Failed);
        match error {
            Error::Timeout(Timeout::Connect) => (format!("no connection within {} ms", patience.connect.as_millis()), Verdict::Failed),
            Error::Timeout(_) => (format!("no whole answer within {} ms", patience.whole.as_millis()), Verdict::Failed),
            Error::Io(e) => judge_io(&e),
            Error::Rustls(e) => (format!("TLS: {e}"), Verdict::Failed),
            Error::Tls(e) => (format!("TLS: {e}"), Verdict::Failed),
            Error::Protocol(e) => (format!("the answer is not HTTP: {e}"), Verdict::Failed),
            Error::LargeResponseHeader(..) => failed("the head of the answer is too long"),
            Error::Other(e) => match e.downcast_ref::<Unresolved>() {
                Some(why @ Unresolved::Down(_)) => (why.to_string(), Verdict::NotSpent),
                Some(why) => (why.to_string(), Verdict::Failed),
                None => (e.to_string(), Verdict::Failed),
            },
            other => (other.to_string(), Verdict::Failed),
        }
    }
}

/// Errors of the network and of our own machine are not the endpoint's.
fn judge_io(e: &io::Error) -> (String, Verdict) {
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
        return ((*text).into(), Verdict::NotSpent);
    }
    let text = match e.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".into(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => "connection reset".into(),
        io::ErrorKind::UnexpectedEof => "closed before the whole answer was sent".into(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => "timed out".into(),
        // The TLS layer wraps its errors so.
        io::ErrorKind::InvalidData => format!("TLS: {e}"),
        io::ErrorKind::OutOfMemory => return ("the machine has no memory left".into(), Verdict::NotSpent),
        _ => e.to_string(),
    };
    (text, Verdict::Failed)
}

#[cfg(test)]
#[path = "sender_tests.rs"]
pub mod tests;
