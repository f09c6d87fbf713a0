//! Webhooks of live rooms (`tencent.md` §3.2, §6.1): what happened to a group becomes a query and a body, and
//! each try gets its own signature, which stands in the URL. Who is told when is not decided here.

use crate::domain::{
    Millis,
    app::WebhookToken,
    outbox::{Freezing, Frozen},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// A try lasts at most so long, in ms.
pub const PATIENCE: u64 = 2_000;

/// The event as it waits in the outbox.
#[derive(Serialize, Deserialize)]
struct Told<B> {
    query: String,
    body: B,
}

/// What every try of the delivery says. The cloud names its calls in the query, so we name the delivery there as well.
pub fn freeze(freezing: &Freezing) -> Frozen {
    let told = freezing.events.first().map(|(_, payload)| serde_json::from_str::<Told<Box<RawValue>>>(payload));
    let Some(Ok(Told { query, body })) = told else {
        tracing::error!(endpoint = %freezing.endpoint, "a stored event is not readable; an empty one is sent in its place");
        return Frozen { query: format!("RequestID={}", freezing.delivery), body: b"{}".to_vec() };
    };
    Frozen { query: format!("{query}&RequestID={}", freezing.delivery), body: body.get().as_bytes().to_vec() }
}

/// What is called in a try at `now`: the configured URL with the delivery's query, signed with the token if it is enabled.
/// The signature covers its own time alone, not what is sent.
pub fn url(configured: &str, query: &str, token: Option<&WebhookToken>, now: Millis) -> String {
    // A fragment is not sent, and would swallow the query.
    let configured = configured.split('#').next().unwrap_or(configured);
    let join = if configured.contains('?') { '&' } else { '?' };
    let mut url = format!("{configured}{join}{query}");
    if let Some(token) = token.filter(|token| token.enabled) {
        let time = now.seconds();
        url += &format!("&Sign={}&RequestTime={time}", sign(&token.token, &time.to_string()));
    }
    url
}

/// `Sign`: SHA-256 of the token and, right behind it, `RequestTime` in unix seconds; in lower-case hex.
pub fn sign(token: &str, request_time: &str) -> String {
    let hash = Sha256::new().chain_update(token).chain_update(request_time).finalize();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The answer's body does not matter: receivers say `ok` as well as JSON.
pub fn is_success(status: u16) -> bool {
    status == 200
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
