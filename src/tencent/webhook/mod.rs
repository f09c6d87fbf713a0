//! Webhooks (`tencent.md` §6.1): what happened becomes a query and a body, and each try gets its own signature,
//! which stands in the URL. The words are in the files below; who is told when is not decided here.

pub mod c2c;
mod group;
mod live;
pub mod message;
mod session;

use super::{names, words};
use crate::{
    domain::{
        Millis, UserId,
        app::{App, Webhook, WebhookToken},
        endpoint::EndpointId,
        event::{Event, Rendered},
        outbox::{Freezing, Frozen},
        request::{Actor, Origin},
    },
    form::encode,
};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// A try lasts at most so long, in ms.
pub const PATIENCE: u64 = 2_000;

/// What the webhooks of live rooms and of the chat tell of the event: each word once, and few events have two.
pub fn render(event: &Event, app: &App) -> Vec<Rendered> {
    let told = match event {
        Event::Session(event) => [session::render(event, app), None],
        Event::Group(event) => [live::render(event, app), group::render(event, app)],
        Event::Message(event) => [message::render(event, app), None],
        Event::Direct(event) => [c2c::render(event, app), None],
        // Known to the other cloud alone.
        Event::Channel(_) => [None, None],
    };
    told.into_iter().flatten().collect()
}

/// Where a word of the chat goes: to the webhook of the chat if that lists it. Two words live rooms have as well, and
/// who listed them there alone hears of them there (`tencent.md` §8, A19). `None`: nobody wants to hear of it.
pub fn endpoint(word: &str, app: &App) -> Option<EndpointId> {
    let lists = |webhook: &Option<Webhook>| webhook.as_ref().is_some_and(|webhook| webhook.words.iter().any(|listed| listed == word));
    if lists(&app.chat_webhook) {
        return Some(EndpointId::Chat(app.id.clone()));
    }
    let shared = [words::BEFORE_SEND_MSG, words::AFTER_SEND_MSG].contains(&word);
    (shared && lists(&app.live_webhook)).then(|| EndpointId::LiveRooms(app.id.clone()))
}

/// What a word of the chat tells. The keys are in order, as the cloud's are; a part that clients gave stays as it came.
#[derive(Clone, Debug, Serialize)]
pub struct Body(BTreeMap<&'static str, Box<RawValue>>);

impl Body {
    pub fn new(word: &str) -> Body {
        Body(BTreeMap::new()).with("CallbackCommand", word)
    }

    pub fn with(mut self, name: &'static str, value: impl Serialize) -> Body {
        self.0.insert(name, to_raw_value(&value).expect("texts, numbers and JSON"));
        self
    }

    /// When it happened: a number, unless the application wants it as its receiver was written (`tencent.md` §8, A8).
    pub fn at(self, at: Millis, app: &App) -> Body {
        if app.chat.event_time_as_string { self.with("EventTime", at.0.to_string()) } else { self.with("EventTime", at.0) }
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts, numbers and JSON")
    }
}

/// A list of users.
pub fn members<'a>(users: impl IntoIterator<Item = &'a UserId>) -> Vec<Member<'a>> {
    users.into_iter().map(|user| Member { account: user.as_str() }).collect()
}

#[derive(Clone, Debug, Serialize)]
pub struct Member<'a> {
    #[serde(rename = "Member_Account")]
    account: &'a str,
}

/// What a business keeps with a group.
fn entries(data: &BTreeMap<String, String>) -> Vec<Entry<'_>> {
    data.iter().map(|(key, value)| Entry { key, value }).collect()
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    key: &'a str,
    value: &'a str,
}

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
pub fn query(word: &str, app: &App, by: Option<&Origin>) -> String {
    let mut query = format!("SdkAppid={}&CallbackCommand={}&contenttype=json", app.sdkappid, encode(word));
    let Some(by) = by else { return query };
    if let Origin::Server { address: Some(address) } | Origin::Client { address: Some(address), .. } = by {
        // A listener on [::] sees IPv4 addresses within IPv6 ones.
        query += &format!("&ClientIP={}", encode(&address.to_canonical().to_string()));
    }
    query + "&OptPlatform=" + origin(by)
}

fn origin(from: &Origin) -> &'static str {
    match from {
        Origin::Server { .. } => "RESTAPI",
        Origin::Client { device, .. } => names::platform(device),
        Origin::System => "Unknown",
    }
}

/// What nobody in particular brought about is the application's own doing.
pub fn operator<'a>(by: &'a Actor, app: &'a App) -> &'a str {
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
pub mod tests;
