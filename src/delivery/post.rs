//! One POST to a business's server: only where it may go, without redirects, within its time. Must not
//! know what is posted, nor whose fault an error was.

use super::{Patience, resolver::Vetted};
use crate::domain::endpoint::CallbackUrl;
use std::io::Read;
use ureq::{Agent, Error, unversioned::transport::DefaultConnector};

/// So much of an answer is read, in bytes; the rest is not waited for.
pub const ANSWER_LIMIT: u64 = 64 * 1024;

/// Why nothing is posted before [`crate::domain::Millis::BELIEVABLE`].
pub const NOT_BELIEVABLE: &str = "the wall clock is not set yet, so no signature could be right";

/// Cheap to clone; all clones share one cache of names.
#[derive(Clone)]
pub struct Client(Agent);

impl Client {
    pub fn new(resolver: Vetted) -> Client {
        let settings = ureq::config::Config::builder()
            .http_status_as_error(false)
            // A redirect would lead past the rule of who may be called, and drop the signature's host.
            .max_redirects(0)
            .max_redirects_will_error(false)
            // A proxy from the environment would be connected to instead of what was vetted.
            .proxy(None)
            .user_agent(concat!("roomd/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("")
            // A kept connection that its server had just closed would look like a failed try.
            .max_idle_connections(0)
            .max_idle_connections_per_host(0)
            // Larger than the longest head: a full buffer without a whole head reads as a closed connection.
            .input_buffer_size(32 * 1024)
            .output_buffer_size(16 * 1024)
            .max_response_header_size(16 * 1024)
            .build();
        Client(Agent::with_parts(settings, DefaultConnector::new(), resolver))
    }

    /// The status and at most [`ANSWER_LIMIT`] bytes of the answer. Lasts at most as long as `patience.whole`.
    pub fn post<'a>(&self, url: &str, headers: impl Iterator<Item = (&'a str, &'a str)>, body: &[u8], patience: &Patience) -> Result<(u16, Vec<u8>), Error> {
        if CallbackUrl::parse_called(url).is_none() {
            return Err(Error::BadUri("it is not an http or https URL".into()));
        }
        let (connect, whole) = (Some(patience.connect), Some(patience.whole));
        let mut request = self.0.post(url).header("Connection", "close");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let timed = request
            .config()
            .timeout_global(whole)
            .timeout_resolve(connect)
            .timeout_connect(connect)
            .timeout_send_request(whole)
            .timeout_send_body(whole)
            .timeout_recv_response(whole)
            .timeout_recv_body(whole)
            .build();
        let mut response = timed.send(body)?;
        let status = response.status().as_u16();
        let mut answer = Vec::new();
        // A status whose body does not come in time is no answer; one whose body is long is.
        let reader = response.body_mut().with_config().limit(ANSWER_LIMIT + 1).reader();
        reader.take(ANSWER_LIMIT).read_to_end(&mut answer)?;
        Ok((status, answer))
    }

    /// Ends all POSTs under way; later ones fail at once.
    pub fn cut(&self) {
        self.0.clone().shutdown();
    }
}
