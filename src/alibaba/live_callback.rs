//! Event callbacks of interactive messaging (`alibaba.md` §4.1, §4.2): events become entries of
//! `eves`, entries become a body, and each try gets its own headers. What is sent when is not
//! decided here.

use super::signature;
use crate::domain::{
    Millis,
    app::App,
    endpoint::{CallbackUrl, EndpointId},
    event::{LogoffReason, Rendered, SessionEvent, What},
    outbox::Freezing,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One entry of `eves`.
#[derive(Serialize, Deserialize)]
struct Entry<E> {
    uid: String,
    sid: String,
    events: Vec<E>,
}

/// One event; the fields stand in the order of the documented sample.
#[derive(Serialize)]
struct Told<'a> {
    e: u8,
    /// Only with a logoff.
    #[serde(skip_serializing_if = "Option::is_none")]
    r: Option<u8>,
    /// Only with join and leave.
    #[serde(skip_serializing_if = "Option::is_none")]
    g: Option<&'a str>,
    /// Only with a reconnection.
    #[serde(skip_serializing_if = "Option::is_none")]
    gs: Option<Vec<&'a str>>,
}

/// `None`: the application wants no callbacks.
pub fn render(event: &SessionEvent, app: &App) -> Option<Rendered> {
    if app.event_callback_url.is_empty() {
        return None;
    }
    let plain = Told { e: 0, r: None, g: None, gs: None };
    let told = match &event.what {
        What::LoggedOn { .. } => Told { e: 1, ..plain },
        What::LoggedOff(reason) => {
            // 2 is unused on this wire.
            let r = match reason {
                LogoffReason::Normal | LogoffReason::ForcedOff | LogoffReason::AppDisabled => 1,
                LogoffReason::Timeout | LogoffReason::LinkLost => 3,
                LogoffReason::Displaced => 4,
            };
            Told { e: 2, r: Some(r), ..plain }
        }
        What::Joined(group) => Told { e: 3, g: Some(group.as_str()), ..plain },
        What::Left(group) => Told { e: 4, g: Some(group.as_str()), ..plain },
        What::Reconnected(groups) => Told { e: 5, gs: Some(groups.iter().map(|g| g.as_str()).collect()), ..plain },
    };
    let entry = Entry { uid: event.user.to_string(), sid: event.sid.to_string(), events: vec![told] };
    Some(Rendered {
        endpoint: EndpointId::LiveEvents(event.app.clone()),
        subject: event.user.to_string(),
        payload: serde_json::to_string(&entry).expect("strings and numbers"),
    })
}

/// The body of one POST. Entries of one session that follow each other become one entry, so that
/// the order of a user's events is kept.
pub fn freeze(freezing: &Freezing) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        appid: &'a str,
        eves: Vec<Entry<Box<RawValue>>>,
    }
    let app = freezing.endpoint.app();
    let mut eves: Vec<Entry<Box<RawValue>>> = Vec::with_capacity(freezing.events.len());
    for (_, payload) in freezing.events {
        let Ok(mut entry) = serde_json::from_str::<Entry<Box<RawValue>>>(payload) else {
            // One bad row must not make the others undeliverable.
            tracing::error!(app = app.as_str(), "a stored event is not readable and is left out of its callback");
            continue;
        };
        match eves.last_mut() {
            Some(last) if last.uid == entry.uid && last.sid == entry.sid => last.events.append(&mut entry.events),
            _ => eves.push(entry),
        }
    }
    serde_json::to_vec(&Body { appid: app.as_str(), eves }).expect("strings and JSON")
}

/// The headers of one POST to `url`. Made anew at each try: the time of the try is signed.
pub fn headers(url: &str, app: &App, now: Millis) -> Vec<(&'static str, String)> {
    let host = CallbackUrl::parse(url).map(|url| url.host).unwrap_or_default();
    let timestamp = now.seconds().to_string();
    let signature = signature::live_callback(&host, &timestamp, &app.key);
    vec![("Content-Type", "application/json".into()), ("Ali-Live-Timestamp", timestamp), ("Ali-Live-Signature", signature)]
}

/// Anything but 200 is tried again.
pub fn is_success(status: u16) -> bool {
    status == 200
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{AppId, GroupId, SessionId, UserId, outbox::DeliveryId},
        fake,
    };

    fn event(user: &str, what: What) -> SessionEvent {
        SessionEvent {
            app: AppId::trusted("demo"),
            user: UserId::trusted(user),
            sid: SessionId::trusted("s1"),
            by: crate::domain::request::Actor::system(),
            at: Millis(1),
            what,
        }
    }

    #[test]
    fn events() {
        let mut app = fake::app("demo");
        assert_eq!(render(&event("u", What::LoggedOn { displaced: None }), &app), None);
        app.event_callback_url = "http://cb.example.com/cb".into();
        let group = GroupId::trusted("g\"1");
        for (what, expected) in [
            (What::LoggedOn { displaced: None }, r#"{"e":1}"#),
            (What::LoggedOff(LogoffReason::LinkLost), r#"{"e":2,"r":3}"#),
            (What::LoggedOff(LogoffReason::Normal), r#"{"e":2,"r":1}"#),
            (What::LoggedOff(LogoffReason::ForcedOff), r#"{"e":2,"r":1}"#),
            (What::LoggedOff(LogoffReason::AppDisabled), r#"{"e":2,"r":1}"#),
            (What::LoggedOff(LogoffReason::Timeout), r#"{"e":2,"r":3}"#),
            (What::LoggedOff(LogoffReason::Displaced), r#"{"e":2,"r":4}"#),
            (What::Joined(group.clone()), r#"{"e":3,"g":"g\"1"}"#),
            (What::Left(group.clone()), r#"{"e":4,"g":"g\"1"}"#),
            (What::Reconnected(vec![group, GroupId::trusted("b")]), r#"{"e":5,"gs":["g\"1","b"]}"#),
            (What::Reconnected(vec![]), r#"{"e":5,"gs":[]}"#),
        ] {
            let rendered = render(&event("u1", what), &app).unwrap();
            assert_eq!(rendered.payload, format!(r#"{{"uid":"u1","sid":"s1","events":[{expected}]}}"#));
            assert_eq!(rendered.subject, "u1");
            assert_eq!(rendered.endpoint, EndpointId::LiveEvents(AppId::trusted("demo")));
        }
    }

    #[test]
    fn bodies_merge_neighbours_and_keep_order() {
        let entry = |uid: &str, sid: &str, e: &str| format!(r#"{{"uid":"{uid}","sid":"{sid}","events":[{e}]}}"#);
        let (on, join, off) = (r#"{"e":1}"#, r#"{"e":3,"g":"g1"}"#, r#"{"e":2,"r":1}"#);
        for (payloads, eves) in [
            (vec![], String::new()),
            (vec![entry("u1", "s1", on)], entry("u1", "s1", on)),
            (vec![entry("u1", "s1", on), entry("u1", "s1", join), entry("u1", "s1", off)], entry("u1", "s1", &[on, join, off].join(","))),
            (vec![entry("u1", "s1", off), entry("u1", "s2", on)], [entry("u1", "s1", off), entry("u1", "s2", on)].join(",")),
            (
                vec![entry("u1", "s1", on), entry("u2", "s2", on), entry("u1", "s1", join)],
                [entry("u1", "s1", on), entry("u2", "s2", on), entry("u1", "s1", join)].join(","),
            ),
            (vec!["broken".into(), entry("u1", "s1", on)], entry("u1", "s1", on)),
        ] {
            let (delivery, endpoint) = (DeliveryId("d".into()), EndpointId::LiveEvents(AppId::trusted("demo")));
            let events: Vec<_> = payloads.into_iter().map(|payload| (String::new(), payload)).collect();
            let body = String::from_utf8(freeze(&Freezing { delivery: &delivery, endpoint: &endpoint, at: Millis(0), events: &events })).unwrap();
            assert_eq!(body, format!(r#"{{"appid":"demo","eves":[{eves}]}}"#));
        }
    }

    #[test]
    fn headers_are_signed_for_the_domain_without_the_port() {
        let mut app = fake::app("demo");
        app.key = "abckey".into();
        let at = Millis(1_700_000_000_999);
        let signature = "4fbe9ce9d993db5369ba26ebe83641e54a8c96dd49aa5bd0d96b864fbf59756c";
        for url in ["http://cb.example.com/cb?x=1", "https://CB.example.com:8443/"] {
            let expected = [("Content-Type", "application/json"), ("Ali-Live-Timestamp", "1700000000"), ("Ali-Live-Signature", signature)];
            assert_eq!(headers(url, &app, at), expected.map(|(n, v)| (n, v.to_string())));
        }
        assert!(is_success(200) && !is_success(204) && !is_success(302));
    }
}
