//! Webhooks (`tencent.md` §6.1): what happened becomes a query and a body, and each try gets its own signature,
//! which stands in the URL. The words are in the files below; who is told when is not decided here.

mod live;

pub use live::render;

use crate::{
    domain::{
        Millis,
        app::{App, WebhookToken},
        endpoint::EndpointId,
        event::Rendered,
        outbox::{Freezing, Frozen},
        request::{Actor, Origin},
    },
    form::encode,
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

impl<B: Serialize> Told<B> {
    fn rendered(&self, endpoint: EndpointId, subject: String) -> Rendered {
        Rendered { endpoint, subject, payload: serde_json::to_string(self).expect("strings and JSON") }
    }
}

/// `by`: whose doing it was, for the words that are documented with it.
fn query(word: &str, app: &App, by: Option<&Origin>) -> String {
    let mut query = format!("SdkAppid={}&CallbackCommand={}&contenttype=json", app.sdkappid, encode(word));
    let Some(by) = by else { return query };
    if let Origin::Server { address: Some(address) } | Origin::Client { address: Some(address), .. } = by {
        // A listener on [::] sees IPv4 addresses within IPv6 ones.
        query += &format!("&ClientIP={}", encode(&address.to_canonical().to_string()));
    }
    query + "&OptPlatform=" + platform(by)
}

/// A client's is what its login says of its device, if that begins with one that is known.
fn platform(from: &Origin) -> &'static str {
    const KNOWN: [&str; 6] = ["Web", "Android", "iOS", "Windows", "Mac", "iPad"];
    match from {
        Origin::Server { .. } => "RESTAPI",
        Origin::Client { device, .. } => {
            let begins = |name: &&str| device.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
            KNOWN.into_iter().find(begins).unwrap_or("Unknown")
        }
        Origin::System => "Unknown",
    }
}

/// What nobody in particular brought about is the application's own doing.
fn operator<'a>(by: &'a Actor, app: &'a App) -> &'a str {
    let user = by.user.as_str();
    if user.is_empty() { app.administrators.first().map_or("", String::as_str) } else { user }
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
mod tests;
