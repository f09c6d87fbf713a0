//! Webhooks as they are sent.

mod chat;
mod live;

use super::*;
use crate::domain::{AppId, outbox::DeliveryId};

#[derive(serde::Deserialize)]
struct Golden {
    query: String,
    body: Box<RawValue>,
}

/// Is the event told as the file says? Gives its body.
fn compare(name: &str, golden: &str, payload: &str) -> String {
    let told: Golden = serde_json::from_str(payload).unwrap();
    same(name, golden, &told.query, told.body.get());
    told.body.get().into()
}

/// Are query and body as the file says?
pub fn same(name: &str, golden: &str, query: &str, body: &str) {
    let golden: Golden = serde_json::from_str(golden).unwrap();
    assert_eq!(query, golden.query, "{name}");
    // The files are laid out to be read; the order of their keys is that of the wire.
    let compact: String = golden.body.get().lines().map(str::trim_start).collect();
    assert_eq!(body, compact.replace("\": ", "\":"), "{name}");
}

#[test]
fn the_documented_sample_of_a_signature() {
    assert_eq!(sign("xxxxyyyy", "1669872112"), "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061");
    assert!(sign("xxxyyy", "1669872112").starts_with("e78a8547"), "the token that the page prints beside it is not the one it hashed");
}

#[test]
fn urls_get_the_query_and_a_signature_of_their_own_time() {
    let token = |enabled| WebhookToken { token: "xxxxyyyy".into(), enabled };
    let signed = "&Sign=17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061&RequestTime=1669872112";
    for (configured, token, expected) in [
        ("http://cb.example.com/live", None, "http://cb.example.com/live?a=1&b=2".to_string()),
        ("http://cb.example.com/live", Some(token(false)), "http://cb.example.com/live?a=1&b=2".into()),
        ("http://cb.example.com/live", Some(token(true)), format!("http://cb.example.com/live?a=1&b=2{signed}")),
        ("http://cb.example.com:8080?k=v", Some(token(true)), format!("http://cb.example.com:8080?k=v&a=1&b=2{signed}")),
        ("http://cb.example.com#top", None, "http://cb.example.com?a=1&b=2".into()),
    ] {
        assert_eq!(url(configured, "a=1&b=2", token.as_ref(), Millis(1_669_872_112_999)), expected);
    }
    assert_ne!(url("http://a", "q", Some(&token(true)), Millis(0)), url("http://a", "q", Some(&token(true)), Millis(1_000)));
}

#[test]
fn a_delivery_says_what_its_event_said_and_its_own_name() {
    let (delivery, endpoint) = (DeliveryId("d1".into()), EndpointId::LiveRooms(AppId::trusted("demo")));
    let freeze = |payload: &str| {
        let events = [("r1".to_string(), payload.to_string())];
        let Frozen { query, body } = freeze(&Freezing { delivery: &delivery, endpoint: &endpoint, at: Millis(0), events: &events });
        (query, String::from_utf8(body).unwrap())
    };
    assert_eq!(freeze(r#"{"query":"a=1","body":{"B":1.0,"A":"\u0001"}}"#), ("a=1&RequestID=d1".into(), r#"{"B":1.0,"A":"\u0001"}"#.into()));
    assert_eq!(freeze("broken"), ("RequestID=d1".into(), "{}".into()));
    assert!(is_success(200) && !is_success(204) && !is_success(302));
}
